//! Timelines in characters, for a terminal: all runs above each other on one time axis, each character a column of it.
//!
//! Limit: within a column only the shares of time are shown, and the phase that took most of it.

use super::axis::Axis;
use super::lanes::{Lane, Lanes};
use super::{Drawn, Known, Part, Picture, axis};
use crate::Style;
use crate::page::phases::Phases;
use crate::style::one_line;
use crate::style::{columns_of, wrapped};
use crate::units;

/// So many workers of a run have a line of their own, if there is more than one run, and if there is one.
const LANES: usize = 6;
const LANES_ALONE: usize = 12;
/// What names of workers may take at most, in columns.
const LABELS: usize = 22;
/// A name of a model takes no more.
const NAMES: usize = 60;
/// A timeline is not narrower, and not wider.
const NARROWEST: usize = 20;
const WIDEST: usize = 200;

/// How busy a worker was, in eighths.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// In which phase it was, without colours: for less than half of the time, and for more.
const LETTERS: [(char, char); Phases::COUNT] = [('c', 'C'), ('w', 'W'), ('r', 'R'), ('+', '#')];
const NAMED: [&str; Phases::COUNT] = ["connecting", "waiting", "receiving", "computing"];
const FAILED: char = 'x';
const PROGRAM: char = '=';

/// The name of a lane, and its columns.
type Row = (String, Vec<Cell>);

/// One column of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Idle,
    Busy { phase: usize, eighths: usize },
    Failed,
    Program,
}

pub(super) fn render(picture: &Picture, style: Style, width: usize) -> String {
    let parts = picture.parts.iter().map(|part| one(part, style, width));
    parts.collect::<Vec<_>>().join("\n")
}

fn one(part: &Part, style: Style, width: usize) -> String {
    let runs = part.drawn();
    let axis = axis(&runs);
    let most = if runs.len() > 1 { LANES } else { LANES_ALONE };
    let mut blocks = Vec::new();
    let labels = runs.iter().flat_map(|run| labels(run, most)).map(|label| columns_of(&label));
    let label = labels.max().unwrap_or(0).min(LABELS) + 4;
    let columns = width.saturating_sub(label + 1).clamp(NARROWEST, WIDEST);
    for run in &runs {
        let rows = match run.inside {
            Known::Items(lanes) => rows(lanes, axis, columns, most),
            Known::Program => vec![("the process".to_owned(), program(run, axis, columns))],
            Known::Unknown(_) => Vec::new(),
        };
        blocks.push((head(run, style), rows));
    }
    let mut lines = Vec::new();
    if let Part::Race { question: Some(question), .. } = part {
        lines.push(style.bold(&one_line(question, width)));
    }
    let mut seen = [false; Phases::COUNT + 2];
    for (head, rows) in blocks {
        lines.push(head);
        for (name, cells) in rows {
            for cell in &cells {
                match cell {
                    Cell::Idle => {}
                    Cell::Busy { phase, .. } => seen[*phase] = true,
                    Cell::Failed => seen[Phases::COUNT] = true,
                    Cell::Program => seen[Phases::COUNT + 1] = true,
                }
            }
            let name = one_line(&name, LABELS);
            let gap = " ".repeat(label - 2 - columns_of(&name).min(label - 2));
            lines.push(format!("  {name}{gap}{}", drawn(&cells, style)).trim_end().to_owned());
        }
    }
    if seen.contains(&true) {
        lines.push(format!("{}{}", " ".repeat(label), style.dim(&ruler(axis, columns))));
        lines.extend(explained(&seen, style, width));
    }
    lines.join("\n") + "\n"
}

/// The name of a run and its numbers.
fn head(run: &Drawn<'_>, style: Style) -> String {
    let mut facts = vec![units::duration(run.wall_us)];
    match run.inside {
        Known::Items(lanes) => {
            let items = if lanes.records == 1 { "item" } else { "items" };
            facts.push(format!("{} {items}", units::count(lanes.records)));
            if lanes.failed > 0 {
                facts.push(format!("{} failed", units::count(lanes.failed)));
            }
            if lanes.impossible > 0 {
                facts.push(format!("{} with times that can't be", units::count(lanes.impossible)));
            }
        }
        Known::Program => {}
        Known::Unknown(why) => facts.push(format!("not drawn: {}", one_line(why, 200))),
    }
    facts.extend(run.round.map(|round| format!("round {round}")));
    format!("{}  {}", style.bold(&one_line(run.name, NAMES)), facts.join(", "))
}

fn labels(run: &Drawn<'_>, most: usize) -> Vec<String> {
    let Known::Items(lanes) = run.inside else { return vec!["the process".to_owned()] };
    let shown = lanes.shown(most);
    let more = shown.rest.as_ref().map(|rest| folded(rest, shown.lanes.is_empty()));
    shown.lanes.into_iter().map(|(name, _)| name).chain(more).collect()
}

fn folded(rest: &Lane, alone: bool) -> String {
    let more = if alone { "" } else { " more" };
    format!("and {}{more}", units::count(rest.workers as u64))
}

