//! The command that finishes what a run has left undone: the same one again, as one would type it into a shell.
//!
//! Limit: it knows by their names which options hold secrets; those in the path or the query of a URL are shown.

use crate::args::{command_among, is_reference};
use crate::shell::quoted;
use clap::Command;
use gaits::http::redacted;
use std::collections::HashMap;
use std::ffi::OsString;

/// What stands in place of a secret.
const HIDDEN: &str = "***";

/// Options whose values are secrets, by their long names.
const SECRET: [&str; 14] = [
    "query",
    "data",
    "data-json",
    "form",
    "user",
    "bearer",
    "token",
    "token-command",
    "cookie",
    "password",
    "proxy-user",
    "api-key",
    "proxy-header",
    "env",
];

/// Header fields whose values are no secrets. All others may be.
const HARMLESS: [&str; 16] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-type",
    "date",
    "from",
    "host",
    "if-modified-since",
    "origin",
    "pragma",
    "range",
    "te",
    "user-agent",
];

/// Options that would keep the command from going on where it stopped.
const NOT_AGAIN: [&str; 1] = ["--fresh"];

/// The command that finishes the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rerun {
    /// As one types it.
    pub(crate) command: String,
    /// Whether a secret was left out of it.
    pub(crate) hides: bool,
}

/// The options that take a value, with the first long name of each.
struct Options {
    long: HashMap<String, String>,
    short: HashMap<char, String>,
}

impl Options {
    /// Those of the command that is among `words`: what is an option with a value in one may be none in another.
    fn of(parser: &Command, words: &[OsString]) -> Self {
        let mut options = Self { long: HashMap::new(), short: HashMap::new() };
        options.add(command_among(words, parser).unwrap_or(parser));
        options
    }

    fn add(&mut self, command: &Command) {
        for argument in command.get_arguments().filter(|a| {
            // One that takes its value only behind `=` leaves the next word alone.
            a.get_action().takes_values() && !a.is_require_equals_set()
        }) {
            let long = argument.get_long().unwrap_or_default();
            for name in argument.get_long_and_visible_aliases().unwrap_or_default() {
                self.long.insert(name.to_owned(), long.to_owned());
            }
            if let Some(short) = argument.get_short() {
                self.short.insert(short, long.to_owned());
            }
        }
        command.get_subcommands().for_each(|command| self.add(command));
    }

    /// The option that takes a value in `-kH`, and where the letter after it begins.
    fn in_cluster(&self, word: &str) -> Option<(&str, usize)> {
        word.char_indices().skip(1).find_map(|(at, letter)| {
            Some((self.short.get(&letter)?.as_str(), at + letter.len_utf8()))
        })
    }
}

impl Rerun {
    /// The command line of this process, as `parser` takes it apart, once more.
    pub(crate) fn of(words: impl IntoIterator<Item = OsString>, parser: &Command) -> Self {
        let words: Vec<OsString> = words.into_iter().collect();
        let options = Options::of(parser, &words);
        let mut hides = false;
        let mut again = Vec::new();
        // The option whose value comes next.
        let mut before: Option<String> = None;
        let mut only_values = false;
        for word in words {
            let word = word.to_string_lossy().into_owned();
            let shown = if let Some(option) = before.take() {
                shown(&option, &word)
            } else if only_values || !word.starts_with('-') || word == "-" {
                shown("", &word)
            } else if NOT_AGAIN.contains(&word.as_str()) {
                continue;
            } else if let Some(long) = word.strip_prefix("--") {
                only_values = long.is_empty();
                if let Some((name, value)) = long.split_once('=') {
                    let option = options.long.get(name).map_or(name, String::as_str);
                    shown(option, value).map(|value| format!("--{name}={value}"))
                } else {
                    // What would be secret is hidden although this version knows no such option.
                    let unknown = || SECRET.contains(&long).then(|| long.to_owned());
                    before = options.long.get(long).cloned().or_else(unknown);
                    None
                }
            } else if let Some((option, at)) = options.in_cluster(&word) {
                let (head, value) = word.split_at(at);
                if value.is_empty() {
                    before = Some(option.to_owned());
                }
                shown(option, value).map(|value| format!("{head}{value}"))
            } else {
                None
            };
            hides |= shown.is_some();
            again.push(quoted(shown.unwrap_or(word).as_bytes()));
        }
        Self { command: again.join(" "), hides }
    }
}

/// What is shown in place of the value of an option, or of a value without one; none if there is nothing to hide.
fn shown(option: &str, value: &str) -> Option<String> {
    if option == "header" {
        // A field without a colon is no field; it may be a secret that was mistyped.
        let name = value.split_once(':').map_or("", |(name, _)| name);
        let harmless = HARMLESS.contains(&name.trim().to_ascii_lowercase().as_str());
        let harmless = harmless || says_where(value);
        return (!harmless && !value.is_empty()).then(|| match name {
            "" => HIDDEN.to_owned(),
            name => format!("{name}: {HIDDEN}"),
        });
    }
    if SECRET.contains(&option) {
        let shows = match option {
            "user" | "bearer" => is_reference(value),
            "api-key" => says_where(value),
            _ => false,
        };
        return (!shows && !value.is_empty()).then(|| HIDDEN.to_owned());
    }
    if option == "proxy" && !is_reference(value) {
        // Its scheme may be left out.
        return redacted(value);
    }
    // In anything but a URL, an @ has another meaning.
    if value.contains("://") { redacted(value) } else { None }
}

