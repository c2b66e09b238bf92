//! The race: a bar as long as each model takes, with the interval around its end, and how it stands to the best.

use super::words::{BOLD, clipped, number, width};
use super::{Canvas, MARGIN, ROOM, heading};
use crate::compare::table::{against_best, seconds, takes};
use crate::compare::verdict::percent;
use crate::{Comparison, Entry, Relation};
use std::fmt::Write as _;

/// A row of the race.
const ROW: f64 = 28.0;
const BAR: f64 = 14.0;
/// More models than this are not drawn.
const MOST: usize = 40;
/// What names may take at most.
const NAMES: f64 = 210.0;
/// Times stand in so much room beside their names.
const TAKES: f64 = 84.0;
/// Brackets stand left of the names.
const BRACKET: f64 = 12.0;

pub(super) fn draw(canvas: &mut Canvas, comparison: &Comparison) {
    let entries = comparison.entries();
    let shown = &entries[..entries.len().min(MOST)];
    if shown.is_empty() {
        return;
    }
    heading(canvas, "The race");
    canvas.y += 10.0;
    let widest = |texts: &mut dyn Iterator<Item = f64>| texts.fold(0.0, f64::max);
    let names = widest(&mut shown.iter().map(|entry| width(&entry.contender.model, 14.0) * BOLD));
    let names = names.min(NAMES) + BRACKET;
    let ratios = widest(&mut shown.iter().map(|entry| width(&against_best(entry), 13.0)));
    let from = MARGIN + names + TAKES + 14.0;
    let room = (MARGIN + ROOM - ratios.min(220.0) - 16.0 - from).max(60.0);
    let longest = shown.iter().filter_map(reaches).fold(0.0, f64::max);
    let top = canvas.y;
    let best = &comparison.verdict().best;
    for entry in shown {
        let model = &entry.contender.model;
        let is_best = best.contains(model);
        let (middle, y) = (canvas.y + ROW / 2.0, canvas.y + ROW / 2.0 + 4.7);
        let class = if is_best { "name best" } else { "name" };
        canvas.text(MARGIN + BRACKET, y, class, &clipped(model, 14.0, NAMES / BOLD));
        canvas.text_ending_at(MARGIN + names + TAKES, y, "takes-text", &takes(entry));
        if let Some(takes) = seconds(entry).filter(|_| longest > 0.0) {
            let scale = room / longest;
            let class = if is_best { "takes first" } else { "takes" };
            canvas.rect(class, from, middle - BAR / 2.0, (takes * scale).max(1.0), BAR);
            if let Some(typical) = entry.typical_s {
                let (low, high) = (from + typical.low * scale, from + typical.high * scale);
                canvas.path("whisker", &whisker(low, high, middle));
            }
        }
        canvas.text(from + room + 16.0, y, "", &clipped(&against_best(entry), 13.0, 220.0));
        canvas.y += ROW;
    }
    let together = together(shown);
    if together > 1 {
        let is_open = shown.iter().any(|entry| matches!(entry.relation, Relation::Undecided(_)));
        let bottom = top + ROW * together as f64 - 5.0;
        let x = MARGIN + 5.0;
        let bracket = format!("M{x} {}h-4V{}h4", number(top + 5.0), number(bottom));
        canvas.path(if is_open { "open" } else { "bracket" }, &bracket);
    }
    let notes = notes(comparison, shown);
    if !notes.is_empty() {
        canvas.y += 4.0;
        canvas.paragraph("quiet small", 11.5, 2, &notes.join(" · "));
    }
    if entries.len() > MOST {
        let more = format!("and {} more, which are not drawn", entries.len() - MOST);
        canvas.paragraph("quiet small", 11.5, 1, &more);
    }
}

/// How many of the first entries can't be told apart, or are equal.
fn together(entries: &[Entry]) -> usize {
    let is_tied = |entry: &&Entry| {
        matches!(entry.relation, Relation::Best | Relation::Equal | Relation::Undecided(_))
    };
    entries.iter().take_while(is_tied).count()
}

/// What the bars and signs mean.
fn notes(comparison: &Comparison, shown: &[Entry]) -> Vec<String> {
    let settings = comparison.about().settings;
    let any = |is: fn(&Relation) -> bool| shown.iter().any(|entry| is(&entry.relation));
    let mut notes = Vec::new();
    if any(|relation| matches!(relation, Relation::Equal)) {
        notes.push(format!("= equal within {}", percent(settings.margin)));
    }
    if any(|relation| matches!(relation, Relation::Undecided(_))) {
        notes.push("? too few rounds to tell".to_owned());
    }
    if shown.iter().any(|entry| entry.typical_s.is_some()) {
        let confidence = percent(settings.confidence);
        notes.push(format!(
            "the line at a bar's end is where the time lies, with {confidence} confidence"
        ));
    }
    notes
}

/// How far an entry reaches to the right, in seconds.
fn reaches(entry: &Entry) -> Option<f64> {
    seconds(entry).map(|takes| entry.typical_s.map_or(takes, |typical| typical.high.max(takes)))
}

fn whisker(low: f64, high: f64, y: f64) -> String {
    let mut path = String::new();
    let (low_x, length, middle, top) =
        (number(low), number(high - low), number(y), number(y - 4.0));
    // Writing to a String cannot fail.
    let _ = write!(path, "M{low_x} {middle}h{length}");
    if high - low >= 1.0 {
        let _ = write!(path, "M{low_x} {top}v8M{} {top}v8", number(high));
    }
    path
}
