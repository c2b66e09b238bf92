//! The comparison for people: a table, what is not in it and why, and the verdict. Limit: it shows what the entries hold.

use super::notes::{notes, reasons};
use super::verdict::interval;
use super::{Comparison, Contender, Entry, NotRanked, RaceInfo, Relation};
use crate::stats::percentiles_for;
use crate::style::{Style, columns_of, wrapped};
use crate::units::{self, NOTHING};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// How long the longest bar is, in columns.
const LONGEST_BAR: usize = 16;
/// A bar in eighths of a column.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// What a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Model,
    Wall,
    AgainstBest,
    Bar,
    Rate,
    Median,
    P99,
    P999,
    Cpu,
    Memory,
    Failed,
    Workers,
}

/// In their order in the table.
const COLUMNS: [Column; 12] = [
    Column::Model,
    Column::Wall,
    Column::AgainstBest,
    Column::Bar,
    Column::Rate,
    Column::Median,
    Column::P99,
    Column::P999,
    Column::Cpu,
    Column::Memory,
    Column::Failed,
    Column::Workers,
];

/// Which go first where the terminal is narrow.
const LEAST_NEEDED: [Column; 9] = [
    Column::Workers,
    Column::P999,
    Column::Median,
    Column::P99,
    Column::Memory,
    Column::Cpu,
    Column::Rate,
    Column::Bar,
    Column::Failed,
];

pub(super) fn render(comparison: &Comparison, style: Style, width: usize) -> String {
    let entries = comparison.entries();
    let mut lines: Vec<String> =
        wrapped(&title(comparison), width).iter().map(|line| style.dim(line)).collect();
    lines.push(String::new());
    if !entries.is_empty() {
        lines.extend(table(entries, style, width));
        lines.push(String::new());
    }
    let notes = notes(comparison);
    if !notes.is_empty() {
        let notes = notes.iter().flat_map(|note| wrapped(note, width));
        lines.extend(notes.map(|note| style.warn(&note)));
        lines.push(String::new());
    }
    let verdict = wrapped(comparison.verdict().sentence.english(), width);
    let strong = |line: String| {
        if entries.iter().any(Entry::is_ranked) { style.bold(&line) } else { style.bad(&line) }
    };
    lines.extend(verdict.into_iter().map(strong));
    if entries.iter().any(Entry::is_ranked) {
        let why = reasons(comparison);
        lines.push(String::new());
        lines.extend(why.iter().flat_map(|reason| wrapped(reason, width)));
    }
    lines.join("\n") + "\n"
}

/// `http: 100 items, 7 rounds, seed 42`
pub(crate) fn title(comparison: &Comparison) -> String {
    let RaceInfo { work, items, all_items, seed, contenders, .. } = comparison.about();
    let items_word = if *items == 1 { "item" } else { "items" };
    let of_all = match all_items {
        all if all == items => String::new(),
        all => format!(
            ", the first of {} (six rounds of all are more than it may spend)",
            units::count(*all)
        ),
    };
    let rounds = match comparison.rounds() {
        1 => "1 round".to_owned(),
        rounds => format!("{rounds} rounds"),
    };
    let is_program = |contender: &Contender| contender.workers.is_none();
    if !contenders.is_empty() && contenders.iter().all(is_program) {
        return format!("{work}: {rounds}, seed {seed}");
    }
    format!("{work}: {} {items_word}{of_all}, {rounds}, seed {seed}", units::count(*items))
}

fn table(entries: &[Entry], style: Style, width: usize) -> Vec<String> {
    let mut columns = COLUMNS.to_vec();
    if entries.iter().all(|entry| entry.tally.failed() == 0) {
        columns.retain(|column| *column != Column::Failed);
    }
    if entries.iter().all(|entry| entry.contender.workers.is_none()) {
        columns.retain(|column| ![Column::Rate, Column::Median, Column::Workers].contains(column));
    }
    for (column, quantile) in [(Column::P99, 0.99), (Column::P999, 0.999)] {
        if entries.iter().all(|entry| percentile(entry, quantile).is_none()) {
            columns.retain(|shown| *shown != column);
        }
    }
    let mut rows = laid_out(entries, &columns);
    for least in LEAST_NEEDED {
        if widest(&rows) <= width {
            break;
        }
        columns.retain(|column| *column != least);
        rows = laid_out(entries, &columns);
    }
    if widest(&rows) > width {
        return stacked(entries, style);
    }
    let mut out = Vec::new();
    for (place, line) in rows.into_iter().enumerate() {
        let entry = place.checked_sub(1).and_then(|place| entries.get(place));
        out.push(match entry {
            None => style.bold(&line),
            Some(entry) => colored(entry, line, style),
        });
    }
    out
}

