//! The timelines of several runs above each other on one time axis.

use super::words::{BOLD, clipped, number, width};
use super::{Canvas, MARGIN, ROOM, heading};
use crate::page::phases::Phases;
use crate::picture::axis::Axis;
use crate::picture::lanes::{Bar, Lane, Lanes};
use crate::picture::{Drawn, Known};
use crate::units;
use std::fmt::Write as _;

/// Names of lanes stand in so much room.
const LABELS: f64 = 122.0;
const LEFT: f64 = MARGIN + LABELS;
const PLOT: f64 = ROOM - LABELS;
/// A lane, and what of it is drawn.
const LANE: f64 = 14.0;
const BAR: f64 = 11.0;
/// The lane of all workers that have none of their own, and what of it is drawn.
const REST: f64 = 26.0;
const REST_BAR: f64 = 22.0;
/// All runs together have about so many lanes.
const LANES: usize = 36;
/// A lane has each item as a bar where there are so many columns for each.
const BAR_COLUMNS: usize = 2;
/// A bar that is longer than this ends a little early, so that the next one can be told from it.
const GAPPED: f64 = 3.0;
const GAP: f64 = 0.7;
/// What is smaller than this is there, and can't be seen.
const SEEN: f64 = 0.9;
/// Shorter than this, nothing is seen.
const SHORTEST: f64 = 0.6;
/// Where failures are nearer to each other than this, they share a cross...
const CROSS: f64 = 4.0;
/// ...and where a lane has more crosses than this, a line shows them.
const MOST_CROSSES: usize = 40;

/// The phases in the order of [`Phases`]: the class of each, and its name.
const PHASES: [(&str, &str); Phases::COUNT] =
    [("c", "connecting"), ("w", "waiting"), ("r", "receiving"), ("p", "computing")];
/// Stacked from the floor on, so that what the machine does itself stands on it.
const FROM_THE_FLOOR: [usize; Phases::COUNT] = [3, 2, 1, 0];

pub(super) fn draw(canvas: &mut Canvas, runs: &[Drawn<'_>], axis: Axis) {
    heading(canvas, "What the workers did");
    let (heading, behind) = (canvas.y, canvas.out.len());
    canvas.y += 8.0;
    let top = canvas.y;
    canvas.seen = [false; Phases::COUNT];
    let most = (LANES / runs.len()).clamp(1, 16);
    for run in runs {
        one(canvas, run, axis, most);
    }
    let bottom = canvas.y + 8.0;
    // The grid lies behind what is drawn, and only now is it known how far down it goes, and what the legend has to name.
    let drawn = canvas.out.split_off(behind);
    let marks = axis.marks(7);
    let xs = marks.iter().map(|(us, _)| LEFT + axis.share(*us) * PLOT);
    let line = |x: f64| format!("M{} {}V{}", number(x), number(top), number(bottom));
    let grid: String = std::iter::once(LEFT).chain(xs).map(line).collect();
    canvas.path("rule", &grid);
    legend(canvas, runs, heading);
    canvas.out.push_str(&drawn);
    canvas.path("line", &format!("M{LEFT} {}h{PLOT}", number(bottom)));
    canvas.y = bottom + 16.0;
    canvas.text(LEFT, canvas.y, "small quiet\" text-anchor=\"middle", "0");
    for (us, name) in marks {
        // What would reach over the edge ends there.
        let x = (LEFT + axis.share(us) * PLOT).min(MARGIN + ROOM + 20.0 - width(&name, 11.5) / 2.0);
        canvas.text(x, canvas.y, "small quiet\" text-anchor=\"middle", &name);
    }
    canvas.y += 8.0;
    let typical = match runs {
        [run] if run.round.is_none() => "",
        _ => " Of each model, the round nearest to its median is drawn.",
    };
    let has_slow = |run: &Drawn<'_>| match run.inside {
        Known::Items(lanes) => lanes.has_slow(),
        Known::Program | Known::Unknown(_) => false,
    };
    let slow = if runs.iter().any(has_slow) {
        " A line below a bar marks it as one of the slowest."
    } else {
        ""
    };
    let text = format!(
        "Each row is a worker, and each bar an item; a gap is time without one. Where there are too many, the height tells \
         how busy the workers were.{slow}{typical}"
    );
    canvas.paragraph("quiet small", 11.5, 3, &text);
}

