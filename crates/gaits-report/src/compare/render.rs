//! The comparison for people: a table, what is not ranked and why, and the conclusion. Limit: it shows what the
//! entries hold; the caller says whether in colour.

use super::{Comparison, Entry, RaceInfo, Standing};
use crate::style::{Style, one_line};
use crate::units::{self, NOTHING};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// As wide as the text gets for ordinary names: what a terminal beside an editor shows.
const WIDTH: usize = 100;

/// The heads of the columns; the first [`TEXTS`] hold words, the others numbers.
const HEADS: [&str; 9] = [
    "\nmodel",
    "\nworkers",
    "median wall\n(min–max)",
    "times\nfastest",
    "\nitems/s",
    "\np50",
    "\np99",
    "\nCPU s",
    "\nfailed",
];
const TEXTS: usize = 2;

/// The lines of the heads or of one model.
type Lines = Vec<String>;

/// How narrow the table is made, tried from first to last until one fits into [`WIDTH`].
struct Fold {
    /// The workers get no more columns than this, as far as their words allow.
    workers: usize,
    /// The range of wall times stands below the median.
    wall: bool,
    /// Blanks between columns.
    gap: u16,
}

const FOLDS: [Fold; 6] = [
    Fold { workers: usize::MAX, wall: false, gap: 2 },
    Fold { workers: 28, wall: false, gap: 2 },
    Fold { workers: 20, wall: false, gap: 2 },
    Fold { workers: 14, wall: false, gap: 2 },
    Fold { workers: 14, wall: true, gap: 2 },
    Fold { workers: 14, wall: true, gap: 1 },
];

pub(super) fn render(comparison: &Comparison, style: Style) -> String {
    let entries = comparison.entries();
    let mut lines = vec![style.dim(&title(comparison.about())), String::new()];
    if !entries.is_empty() {
        lines.extend(table(entries, style));
        lines.push(String::new());
    }
    let notes = notes(comparison);
    if !notes.is_empty() {
        lines.extend(notes.iter().map(|note| style.warn(note)));
        lines.push(String::new());
    }
    let conclusion = wrapped(comparison.conclusion(), WIDTH);
    let strong =
        |line: String| if comparison.has_winner() { style.bold(&line) } else { style.bad(&line) };
    lines.extend(conclusion.into_iter().map(strong));
    lines.join("\n") + "\n"
}

/// `http: 100 items, 5 rounds, seed 42`
fn title(about: &RaceInfo) -> String {
    let items = if about.items == 1 { "item" } else { "items" };
    let rounds = if about.rounds == 1 { "round" } else { "rounds" };
    let count = units::count(about.items);
    format!("{}: {count} {items}, {} {rounds}, seed {}", about.work, about.rounds, about.seed)
}

/// The lines of the table, heads first.
fn table(entries: &[Entry], style: Style) -> Lines {
    let mut rows = Vec::new();
    for fold in &FOLDS {
        rows = folded(entries, fold);
        let widest = rows.iter().flatten().map(|line| line.chars().count()).max();
        if widest.unwrap_or(0) <= WIDTH {
            break;
        }
    }
    let mut out = Vec::new();
    for (place, row) in rows.into_iter().enumerate() {
        let entry = place.checked_sub(1).and_then(|place| entries.get(place));
        out.extend(row.into_iter().map(|line| match entry.map(|entry| entry.standing) {
            None => style.bold(&line),
            Some(Standing::Ranked { rank: 1, .. }) => style.good(&line),
            Some(Standing::Ranked { .. }) => line,
            Some(Standing::Failed) => style.bad(&line),
            Some(Standing::Degraded { .. } | Standing::Incomplete | Standing::NotRun) => {
                style.warn(&line)
            }
        }));
    }
    out
}

/// The table folded so: the lines of the heads, then those of each entry.
fn folded(entries: &[Entry], fold: &Fold) -> Vec<Lines> {
    let heads = HEADS.map(str::to_owned);
    let rows = entries.iter().map(|entry| cells(entry, fold)).collect::<Vec<_>>();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(heads.clone());
    for row in &rows {
        table.add_row(row);
    }
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, fold.gap));
        if place >= TEXTS {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut lines = table.lines().map(|line| line.trim_end().to_owned());
    let height = |row: &[String]| row.iter().map(|cell| cell.lines().count()).max().unwrap_or(0);
    let heights = std::iter::once(height(&heads)).chain(rows.iter().map(|row| height(row)));
    heights.map(|height| lines.by_ref().take(height).collect()).collect()
}

/// What stands in the columns for one model.
fn cells(entry: &Entry, fold: &Fold) -> [String; 9] {
    let nothing = || NOTHING.to_owned();
    let us = |value: Option<u64>| value.map_or_else(nothing, units::duration);
    let wall = entry.wall_us.map(|wall| {
        let text = units::duration_in_range(wall.median, wall.min, wall.max);
        if fold.wall { text.replace(" (", "\n(") } else { text }
    });
    let ratio = match entry.standing {
        Standing::Ranked { to_fastest, .. } => to_fastest,
        Standing::Failed | Standing::Degraded { .. } | Standing::Incomplete | Standing::NotRun => {
            None
        }
    };
    let latency = entry.tally.latency();
    [
        entry.contender.model.clone(),
        workers(&entry.contender.workers, fold.workers),
        wall.unwrap_or_else(nothing),
        ratio.map_or_else(nothing, |ratio| units::number(ratio.median)),
        entry.items_per_second.map_or_else(nothing, units::number),
        us(latency.p50_us()),
        us(latency.p99_us()),
        entry.cpu_us.map_or_else(nothing, units::seconds),
        if entry.rounds() == 0 { nothing() } else { units::count(entry.tally.failed()) },
    ]
}

/// The workers in lines of at most `width` columns, broken only after a sign between two factors or terms.
fn workers(text: &str, width: usize) -> String {
    let pieces = text.replace(" × ", " ×\n").replace(" + ", " +\n");
    filled(pieces.split('\n'), width).join("\n")
}

/// `text` in lines of at most `width` columns, as far as its words allow.
fn wrapped(text: &str, width: usize) -> Lines {
    filled(text.split(' '), width)
}

/// As many of `pieces` on each line, a blank between them, as fit into `width` columns.
fn filled<'a>(pieces: impl Iterator<Item = &'a str>, width: usize) -> Lines {
    let mut lines: Lines = Vec::new();
    for piece in pieces {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + piece.chars().count() <= width => {
                line.push(' ');
                line.push_str(piece);
            }
            _ => lines.push(piece.to_owned()),
        }
    }
    lines
}

/// What the table has no room for: why a model is not ranked, and which did not run every round.
fn notes(comparison: &Comparison) -> Lines {
    let planned = comparison.about().rounds as usize;
    let mut notes = Vec::new();
    for entry in comparison.entries() {
        let model = &entry.contender.model;
        if let Some(why) = entry.why_unranked() {
            let said = entry.tally.failures_by_count();
            let said = said.first().map(|(_, first)| format!(" ({})", first.message));
            let why = format!("{model} is not ranked: {why}{}", said.unwrap_or_default());
            notes.push(one_line(&why, WIDTH));
        }
        if (1..planned).contains(&entry.rounds()) {
            notes.push(format!("{model} ran {} of {planned} rounds", entry.rounds()));
        }
    }
    notes
}