/// Two lines for each entry, where the terminal is too narrow for any table: its name, and how it stands.
fn stacked(entries: &[Entry], style: Style) -> Vec<String> {
    let of_entry = |entry: &Entry| {
        let stands = format!("  {}  {}", takes(entry), against_best(entry));
        [style.bold(&entry.contender.model), colored(entry, stands, style)]
    };
    entries.iter().flat_map(of_entry).collect()
}

/// A line in the colour that tells how the entry stands.
fn colored(entry: &Entry, line: String, style: Style) -> String {
    match &entry.relation {
        Relation::Best | Relation::Equal => style.good(&line),
        Relation::NotRanked(reason) if reason.detail().is_some() => style.warn(&line),
        _ => line,
    }
}

/// The lines of the table: the heads, then one for each entry.
fn laid_out(entries: &[Entry], columns: &[Column]) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| head(*column)));
    let longest = entries.iter().filter_map(seconds).fold(0.0, f64::max);
    for entry in entries {
        table.add_row(columns.iter().map(|column| cell(entry, *column, longest)));
    }
    for (place, column) in columns.iter().enumerate() {
        let Some(laid) = table.column_mut(place) else { continue };
        laid.set_padding((0, 2));
        let text = [Column::Model, Column::AgainstBest, Column::Bar, Column::Workers];
        if !text.contains(column) {
            laid.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

fn widest(rows: &[String]) -> usize {
    rows.iter().map(|row| columns_of(row)).max().unwrap_or(0)
}

const fn head(column: Column) -> &'static str {
    match column {
        Column::Model => "model",
        Column::Wall => "takes",
        Column::AgainstBest => "against the best",
        Column::Bar => "",
        Column::Rate => "items/s",
        Column::Median => "p50",
        Column::P99 => "p99",
        Column::P999 => "p99.9",
        Column::Cpu => "CPU",
        Column::Memory => "memory",
        Column::Failed => "failed",
        Column::Workers => "workers",
    }
}

fn cell(entry: &Entry, column: Column, longest: f64) -> String {
    let nothing = || NOTHING.to_owned();
    let ran = entry.rounds() > 0;
    match column {
        Column::Model => entry.contender.model.clone(),
        Column::Wall => takes(entry),
        Column::AgainstBest => against_best(entry),
        Column::Bar => seconds(entry).map_or_else(String::new, |seconds| bar(seconds, longest)),
        Column::Median if entry.contender.workers.is_none() => nothing(),
        Column::Rate => entry.items_per_second.map_or_else(nothing, units::number),
        Column::Median => entry.tally.latency().p50_us().map_or_else(nothing, units::duration),
        Column::P99 => percentile(entry, 0.99).map_or_else(nothing, units::duration),
        Column::P999 => percentile(entry, 0.999).map_or_else(nothing, units::duration),
        Column::Cpu if ran => units::duration(entry.usage.cpu_us),
        Column::Memory if ran && entry.usage.peak_memory > 0 => {
            units::bytes(entry.usage.peak_memory)
        }
        Column::Failed if ran => units::count(entry.tally.failed()),
        Column::Cpu | Column::Memory | Column::Failed => nothing(),
        Column::Workers => entry
            .contender
            .workers
            .map_or_else(|| "a program".to_owned(), |workers| workers.brief()),
    }
}

/// A high percentile of the latency, in microseconds, if there were items enough for it.
fn percentile(entry: &Entry, quantile: f64) -> Option<u64> {
    // A run of a program is no item.
    entry.contender.workers?;
    let latency = entry.tally.latency();
    let bears = percentiles_for(latency.count()).any(|one| one >= quantile - 1e-9);
    latency.quantile_us(quantile).filter(|_| bears)
}

/// How long it takes: what the ratios are of.
pub(crate) fn seconds(entry: &Entry) -> Option<f64> {
    entry.typical_s.map(|typical| typical.estimate).or(entry.median_s.map(|(median, _)| median))
}

/// How long it takes, in words.
pub(crate) fn takes(entry: &Entry) -> String {
    seconds(entry).map_or_else(|| NOTHING.to_owned(), duration)
}

fn duration(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
    units::duration((seconds * 1e6).round() as u64)
}

pub(crate) fn against_best(entry: &Entry) -> String {
    let ratio = entry.ratio_to_best.map_or_else(|| NOTHING.to_owned(), interval);
    match &entry.relation {
        Relation::Best => "fastest".to_owned(),
        Relation::Equal => format!("= {ratio}"),
        Relation::Slower => ratio,
        Relation::Undecided(_) => format!("? {ratio}"),
        Relation::NotRanked(NotRanked::TooFewRounds { at_least_twice: Some(_) }) => {
            "at least 2×".to_owned()
        }
        Relation::NotRanked(_) => NOTHING.to_owned(),
    }
}

/// A bar as long as the time, beside that of the slowest.
fn bar(seconds: f64, longest: f64) -> String {
    if longest <= 0.0 {
        return String::new();
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 128")]
    let eighths = ((seconds / longest * (LONGEST_BAR * 8) as f64).round() as usize).max(1);
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}