/// The colours that can be seen, on the line of the heading.
fn legend(canvas: &mut Canvas, runs: &[Drawn<'_>], heading: f64) {
    let fails = runs.iter().any(|run| match run.inside {
        Known::Items(lanes) => lanes.failed > 0,
        Known::Program | Known::Unknown(_) => false,
    });
    let seen = PHASES.into_iter().zip(canvas.seen);
    let mut entries: Vec<(&str, &str)> =
        seen.filter(|(_, is_seen)| *is_seen).map(|(phase, _)| phase).collect();
    if runs.iter().any(|run| matches!(run.inside, Known::Program)) {
        entries.push(("o", "a whole program"));
    }
    let mut right = MARGIN + ROOM;
    let y = heading - 5.0;
    if fails {
        right -= width("failed", 13.0);
        canvas.text(right, heading, "", "failed");
        canvas.path("cross", &cross(right - 11.0, y));
        right -= 32.0;
    }
    for (class, name) in entries.into_iter().rev() {
        right -= width(name, 13.0);
        canvas.text(right, heading, "", name);
        let (x, y) = (number(right - 18.0), number(y));
        canvas.path(&format!("bars {class}"), &format!("M{x} {y}h12"));
        right -= 34.0;
    }
}

/// One run: its name, its lanes, its end.
fn one(canvas: &mut Canvas, run: &Drawn<'_>, axis: Axis, most: usize) {
    canvas.y += 22.0;
    let facts = facts(run);
    let room = ROOM - width(&facts, 13.0) - 14.0;
    let name = clipped(run.name, 14.0, room.max(120.0) / BOLD);
    canvas.text_and(MARGIN, canvas.y, "name", &name, &facts);
    canvas.y += 7.0;
    let top = canvas.y;
    match run.inside {
        Known::Items(lanes) => items(canvas, lanes, axis, most),
        Known::Program => {
            let middle = number(canvas.y + LANE / 2.0);
            let length = number((axis.share(run.wall_us) * PLOT).max(SHORTEST));
            canvas.path("bars o", &format!("M{LEFT} {middle}h{length}"));
            label(canvas, LANE, "the process");
            canvas.y += LANE;
        }
        // Why exactly is of use only where the files are.
        Known::Unknown(_) => {
            canvas.text(
                LEFT,
                canvas.y + 11.0,
                "quiet small",
                "its records are not there, or not whole",
            );
            canvas.y += LANE;
        }
    }
    let x = LEFT + axis.share(run.end_us()) * PLOT;
    canvas.path("end-line", &format!("M{} {}V{}", number(x), number(top - 2.0), number(canvas.y)));
}

fn facts(run: &Drawn<'_>) -> String {
    let mut facts = vec![units::duration(run.wall_us)];
    if let Known::Items(lanes) = run.inside {
        let items = if lanes.records == 1 { "item" } else { "items" };
        facts.push(format!("{} {items}", units::count(lanes.records)));
        if lanes.failed > 0 {
            facts.push(format!("{} failed", units::count(lanes.failed)));
        }
        if lanes.impossible > 0 {
            facts.push(format!("{} with times that can't be", units::count(lanes.impossible)));
        }
    }
    if let Some(round) = run.round {
        facts.push(format!("round {round}"));
    }
    facts.join(" · ")
}

fn items(canvas: &mut Canvas, lanes: &Lanes, axis: Axis, most: usize) {
    let shown = lanes.shown(most);
    for (name, lane) in &shown.lanes {
        label(canvas, LANE, name);
        match &lane.bars {
            Some(bars) if bars.len() <= canvas.columns / BAR_COLUMNS => exact(canvas, bars, axis),
            _ => density(canvas, lane, axis, BAR),
        }
        slow(canvas, lane, axis, LANE - 1.5);
        crosses(canvas, lane, axis, LANE / 2.0);
        canvas.y += LANE;
    }
    if let Some(rest) = &shown.rest {
        let more = if shown.lanes.is_empty() { "" } else { " more" };
        canvas.y += 2.0;
        label(canvas, REST_BAR, &format!("and {}{more}", units::count(rest.workers as u64)));
        let length = axis.share(lanes.end_us) * PLOT;
        canvas.rect("lane", LEFT, canvas.y, length, REST_BAR);
        density(canvas, rest, axis, REST_BAR);
        slow(canvas, rest, axis, REST_BAR + 1.0);
        crosses(canvas, rest, axis, REST_BAR / 2.0);
        canvas.y += REST - 2.0;
    }
}

fn label(canvas: &mut Canvas, height: f64, name: &str) {
    let name = clipped(name, 11.5, LABELS - 8.0);
    canvas.text_ending_at(LEFT - 8.0, canvas.y + height / 2.0 + 4.0, "quiet small", &name);
}

/// Each item as a bar.
fn exact(canvas: &mut Canvas, bars: &[Bar], axis: Axis) {
    let mut paths = vec![String::new(); PHASES.len() + 1];
    let y = number(canvas.y + LANE / 2.0);
    for bar in bars {
        let from = LEFT + axis.share(bar.started_us) * PLOT;
        let whole = axis.share(bar.finished_us() - bar.started_us) * PLOT;
        let room = if whole > GAPPED { whole - GAP } else { whole.max(SHORTEST) };
        if bar.failed {
            let _ = write!(paths[PHASES.len()], "M{} {y}h{}", number(from), number(room));
            continue;
        }
        let most = bar.phases.0.into_iter().max().unwrap_or(0);
        let (mut at, mut left) = (from, room);
        for (phase, us) in bar.phases.0.into_iter().enumerate() {
            // A bar that is too short to be divided has the colour of what took most of it.
            let length = match () {
                () if whole > SHORTEST => (axis.share(us) * PLOT).min(left),
                () if us == most => left,
                () => 0.0,
            };
            canvas.seen[phase] |= length >= SEEN;
            if length >= 0.05 {
                let _ = write!(paths[phase], "M{} {y}h{}", number(at), number(length));
            }
            at += length;
            left -= length;
        }
    }
    for (place, path) in paths.iter().enumerate() {
        let class = PHASES.get(place).map_or("f", |(class, _)| class);
        canvas.path(&format!("bars {class}"), path);
    }
}

/// How busy the workers of a lane were, with what: stacked areas, whose height is that of the lane where all were.
fn density(canvas: &mut Canvas, lane: &Lane, axis: Axis, height: f64) {
    let columns = lane.columns(axis, canvas.columns);
    let wide = PLOT / columns.len().max(1) as f64;
    for column in &columns {
        for (seen, share) in canvas.seen.iter_mut().zip(column) {
            *seen |= share * height >= SEEN;
        }
    }
    let floor = canvas.y + height;
    // The highest first: each of the others hides its lower part.
    for top in (0..FROM_THE_FLOOR.len()).rev() {
        let phase = FROM_THE_FLOOR[top];
        if columns.iter().all(|column| column[phase] <= 0.0) {
            continue;
        }
        let heights = columns.iter().map(|column| {
            let stacked: f64 = FROM_THE_FLOOR[..=top].iter().map(|phase| column[*phase]).sum();
            if stacked <= 0.0 {
                return 0.0;
            }
            // Tenths are seen by nobody, and steps that are none take no room.
            ((stacked.min(1.0) * height).max(SHORTEST) * 10.0).round() / 10.0
        });
        let heights: Vec<f64> = heights.collect();
        canvas.path(&format!("sums {}", PHASES[phase].0), &steps(&heights, wide, floor));
    }
}

/// The outline of columns that stand on a floor.
fn steps(heights: &[f64], wide: f64, floor: f64) -> String {
    let mut path = String::new();
    let mut now = 0.0;
    for (column, height) in heights.iter().enumerate() {
        if (height - now).abs() < 1e-9 {
            continue;
        }
        let (x, y) = (number(LEFT + column as f64 * wide), number(floor - height));
        let _ = match (now > 0.0, *height > 0.0) {
            (false, _) => write!(path, "M{x} {}V{y}", number(floor)),
            (true, true) => write!(path, "H{x}V{y}"),
            (true, false) => write!(path, "H{x}V{}z", number(floor)),
        };
        now = *height;
    }
    if now > 0.0 {
        let x = number(LEFT + heights.len() as f64 * wide);
        let _ = write!(path, "H{x}V{}z", number(floor));
    }
    path
}

/// A line below items that took unlike long.
fn slow(canvas: &mut Canvas, lane: &Lane, axis: Axis, below: f64) {
    let mut path = String::new();
    for bar in &lane.slow {
        let from = LEFT + axis.share(bar.started_us) * PLOT;
        let length = (axis.share(bar.finished_us() - bar.started_us) * PLOT).max(2.0);
        let y = number(canvas.y + below);
        let _ = write!(path, "M{} {y}h{}", number(from), number(length));
    }
    canvas.path("slow", &path);
}

/// A cross where an item failed.
fn crosses(canvas: &mut Canvas, lane: &Lane, axis: Axis, middle: f64) {
    if lane.failures.is_empty() {
        return;
    }
    let mut at: Vec<f64> = Vec::new();
    for us in lane.failures.moments() {
        let x = LEFT + axis.share(us.min(axis.length_us)) * PLOT;
        if at.last().is_none_or(|last| x - last >= CROSS) {
            at.push(x);
        }
    }
    let y = canvas.y + middle;
    if at.len() <= MOST_CROSSES {
        let path: String = at.iter().map(|x| cross(*x, y)).collect();
        canvas.path("around", &path);
        canvas.path("cross", &path);
        return;
    }
    let y = number(canvas.y + 1.0);
    let mut path = String::new();
    for x in at {
        let _ = write!(path, "M{} {y}h{CROSS}", number(x));
    }
    canvas.path("cross", &path);
}

fn cross(x: f64, y: f64) -> String {
    format!("M{} {}l6 6m0-6l-6 6", number(x - 3.0), number(y - 3.0))
}
