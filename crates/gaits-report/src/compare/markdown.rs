//! The comparison as a table in Markdown.

use super::notes::{notes, reasons};
use super::table::{against_best, takes, title};
use super::{Comparison, Entry};
use crate::units::{self, NOTHING};
use std::fmt::Write as _;

pub(super) fn render(comparison: &Comparison) -> String {
    let mut out = format!("{}\n\n", escaped(&title(comparison)));
    out += "| model | takes | against the best | items/s | CPU | memory | failed |\n|---|---:|---|---:|---:|---:|---:|\n";
    for entry in comparison.entries() {
        let row = row(entry).map(|cell| escaped(&cell));
        // Writing to a String cannot fail.
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    for note in notes(comparison) {
        let _ = write!(out, "\n{}\n", escaped(&note));
    }
    let _ = write!(out, "\n**{}**\n", escaped(comparison.verdict().sentence.english()));
    if comparison.entries().iter().any(Entry::is_ranked) {
        for reason in reasons(comparison) {
            let _ = write!(out, "\n{}\n", escaped(&reason));
        }
    }
    out
}

fn row(entry: &Entry) -> [String; 7] {
    let nothing = || NOTHING.to_owned();
    let ran = entry.rounds() > 0;
    [
        entry.contender.model.clone(),
        takes(entry),
        against_best(entry),
        entry.items_per_second.map_or_else(nothing, units::number),
        if ran { units::duration(entry.usage.cpu_us) } else { nothing() },
        if ran && entry.usage.peak_memory > 0 {
            units::bytes(entry.usage.peak_memory)
        } else {
            nothing()
        },
        if ran { units::count(entry.tally.failed()) } else { nothing() },
    ]
}

/// `text` as it is, in a cell of a table.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '*' | '_' | '`' | '<' | '\\' | '[' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
