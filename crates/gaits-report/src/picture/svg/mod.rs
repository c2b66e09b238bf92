//! A picture as SVG: one file that needs no script, no font and no network, light and dark as the reader's system is.
//!
//! Limit: at most [`MOST_BYTES`]. What would be more is drawn more coarsely; no number in words is left out for it.

mod race;
mod timeline;
mod words;

use super::{Part, Picture, axis};
use crate::Comparison;
use crate::Summary;
use crate::compare::table::{against_best, takes, title};
use crate::language::Language;
use crate::page::phases::Phases;
use crate::page::view::sentence;
use crate::units::{self, NOTHING};
use std::fmt::Write as _;
use words::{BOLD, clipped, escaped, lines, number};

const STYLE: &str = include_str!("style.css");
/// The largest file, in bytes.
pub(super) const MOST_BYTES: usize = 200_000;
/// How wide the picture is in its own units, which are pixels where a README is read on a large screen.
const WIDTH: f64 = 880.0;
/// Between the edge and what is drawn.
const MARGIN: f64 = 28.0;
const ROOM: f64 = WIDTH - 2.0 * MARGIN;
/// So many columns a density is drawn with, from the finest on; the next is taken where the picture becomes too large.
const COLUMNS: [usize; 6] = [360, 240, 160, 100, 60, 30];
/// More runs than this are not drawn, all parts taken together.
const MOST_RUNS: usize = 30;
/// More parts than this are not drawn.
const MOST_PARTS: usize = 8;
/// The most characters of the description for those who can't see the picture.
const DESCRIPTION: usize = 4_000;

/// What is drawn so far, and down to where.
struct Canvas {
    out: String,
    y: f64,
    /// How many columns a density has.
    columns: usize,
    /// Which phases can be seen in what is drawn so far.
    seen: [bool; Phases::COUNT],
}

impl Canvas {
    fn new(columns: usize) -> Self {
        Self { out: String::new(), y: MARGIN, columns, seen: [false; Phases::COUNT] }
    }

    /// A line of text whose baseline is at `y`; `class` may hold more attributes behind a quote.
    fn text(&mut self, x: f64, y: f64, class: &str, text: &str) {
        // Writing to a String cannot fail.
        let (x, y) = (number(x), number(y));
        let _ = writeln!(
            self.out,
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>",
            escaped(text)
        );
    }

    /// The same with something less weighty behind it, wherever that begins.
    fn text_and(&mut self, x: f64, y: f64, class: &str, text: &str, behind: &str) {
        let (x, y, text, behind) = (number(x), number(y), escaped(text), escaped(behind));
        let _ = writeln!(
            self.out,
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{text}<tspan class=\"behind\" dx=\"10\">{behind}</tspan></text>"
        );
    }

    fn text_ending_at(&mut self, x: f64, y: f64, class: &str, text: &str) {
        self.text(x, y, &format!("{class}\" text-anchor=\"end"), text);
    }

    fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        let [x, y, width, height] = [x, y, width, height].map(number);
        let _ = writeln!(
            self.out,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"2\"/>"
        );
    }

    fn path(&mut self, class: &str, path: &str) {
        if !path.is_empty() {
            let _ = writeln!(self.out, "<path class=\"{class}\" d=\"{path}\"/>");
        }
    }

    /// Some lines of text below what is there.
    fn paragraph(&mut self, class: &str, size: f64, most: usize, text: &str) {
        let room = if ["verdict", "question"].contains(&class) { ROOM / BOLD } else { ROOM };
        for line in lines(text, size, room, most) {
            self.y += size * 1.35;
            self.text(MARGIN, self.y, class, &line);
        }
    }
}

pub(super) fn render(picture: &Picture) -> String {
    let mut drawn = String::new();
    for columns in COLUMNS {
        drawn = at(picture, columns, true);
        if drawn.len() <= MOST_BYTES {
            return drawn;
        }
    }
    // Nothing but names and numbers is that large.
    let plain = at(picture, 0, false);
    if plain.len() <= MOST_BYTES { plain } else { drawn }
}

fn at(picture: &Picture, columns: usize, with_timelines: bool) -> String {
    let mut canvas = Canvas::new(columns);
    for (place, part) in picture.parts.iter().take(MOST_PARTS).enumerate() {
        if place > 0 {
            canvas.y += 30.0;
            let y = number(canvas.y);
            canvas.path("line", &format!("M{MARGIN} {y}h{ROOM}"));
            canvas.y += 22.0;
        }
        let most_runs =
            if with_timelines { MOST_RUNS / picture.parts.len().min(MOST_PARTS) } else { 0 };
        draw(&mut canvas, part, most_runs);
    }
    if picture.parts.len() > MOST_PARTS {
        let more = picture.parts.len() - MOST_PARTS;
        canvas.paragraph("quiet", 13.0, 1, &format!("and {more} more races, which are not drawn"));
    }
    for notice in picture.notices.iter().take(MOST_PARTS) {
        canvas.y += 4.0;
        canvas.paragraph("quiet", 13.0, 2, &capital(notice, &[]));
    }
    let height = number(canvas.y + MARGIN);
    let inner = number(canvas.y + MARGIN - 1.0);
    let (title, description) = (escaped(&spoken(picture)), escaped(&described(picture)));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"100%\" role=\"img\" \
         aria-labelledby=\"gaits-title gaits-desc\">\n<title id=\"gaits-title\">{title}</title>\n\
         <desc id=\"gaits-desc\">{description}</desc>\n<style>\n{STYLE}</style>\n\
         <rect class=\"ground\" x=\".5\" y=\".5\" width=\"{}\" height=\"{inner}\" rx=\"8\"/>\n{}</svg>\n",
        WIDTH - 1.0,
        canvas.out
    )
}

