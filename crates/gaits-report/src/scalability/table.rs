//! A sweep for people: the answer, a table for each model, the curve, and what explains it. Limit: it shows what was decided elsewhere.

use super::words::{explained, whole};
use super::{ModelSweep, Point, Scalability, curve};
use crate::style::{Style, wrapped};
use crate::units::{self, NOTHING};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

pub(super) fn render(sweep: &Scalability, style: Style, width: usize) -> String {
    let strong =
        |line: &String| if sweep.has_answer() { style.bold(line) } else { style.bad(line) };
    let mut lines: Vec<String> =
        wrapped(sweep.sentence().english(), width).iter().map(strong).collect();
    lines.extend(wrapped(&title(sweep), width).iter().map(|line| style.dim(line)));
    let several = sweep.models().len() > 1;
    for (place, model) in sweep.models().iter().enumerate() {
        if model.points.is_empty() {
            continue;
        }
        lines.push(String::new());
        if several {
            let sentence = model.sentence.english();
            let name = format!("{} {}: {sentence}", curve::mark(place), model.name);
            lines.extend(wrapped(&name, width));
        }
        lines.extend(table(model, sweep.from_elsewhere, style));
    }
    let curve = curve::draw(sweep, width);
    if !curve.is_empty() {
        lines.push(String::new());
        lines.extend(curve);
    }
    for model in sweep.models() {
        let name = if several { format!("{}: ", model.name) } else { String::new() };
        let explained =
            explained(model, sweep.from_elsewhere).map(|text| format!("{name}{}", text.english()));
        let notes = model.notes.iter().map(|note| format!("{name}{}", note.english()));
        let explained: Vec<String> =
            explained.iter().flat_map(|text| wrapped(text, width)).collect();
        let notes: Vec<String> = notes.flat_map(|note| wrapped(&note, width)).collect();
        if !(explained.is_empty() && notes.is_empty()) {
            lines.push(String::new());
        }
        lines.extend(explained);
        lines.extend(notes.iter().map(|note| style.warn(note)));
    }
    lines.join("\n") + "\n"
}

/// `http: async, 9 points, 8 rounds, seed 1`
pub(super) fn title(sweep: &Scalability) -> String {
    let about = sweep.about();
    let points: usize = sweep.models().iter().map(|model| model.points.len()).sum();
    let points = if points == 1 { "1 point".to_owned() } else { format!("{points} points") };
    if sweep.from_elsewhere {
        return format!("{}: {points}, seed {}", about.work, about.seed);
    }
    let names: Vec<&str> = sweep.models().iter().map(|model| model.name.as_str()).collect();
    let rounds = match sweep.rounds() {
        1 => "1 round".to_owned(),
        rounds => format!("{rounds} rounds"),
    };
    format!("{}: {}, {points}, {rounds}, seed {}", about.work, names.join(" and "), about.seed)
}

/// The heads of the columns, and then a row for each point.
pub(super) fn rows(model: &ModelSweep, from_elsewhere: bool) -> Vec<Vec<String>> {
    if from_elsewhere {
        let rows = model.points.iter().map(|point| vec![whole(point.workers), throughput(point)]);
        return std::iter::once(vec!["n".to_owned(), "x".to_owned()]).chain(rows).collect();
    }
    let has_p99 = model.points.iter().any(|point| point.percentile_us(0.99).is_some());
    let has_failed = model.points.iter().any(|point| point.tally.failed() > 0);
    let mut heads = vec!["workers", "in flight", "items/s", "p50"];
    heads.extend(has_p99.then_some("p99"));
    heads.extend(has_failed.then_some("failed"));
    let rows = model.points.iter().map(|point| {
        let time = |quantile| point.percentile_us(quantile).map_or_else(nothing, units::duration);
        let mut row = vec![
            whole(point.workers),
            point.in_flight.map_or_else(nothing, units::number),
            throughput(point),
            time(0.5),
        ];
        row.extend(has_p99.then(|| time(0.99)));
        row.extend(has_failed.then(|| units::count(point.tally.failed())));
        row
    });
    std::iter::once(heads.into_iter().map(str::to_owned).collect()).chain(rows).collect()
}

/// `400/s (398–402)`, without the unit.
fn throughput(point: &Point) -> String {
    let Some(throughput) = point.throughput else { return nothing() };
    let shown = units::number(throughput);
    match point.range {
        Some((low, high)) => format!("{shown} ({}–{})", units::number(low), units::number(high)),
        None => shown,
    }
}

fn nothing() -> String {
    NOTHING.to_owned()
}

fn table(model: &ModelSweep, from_elsewhere: bool, style: Style) -> Vec<String> {
    let mut rows = rows(model, from_elsewhere).into_iter();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(rows.next().unwrap_or_default());
    rows.for_each(|row| {
        table.add_row(row);
    });
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
        column.set_cell_alignment(CellAlignment::Right);
    }
    let recommended = model.recommended.map(|recommended| recommended.workers);
    let lines = table.lines().map(|line| line.trim_end().to_owned()).enumerate();
    lines
        .map(|(at, line)| match at.checked_sub(1).and_then(|at| model.points.get(at)) {
            None => style.bold(&line),
            Some(point) if !point.is_usable() => style.warn(&line),
            Some(point) if Some(point.workers) == recommended => style.good(&line),
            Some(_) => line,
        })
        .collect()
}
