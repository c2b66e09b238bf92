//! Texts in a picture: escaped, measured, and broken or cut where they have no room.
//!
//! Limit: how wide a text is depends on the reader's fonts. It is guessed on the wide side.

use crate::style::is_obeyed;
use unicode_width::UnicodeWidthChar as _;

/// A text as it can stand between two tags or in an attribute. What XML can't hold is replaced.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if is_obeyed(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Bold letters are so much wider.
pub(super) const BOLD: f64 = 1.17;

/// How wide a text is at most, in the units of the picture.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(|c| share(c) * size).sum()
}

/// The width of a character as a share of its height.
fn share(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '\'' | '/' | ' ' => 0.36,
        'f' | 't' | 'r' | 'I' | '(' | ')' | '-' => 0.42,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '×' | '–' | '…' => 0.98,
        'A'..='Z' => 0.74,
        _ => match c.width().unwrap_or(0) {
            0 => 0.0,
            1 => 0.62,
            _ => 1.05,
        },
    }
}

/// As much of the text as fits.
pub(super) fn clipped(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = width("…", size);
    for c in text.chars() {
        used += share(c) * size;
        if used > room {
            break;
        }
        out.push(c);
    }
    out + "…"
}

/// The text in at most `most` lines; what has no room in the last one is cut off.
pub(super) fn lines(text: &str, size: f64, room: f64, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        if let Some(line) = lines.last_mut() {
            let longer = format!("{line} {word}");
            if width(&longer, size) <= room {
                *line = longer;
                continue;
            }
            if lines.len() == most {
                if let Some(line) = lines.last_mut() {
                    *line = clipped(&format!("{line} {word}…"), size, room);
                }
                break;
            }
        }
        lines.push(clipped(word, size, room));
    }
    lines
}

/// A number with two digits after the point at most, in as few characters as it takes.
pub(super) fn number(x: f64) -> String {
    let text = format!("{x:.2}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    match short {
        "-0" => "0".to_owned(),
        short => short.replacen(
            "0.",
            ".",
            usize::from(short.starts_with("0.") || short.starts_with("-0.")),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(escaped("a<b>&\"c\""), "a&lt;b&gt;&amp;&quot;c&quot;");
        assert_eq!(
            escaped("\u{1b}[2J\u{0}\u{ffff}\u{202e}"),
            "\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn texts_are_broken_at_words_and_cut_where_there_is_no_room() {
        assert_eq!(lines("one two", 10.0, 1_000.0, 3), ["one two"]);
        let some = lines(&"word ".repeat(40), 10.0, 100.0, 3);
        assert_eq!(some.len(), 3);
        assert!(some[2].ends_with('…') && !some[1].ends_with('…'), "{some:?}");
        assert!(some.iter().all(|line| width(line, 10.0) <= 100.0), "{some:?}");
        let long = lines(&"x".repeat(500), 10.0, 100.0, 3);
        assert!(long.len() == 1 && width(&long[0], 10.0) <= 100.0, "{long:?}");
        assert!(lines("", 10.0, 100.0, 3).is_empty());
    }

    #[test]
    fn numbers_are_short() {
        let short = [0.0, -0.001, 0.5, -0.25, 12.0, 12.346, 100.1].map(number);
        assert_eq!(short, ["0", "0", ".5", "-.25", "12", "12.35", "100.1"]);
    }
}