fn draw(canvas: &mut Canvas, part: &Part, most_runs: usize) {
    match part {
        Part::Race { question, comparison, .. } => {
            if let Some(question) = question {
                canvas.paragraph("question", 14.0, 2, question);
                canvas.y += 4.0;
            }
            canvas.paragraph("verdict", 20.0, 5, &verdict(comparison));
            canvas.y += 5.0;
            canvas.paragraph("quiet", 13.0, 2, &title(comparison));
            race::draw(canvas, comparison);
        }
        Part::Results { name, summary, .. } => {
            canvas.paragraph("question", 14.0, 1, name);
            canvas.y += 4.0;
            canvas.paragraph(
                "verdict",
                20.0,
                4,
                &capital(&sentence(Language::English, summary), &[]),
            );
            canvas.y += 5.0;
            canvas.paragraph("quiet", 13.0, 2, &figures(summary));
        }
    }
    let runs = part.drawn();
    if most_runs > 0 && !runs.is_empty() {
        let shown = &runs[..runs.len().min(most_runs)];
        timeline::draw(canvas, shown, axis(shown));
        if runs.len() > most_runs {
            let more = format!("and {} more, which are not drawn", runs.len() - most_runs);
            canvas.paragraph("quiet", 13.0, 1, &more);
        }
    }
}

fn verdict(comparison: &Comparison) -> String {
    let names: Vec<&str> =
        comparison.entries().iter().map(|entry| entry.contender.model.as_str()).collect();
    capital(comparison.verdict().sentence.english(), &names)
}

/// A sentence as it stands alone: with a capital letter, unless it begins with one of the names, and with a full stop.
fn capital(sentence: &str, names: &[&str]) -> String {
    let is_name = names.iter().any(|name| sentence.starts_with(name));
    let mut chars = sentence.chars();
    let begun = match chars.next() {
        Some(first) if !is_name => first.to_uppercase().chain(chars).collect(),
        _ => sentence.to_owned(),
    };
    if begun.ends_with(['.', '!', '?']) { begun } else { begun + "." }
}

/// The numbers of one run.
fn figures(summary: &Summary) -> String {
    let latency = summary.tally.latency();
    let time = |us: Option<u64>| us.map_or_else(|| NOTHING.to_owned(), units::duration);
    let mut figures = Vec::new();
    if summary.model != Summary::UNKNOWN {
        figures.push(summary.layout.brief());
    }
    if latency.count() > 0 {
        figures.push(format!(
            "half done within {}, 99 % within {}, the slowest in {}",
            time(latency.p50_us()),
            time(latency.p99_us()),
            time(latency.max_us())
        ));
    }
    if summary.tally.bytes() > 0 {
        figures.push(format!("{} received", units::bytes(summary.tally.bytes())));
    }
    figures.join(" · ")
}

/// What the picture says, for those who can't see it.
fn spoken(picture: &Picture) -> String {
    let parts = picture.parts.iter().take(MOST_PARTS).map(|part| match part {
        Part::Race { question: Some(question), comparison, .. } => {
            format!("{question} {}", verdict(comparison))
        }
        Part::Race { question: None, comparison, .. } => verdict(comparison),
        Part::Results { name, summary, .. } => {
            format!("{name}: {}", capital(&sentence(Language::English, summary), &[name]))
        }
    });
    cut(&parts.collect::<Vec<_>>().join(" "))
}

/// All of it in words.
fn described(picture: &Picture) -> String {
    let parts = picture.parts.iter().map(|part| match part {
        Part::Race { comparison, .. } => {
            let rows = comparison.entries().iter().map(|entry| {
                format!("{}: {}, {}", entry.contender.model, takes(entry), against_best(entry))
            });
            format!("{}. {}.", title(comparison), rows.collect::<Vec<_>>().join("; "))
        }
        Part::Results { summary, .. } => format!("{}.", figures(summary)),
    });
    cut(&parts.collect::<Vec<_>>().join(" "))
}

fn cut(text: &str) -> String {
    if text.chars().count() <= DESCRIPTION {
        return text.to_owned();
    }
    text.chars().take(DESCRIPTION).chain(['…']).collect()
}

/// A heading with room above it.
fn heading(canvas: &mut Canvas, text: &str) {
    canvas.y += 38.0;
    canvas.text(MARGIN, canvas.y, "h", &clipped(text, 15.0, ROOM));
}

#[cfg(test)]
pub(super) mod tests {
    /// A number as paths have it.
    pub(in super::super) fn number(x: f64) -> String {
        super::number(x)
    }
}
