//! URLs that stand for many: `http://host/{1..1000}/{a,b}`.
//!
//! Limit: they are counted and made one by one, never all of them.

use std::fmt::Write as _;

/// A URL with groups in braces, each of which stands for several texts: `{1..100}`, `{001..999}`, `{1..100..7}`, `{a..f}`, `{a,b,c}`.
/// Of several groups the last one goes fastest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlPattern {
    parts: Vec<Part>,
    count: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// These, one after the other.
    OneOf(Vec<String>),
    /// Numbers from the first on, each larger by the step.
    Numbers {
        first: i64,
        step: i64,
        count: u64,
        width: usize,
    },
    /// Letters, likewise.
    Letters {
        first: u8,
        step: i64,
        count: u64,
    },
}

impl Part {
    const fn count(&self) -> u64 {
        match self {
            Part::Text(_) => 1,
            Part::OneOf(texts) => texts.len() as u64,
            Part::Numbers { count, .. } | Part::Letters { count, .. } => *count,
        }
    }

    fn put(&self, at: u64, out: &mut String) {
        // Within what the ends of the range allow.
        let offset = |step: i64| i64::try_from(at).unwrap_or(i64::MAX).wrapping_mul(step);
        match self {
            Part::Text(text) => out.push_str(text),
            Part::OneOf(texts) => {
                let text = usize::try_from(at).ok().and_then(|at| texts.get(at));
                out.push_str(text.map_or("", String::as_str));
            }
            Part::Numbers { first, step, width, .. } => {
                let number = first.wrapping_add(offset(*step));
                let _ = write!(out, "{number:0width$}");
            }
            Part::Letters { first, step, .. } => {
                let letter = u8::try_from(i64::from(*first) + offset(*step)).unwrap_or(*first);
                out.push(char::from(letter));
            }
        }
    }
}

