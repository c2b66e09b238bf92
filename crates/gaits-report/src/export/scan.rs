//! Finds where the values of JSON objects stand, quickly.
//!
//! Records are written by this program: nearly all of them have no space between their parts, and no escape in a name. Such text is
//! gone through here in one pass over its bytes, several times as fast as serde does it. Limit: anything else, right or
//! wrong, is given up (`None`), and whoever calls has to go through it with serde, which says what is wrong. What is not given up is
//! JSON that serde takes too.

/// Objects and lists that lie deeper are given up.
const DEEPEST: usize = 64;

/// A place in a text.
#[derive(Debug)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    /// At the beginning of `text`.
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The byte that comes next, without going past it.
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The text between the cursor and its end.
    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Goes past the object that begins here, and gives it. `field` is called with each name, the cursor being in front of the
    /// value, which it has to go past.
    pub(super) fn object(
        &mut self,
        mut field: impl FnMut(&'t str, &mut Self) -> Option<()>,
    ) -> Option<&'t str> {
        let from = self.at;
        self.take(b'{')?;
        if self.peek()? == b'}' {
            self.at += 1;
            return self.text.get(from..self.at);
        }
        loop {
            let name = self.name()?;
            self.take(b':')?;
            field(name, self)?;
            if self.is_last(b'}')? {
                return self.text.get(from..self.at);
            }
        }
    }

    /// Goes past the value that begins here, and gives it.
    pub(super) fn value(&mut self) -> Option<&'t str> {
        let from = self.at;
        self.skip()?;
        self.text.get(from..self.at)
    }

    /// Goes past the value that begins here.
    pub(super) fn skip(&mut self) -> Option<()> {
        self.skip_at(0)
    }

    fn skip_at(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ if depth == DEEPEST => None,
            b'{' => self.parts(b'}', |cursor| {
                cursor.string()?;
                cursor.take(b':')?;
                cursor.skip_at(depth + 1)
            }),
            b'[' => self.parts(b']', |cursor| cursor.skip_at(depth + 1)),
            _ => None,
        }
    }

    /// Goes past what begins with a bracket here and ends with `close`.
    fn parts(&mut self, close: u8, part: impl Fn(&mut Self) -> Option<()>) -> Option<()> {
        self.at += 1;
        if self.peek()? == close {
            self.at += 1;
            return Some(());
        }
        loop {
            part(self)?;
            if self.is_last(close)? {
                return Some(());
            }
        }
    }

    /// Goes past what stands behind a part: a comma, or `close` if it is the last.
    fn is_last(&mut self, close: u8) -> Option<bool> {
        let next = self.peek()?;
        self.at += 1;
        if next == b',' { Some(false) } else { (next == close).then_some(true) }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let has = self.text.as_bytes()[self.at..].starts_with(word);
        has.then(|| self.at += word.len())
    }

    /// A string without an escape.
    fn name(&mut self) -> Option<&'t str> {
        self.take(b'"')?;
        let from = self.at;
        self.at = special(self.text.as_bytes(), from);
        let name = self.text.get(from..self.at);
        self.take(b'"')?;
        name
    }

    fn string(&mut self) -> Option<()> {
        self.take(b'"')?;
        let text = self.text.as_bytes();
        loop {
            self.at = special(text, self.at);
            match text.get(self.at..)? {
                [b'"', ..] => {
                    self.at += 1;
                    return Some(());
                }
                [b'\\', b'u', hex @ ..] => {
                    let digits = hex.get(..4)?;
                    digits.iter().all(u8::is_ascii_hexdigit).then(|| self.at += 6)?;
                }
                [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => self.at += 2,
                _ => return None,
            }
        }
    }

    fn number(&mut self) -> Option<()> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        // No digit stands behind a zero in front.
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    /// Goes past digits, of which there must be one.
    fn digits(&mut self) -> Option<()> {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > from).then_some(())
    }
}

/// Where from `from` on the first byte stands that a string can't have as it is: a quote, a backslash, a control character. The
/// length of `text`, if there is none.
fn special(text: &[u8], from: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let mut at = from;
    // Eight bytes at a time. A borrow can mark a byte wrongly only behind one that is marked rightly, and the first one counts.
    while let Some(eight) = text[at..].first_chunk() {
        let word = u64::from_le_bytes(*eight);
        let quote = word ^ (ONES * u64::from(b'"'));
        let backslash = word ^ (ONES * u64::from(b'\\'));
        let marks = (word.wrapping_sub(ONES * 0x20) & !word)
            | (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash);
        let marks = marks & (ONES * 0x80);
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = text[at..].iter();
    let found = rest.clone().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
    at + found.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    /// What of `text` is the value that it begins with.
    fn value(text: &str) -> Option<&str> {
        Cursor::new(text).value()
    }

    #[test]
    fn values_end_where_they_end() {
        for json in [
            r#""""#,
            r#""ab\"c\\""#,
            r#""\u00e9 twelve \/ \b""#,
            "\"ü, and more than eight bytes\"",
            "0",
            "-0.5e+10",
            "120E3",
            "true",
            "false",
            "null",
            "[]",
            "{}",
            r#"[1,[],{"a\n":{"b":[null]}}]"#,
        ] {
            assert_eq!(value(json), Some(json));
            assert_eq!(value(&format!("{json},1")), Some(json));
        }
    }

    #[test]
    fn what_is_no_plain_json_is_given_up() {
        let deep = "[".repeat(DEEPEST + 1) + &"]".repeat(DEEPEST + 1);
        let wrong = ["", " 1", "-", "1.", "1e", "1e+", ".5", "+1", "tru", "nul", "x", "[1", "[1,]"];
        let strings =
            ["\"", "\"\\", "\"\\x\"", "\"\\u12g4\"", "\"\\u123", "\"\n\"", "\"eight by\t\""];
        let objects = ["{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\": 1}", "[1 ]"];
        for text in wrong.iter().chain(&strings).chain(&objects).copied().chain([&*deep]) {
            assert_eq!(value(text), None, "{text}");
        }
    }

    #[test]
    fn the_fields_of_an_object_come_in_their_order() {
        let mut cursor = Cursor::new(r#"{"a":1,"":{"b":2},"c":[]}}"#);
        let mut seen = Vec::new();
        let object = cursor.object(|name, cursor| {
            seen.push((name, cursor.value()?));
            Some(())
        });
        assert_eq!(object, Some(r#"{"a":1,"":{"b":2},"c":[]}"#));
        assert_eq!(seen, [("a", "1"), ("", r#"{"b":2}"#), ("c", "[]")]);
        assert_eq!(cursor.rest(), "}");
        assert_eq!(Cursor::new(r#"{"a\n":1}"#).object(|_, cursor| cursor.skip()), None);
    }

    proptest! {
        #[test]
        fn what_is_taken_is_json(text in r#"[\[{"\\:,u019.eE+\-tru nl\t]{0,12}"#) {
            if let Some(json) = value(&text) {
                prop_assert!(serde_json::from_str::<IgnoredAny>(json).is_ok(), "{}", json);
            }
        }

        #[test]
        fn a_byte_that_ends_a_string_is_found_wherever_it_is(
            before in "[^\"\\\\\u{0}-\u{1f}]{0,20}",
            byte in prop_oneof![Just('"'), Just('\\'), proptest::char::range('\u{0}', '\u{1f}')],
            behind in any::<String>(),
        ) {
            let text = format!("{before}{byte}{behind}");
            prop_assert_eq!(special(text.as_bytes(), 0), before.len());
            prop_assert_eq!(special(before.as_bytes(), 0), before.len());
        }
    }
}