/// Whether a header field or a key of an API has a name, and behind it only the place where its value is to be found.
fn says_where(value: &str) -> bool {
    let behind = value.find([':', '=']).filter(|at| *at > 0).map(|at| value[at + 1..].trim_start());
    behind.is_some_and(|behind| {
        let secret = match behind.split_once(' ') {
            Some(("Basic" | "Bearer" | "Token", secret)) => secret.trim_start(),
            _ => behind,
        };
        is_reference(secret)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    fn again(words: &[&str]) -> Rerun {
        Rerun::of(words.iter().map(OsString::from), &args::parser())
    }

    #[test]
    fn the_password_of_a_proxy_is_hidden_without_a_scheme_too() {
        for value in ["me:s3cret@proxy:8080", "http://me:s3cret@proxy:8080"] {
            for words in
                [&["gaits", "fetch", "-x", value][..], &["gaits", "fetch", "--proxy", value]]
            {
                let again = again(words);
                assert!(
                    again.hides && again.command.contains("***@proxy:8080"),
                    "{}",
                    again.command
                );
                assert!(!again.command.contains("s3cret"), "{}", again.command);
            }
        }
        assert!(!again(&["gaits", "fetch", "-x", "@proxy.txt"]).hides);
    }

    #[test]
    fn an_option_that_may_have_a_value_leaves_the_next_word_alone() {
        let words =
            ["gaits", "fetch", "--idempotency-key", "-H", "Authorization: s3cret", "-d", "s3cret"];
        let rerun = again(&words);
        assert_eq!(rerun.command, "gaits fetch --idempotency-key -H 'Authorization: ***' -d '***'");
        assert!(rerun.hides);
    }

    #[test]
    fn a_program_may_have_the_name_of_a_command() {
        let rerun = again(&["report", "fetch", "-d", "s3cret", "http://x/"]);
        assert_eq!(rerun.command, "report fetch -d '***' http://x/");
    }

    #[test]
    fn json_is_hidden_where_it_is_sent() {
        for words in [&["--json", "s3cret"][..], &["--json=s3cret"], &["--data-json", "s3cret"]] {
            let rerun = again(&[&["gaits", "fetch"], words, &["http://x/"]].concat());
            assert!(rerun.hides && !rerun.command.contains("s3cret"), "{rerun:?}");
        }
        let rerun = again(&["gaits", "compare", "http", "--json", "http://x/"]);
        assert_eq!(rerun.command, "gaits compare http --json http://x/");
        assert!(!rerun.hides);
    }

    #[test]
    fn it_is_the_same_command_and_does_not_start_over() {
        let words = ["gaits", "fetch", "-i", "my urls.txt", "--fresh", "-o", "results.jsonl", "-k"];
        let rerun = again(&words);
        assert_eq!(rerun.command, "gaits fetch -i 'my urls.txt' -o results.jsonl -k");
        assert!(!rerun.hides);
    }

    #[test]
    fn secrets_stay_out_of_it_however_they_are_given() {
        for words in [
            &["-H", "Authorization: Bearer s3cret"][..],
            &["-HAuthorization: Bearer s3cret"],
            &["-kH", "Authorization: Bearer s3cret"],
            &["-kIHAuthorization: Bearer s3cret"],
            &["--header", "Authorization: Bearer s3cret"],
            &["--header=Authorization: Bearer s3cret"],
        ] {
            let rerun = again(&[&["gaits", "fetch"], words].concat());
            assert!(rerun.hides, "{rerun:?}");
            assert!(!rerun.command.contains("s3cret"), "{rerun:?}");
            assert!(rerun.command.contains("Authorization: ***"), "{rerun:?}");
        }
        let rerun = again(&["gaits", "fetch", "--", "http://me:s3cret@x/", "-H"]);
        assert_eq!(rerun.command, "gaits fetch -- 'http://***@x/' -H");
        assert!(rerun.hides);
        assert_eq!(shown("bearer", "s3cret").unwrap(), "***");
    }

    #[test]
    fn where_a_secret_is_found_is_none_itself() {
        for words in [
            &["--bearer", "env:TOKEN"][..],
            &["--bearer=@token"],
            &["-u", "@of me"],
            &["-H", "Authorization: env:TOKEN"],
            &["-H", "Authorization: Bearer @token"],
            &["--api-key", "X-Key: env:KEY"],
            &["--api-key", "key=@key"],
        ] {
            let rerun = again(&[&["gaits", "fetch"], words].concat());
            assert!(!rerun.hides && !rerun.command.contains("***"), "{rerun:?}");
        }
        for words in [
            &["-u", "s3cret:"][..],
            &["-us3cret:x"],
            &["-u", "s3cret:env:X"],
            &["--bearer", "literal:s3cret"],
            &["-H", "X-Key: s3cret @x"],
            &["--api-key", "X-Key: s3cret"],
            &["--api-key", "key=s3cret"],
            &["--api-key", "s3cret"],
        ] {
            let rerun = again(&[&["gaits", "fetch"], words].concat());
            assert!(rerun.hides && !rerun.command.contains("s3cret"), "{rerun:?}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        let rerun = again(&[
            "gaits",
            "fetch",
            "-H",
            "Accept: text/plain",
            "-A",
            "me@x.example",
            "-m",
            "async:5",
        ]);
        assert_eq!(rerun.command, "gaits fetch -H 'Accept: text/plain' -A me@x.example -m async:5");
        assert!(!rerun.hides);
    }
}