impl UrlPattern {
    /// Reads a URL. What is no group stays as it is: braces with neither a comma nor two points in them, and those around
    /// JSON, which has quotes. `{{` and `}}` are braces.
    ///
    /// # Errors
    /// Says what is wrong with a group, and how to have the URL taken as it is.
    pub fn parse(url: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = url;
        let mut doubled = 0;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("{{") {
                (doubled, rest) = (doubled + 1, after);
                plain.push('{');
                continue;
            }
            if doubled > 0
                && let Some(after) = rest.strip_prefix("}}")
            {
                (doubled, rest) = (doubled - 1, after);
                plain.push('}');
                continue;
            }
            let inside = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
            let group = inside.map(|(inside, after)| Ok((group(inside)?, after))).transpose();
            let group = group
                .map_err(|wrong: String| format!("{wrong} in {url}; -g takes URLs as they are"))?;
            if let Some((Some(part), after)) = group {
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(part);
                rest = after;
            } else {
                plain.push_str(&rest[..1]);
                rest = &rest[1..];
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        let count = parts.iter().try_fold(1_u64, |count, part| count.checked_mul(part.count()));
        let count =
            count.ok_or_else(|| format!("{url} stands for more URLs than can be counted"))?;
        Ok(Self { parts, count })
    }

    /// How many URLs it stands for.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Whether it has no group.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// One of them, counted from 0.
    #[must_use]
    pub fn url(&self, mut at: u64) -> String {
        let mut digits = Vec::with_capacity(self.parts.len());
        for part in self.parts.iter().rev() {
            digits.push(at % part.count());
            at /= part.count();
        }
        let mut url = String::new();
        for (part, digit) in self.parts.iter().zip(digits.into_iter().rev()) {
            part.put(digit, &mut url);
        }
        url
    }
}

/// How many URLs all of them stand for. More than can be counted are as good as endless.
pub(super) fn total(patterns: &[UrlPattern]) -> u64 {
    patterns.iter().fold(0, |total, pattern| total.saturating_add(pattern.count))
}

/// The URL with this number, counted through all of them.
pub(super) fn nth(patterns: &[UrlPattern], mut at: u64) -> String {
    for pattern in patterns {
        if at < pattern.count {
            return pattern.url(at);
        }
        at -= pattern.count;
    }
    String::new()
}

/// What stands between braces, where that is a group.
fn group(inside: &str) -> Result<Option<Part>, String> {
    if inside.contains('"') {
        return Ok(None);
    }
    if inside.contains(',') {
        if inside.contains('{') {
            return Err(format!("a group stands in another one ({{{inside}}}), which can't be"));
        }
        return Ok(Some(Part::OneOf(inside.split(',').map(str::to_owned).collect())));
    }
    if !inside.contains("..") || inside.contains('{') {
        return Ok(None);
    }
    let wrong = || {
        format!(
            "{{{inside}}} is no range such as {{1..100}}, {{001..999}}, {{1..100..7}} or {{a..f}}"
        )
    };
    let ends: Vec<&str> = inside.split("..").collect();
    let (from, to, step) = match ends[..] {
        [from, to] => (from, to, 1),
        [from, to, step] => {
            (from, to, step.parse::<i64>().ok().filter(|step| *step > 0).ok_or_else(wrong)?)
        }
        _ => return Err(wrong()),
    };
    let letter = |text: &str| match text.as_bytes() {
        [letter] if letter.is_ascii_alphabetic() => Some(*letter),
        _ => None,
    };
    let steps = |distance: u64| distance / step.unsigned_abs() + 1;
    if let (Some(first), Some(last)) = (letter(from), letter(to)) {
        let count = steps(u64::from(first.abs_diff(last)));
        return Ok(Some(Part::Letters {
            first,
            step: if first > last { -step } else { step },
            count,
        }));
    }
    let number = |text: &str| text.parse::<i64>().ok().filter(|_| !text.starts_with('+'));
    let (Some(first), Some(last)) = (number(from), number(to)) else { return Err(wrong()) };
    let is_padded = |text: &str| {
        text.trim_start_matches('-').len() > 1 && text.trim_start_matches('-').starts_with('0')
    };
    let width = if is_padded(from) || is_padded(to) { from.len().max(to.len()) } else { 0 };
    let distance = first.abs_diff(last);
    if distance == u64::MAX {
        return Err(wrong());
    }
    Ok(Some(Part::Numbers {
        first,
        step: if first > last { -step } else { step },
        count: steps(distance),
        width,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(url: &str) -> Vec<String> {
        let pattern = UrlPattern::parse(url).unwrap();
        (0..pattern.count()).map(|at| pattern.url(at)).collect()
    }

    #[test]
    fn groups_stand_for_several_texts_and_the_last_one_goes_fastest() {
        assert_eq!(all("h/{1..3}"), ["h/1", "h/2", "h/3"]);
        assert_eq!(all("h/{008..010}/x"), ["h/008/x", "h/009/x", "h/010/x"]);
        assert_eq!(all("{1..10..4}"), ["1", "5", "9"]);
        assert_eq!(all("{3..1}"), ["3", "2", "1"]);
        assert_eq!(all("{-1..1}"), ["-1", "0", "1"]);
        assert_eq!(all("{c..a}"), ["c", "b", "a"]);
        assert_eq!(all("{a,b}{1..2}"), ["a1", "a2", "b1", "b2"]);
        assert_eq!(all("h{,/x}"), ["h", "h/x"]);
        assert_eq!(all("{9223372036854775806..9223372036854775807}").len(), 2);
        let many = UrlPattern::parse("h/{1..4000000000}/{1..4000000000}").unwrap();
        assert_eq!(many.url(many.count() - 1), "h/4000000000/4000000000");
    }

    #[test]
    fn what_is_no_group_stays_as_it_is() {
        for url in [
            "http://h/",
            "http://h/{id}",
            "http://h/{}",
            "http://h/a..b,c",
            "http://h/{1..2",
            "http://h/}",
            r#"http://h/?q={"a":1,"b":{"c":[1,2]}}"#,
        ] {
            assert_eq!(all(url), [url]);
        }
        assert_eq!(all("h/{{1..2}}/{1,2}"), ["h/{1..2}/1", "h/{1..2}/2"]);
    }

    #[test]
    fn a_group_that_is_wrong_says_why() {
        for (url, why) in [
            ("h/{1..x}", "{1..x} is no range such as {1..100}"),
            ("h/{1..9..0}", "is no range"),
            ("h/{1..9..-1}", "is no range"),
            ("h/{1..2..3..4}", "is no range"),
            ("h/{..}", "is no range"),
            ("h/{a,{b,c}}", "a group stands in another one"),
            ("h/{1..9000000000}{1..9000000000}{1..9}", "more URLs than can be counted"),
            ("h/{-9223372036854775808..9223372036854775807}", "is no range"),
        ] {
            let wrong = UrlPattern::parse(url).unwrap_err();
            assert!(wrong.contains(why), "{url}: {wrong}");
        }
    }

    proptest! {
        #[test]
        fn each_number_has_a_url_of_its_own(from in -50_i64..50, to in -50_i64..50, step in 1_i64..9, texts in 1..4_usize) {
            let group = vec!["x"; texts].iter().enumerate().map(|(at, x)| format!("{x}{at}")).collect::<Vec<_>>().join(",");
            let pattern = UrlPattern::parse(&format!("h/{{{from}..{to}..{step}}}/{{{group},y}}")).unwrap();
            let all: std::collections::HashSet<_> = (0..pattern.count()).map(|at| pattern.url(at)).collect();
            prop_assert_eq!(all.len() as u64, pattern.count());
            prop_assert_eq!(pattern.count(), (from.abs_diff(to) / step.unsigned_abs() + 1) * (texts as u64 + 1));
        }

        #[test]
        fn nothing_makes_it_panic(url in "[{}0-9.,a\"-]{0,30}") {
            if let Ok(pattern) = UrlPattern::parse(&url) {
                let _ = pattern.url(pattern.count() - 1);
            }
        }
    }
}