fn rows(lanes: &Lanes, axis: Axis, columns: usize, most: usize) -> Vec<Row> {
    let shown = lanes.shown(most);
    let alone = shown.lanes.is_empty();
    let mut rows: Vec<_> =
        shown.lanes.iter().map(|(name, lane)| (name.clone(), cells(lane, axis, columns))).collect();
    if let Some(rest) = &shown.rest {
        rows.push((folded(rest, alone), busy(rest, axis, columns)));
        // Of many workers, some may fail in every column, which would leave nothing else to be seen.
        if !rest.failures.is_empty() {
            let mut cells = vec![Cell::Idle; columns];
            mark_failures(&mut cells, rest, axis);
            rows.push(("  of these failed".to_owned(), cells));
        }
    }
    rows
}

fn cells(lane: &Lane, axis: Axis, columns: usize) -> Vec<Cell> {
    let mut cells = busy(lane, axis, columns);
    mark_failures(&mut cells, lane, axis);
    cells
}

fn mark_failures(cells: &mut [Cell], lane: &Lane, axis: Axis) {
    for us in lane.failures.moments() {
        cells[column(us, axis, cells.len())] = Cell::Failed;
    }
}

fn busy(lane: &Lane, axis: Axis, columns: usize) -> Vec<Cell> {
    let busy = lane.columns(axis, columns).into_iter().map(|shares| {
        let sum: f64 = shares.iter().sum();
        let longest = (0..shares.len()).max_by(|a, b| shares[*a].total_cmp(&shares[*b]));
        if sum <= 0.0 {
            return Cell::Idle;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 8"
        )]
        let eighths = (sum.min(1.0) * 8.0).round() as usize;
        Cell::Busy { phase: longest.unwrap_or(0), eighths: eighths.clamp(1, 8) }
    });
    busy.collect()
}

/// In which column a moment lies.
fn column(us: u64, axis: Axis, columns: usize) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
    let at = (axis.share(us) * columns as f64) as usize;
    at.min(columns - 1)
}

fn program(run: &Drawn<'_>, axis: Axis, columns: usize) -> Vec<Cell> {
    vec![Cell::Program; column(run.wall_us, axis, columns) + 1]
}

/// Neighbours of one colour are coloured together.
fn drawn(cells: &[Cell], style: Style) -> String {
    let mut out = String::new();
    for run in cells.chunk_by(|a, b| colour(*a) == colour(*b)) {
        let text: String = run.iter().map(|cell| character(*cell, style)).collect();
        out.push_str(&match run[0] {
            Cell::Busy { phase, .. } => style.phase(phase, &text),
            Cell::Failed => style.bad(&text),
            Cell::Idle | Cell::Program => text,
        });
    }
    out
}

/// Cells with the same number have one colour.
fn colour(cell: Cell) -> usize {
    match cell {
        Cell::Busy { phase, .. } => phase,
        Cell::Failed => Phases::COUNT,
        Cell::Idle | Cell::Program => Phases::COUNT + 1,
    }
}

fn character(cell: Cell, style: Style) -> char {
    match cell {
        Cell::Idle => ' ',
        Cell::Failed => FAILED,
        Cell::Program => PROGRAM,
        Cell::Busy { eighths, .. } if style.color => BLOCKS[eighths - 1],
        Cell::Busy { phase, eighths } => {
            let (less, more) = LETTERS[phase];
            if eighths > 4 { more } else { less }
        }
    }
}

/// The time axis: each moment is where the stroke before it stands.
fn ruler(axis: Axis, columns: usize) -> String {
    let mut line = String::from("|0");
    for (us, name) in axis.marks((columns as u64 / 14).max(2)) {
        let at = column(us, axis, columns);
        let taken = columns_of(&line);
        if at > taken && at + 1 + columns_of(&name) <= columns {
            line.push_str(&" ".repeat(at - taken));
            line.push('|');
            line.push_str(&name);
        }
    }
    line
}

/// How to read it, as far as it is there.
fn explained(seen: &[bool], style: Style, width: usize) -> Vec<String> {
    let mut parts = Vec::new();
    for (phase, name) in NAMED.into_iter().enumerate().filter(|(phase, _)| seen[*phase]) {
        let (less, more) = LETTERS[phase];
        parts.push(if style.color {
            style.phase(phase, name)
        } else {
            format!("{less} {more} {name}")
        });
    }
    let means = if style.color {
        "each row is a worker: the higher a block the busier it was, the colour tells with what"
    } else {
        "each row is a worker, and what it did: the second sign where that took most of the column"
    };
    if seen[Phases::COUNT] {
        parts.push(format!("{} failed", style.bad("x")));
    }
    if seen[Phases::COUNT + 1] {
        parts.push("= a whole program".to_owned());
    }
    let mut lines: Vec<String> = wrapped(means, width).iter().map(|line| style.dim(line)).collect();
    lines.push(parts.join(", "));
    lines
}
