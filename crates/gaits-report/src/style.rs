//! How a text may look. Duty: the one place that knows ANSI escapes. Limit: it looks at no environment variable and
//! at no terminal; the caller does.

/// How a text may look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether ANSI escapes may be used; without it, texts hold none.
    pub color: bool,
}

impl Style {
    /// No escapes at all: for files, pipes and tests.
    pub const PLAIN: Self = Self { color: false };
    /// With ANSI escapes: for terminals.
    pub const COLOR: Self = Self { color: true };

    /// Bold, where there is colour.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.sgr("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.sgr("2", text)
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.sgr("32", text)
    }

    /// As something bad, where there is colour.
    #[must_use]
    pub fn bad(self, text: &str) -> String {
        self.sgr("1;31", text)
    }

    pub(crate) fn warn(self, text: &str) -> String {
        self.sgr("33", text)
    }

    /// In the colour of a phase of an item's time: connecting, waiting, receiving, computing, from 0 on.
    pub(crate) fn phase(self, phase: usize, text: &str) -> String {
        self.sgr(["33", "94", "36", "35"].get(phase).unwrap_or(&"0"), text)
    }

    /// `text` in the rendition that `code` selects (ECMA-48, SGR), as it is without colour.
    fn sgr(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Whether a terminal or a page would obey it in place of showing it: a control character, or one that turns the direction of a
/// text around, which would reach into what stands beside it.
#[must_use]
pub fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` on one line of at most `width` characters, without control characters: messages hold what servers and
/// libraries said, and a terminal would obey an escape in them.
pub(crate) fn one_line(text: &str, width: usize) -> String {
    let clean = text.split(|c: char| is_obeyed(c) || c.is_whitespace());
    let clean = clean.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if clean.chars().count() <= width {
        return clean;
    }
    let mut cut: String = clean.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// `text` in lines of at most `width` columns, as far as its words allow.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if columns_of(line) + 1 + columns_of(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// How many columns of a terminal a text takes.
pub(crate) fn columns_of(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_appear_only_with_color() {
        assert_eq!(Style::PLAIN.bad("x"), "x");
        assert_eq!(Style::COLOR.bad("x"), "\x1b[1;31mx\x1b[0m");
    }

    #[test]
    fn a_message_can_neither_break_the_line_nor_command_the_terminal() {
        assert_eq!(one_line("a\n\x1b[2Jb\t c\r\n", 80), "a [2Jb c");
        assert_eq!(one_line("a\u{202e}b", 80), "a b");
        assert_eq!(one_line("abcdef", 6), "abcdef");
        assert_eq!(one_line("abcdefg", 6), "abcde…");
    }
}
