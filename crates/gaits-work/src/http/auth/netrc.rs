//! A `.netrc` file: names and passwords by host, as `ftp`, `curl` and others read it.
//!
//! Words stand apart by white space. A word in double quotes may hold white space, and `\"`, `\\`, `\n`, `\r` and `\t` in it. A `#`
//! where a word begins starts a comment, but not where a value is expected. `macdef` is passed over up to the next blank line.
//!
//! Limit: reads text, no file.

use super::{Secret, basic};
use http::header::HeaderValue;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Names and passwords by host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Netrc {
    /// In the order of the file; of two for one host, the first counts.
    entries: Vec<Entry>,
}

/// What is known of one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// None in the entry that is for any host.
    machine: Option<String>,
    login: Secret,
    password: Secret,
}

/// Why a text is no netrc.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NetrcError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there, without the words that stand there: they may be secret.
    pub reason: String,
}

impl Netrc {
    /// Reads the text of a netrc.
    ///
    /// # Errors
    /// The first thing that is wrong, and its line.
    pub fn parse(text: &str) -> Result<Self, NetrcError> {
        let mut words = Words { rest: text, line: 1 };
        let mut entries: Vec<Entry> = Vec::new();
        let empty = |machine| Entry { machine, login: "".into(), password: "".into() };
        while let Some(word) = words.next(true)? {
            if !matches!(&*word, "machine" | "default" | "macdef") && entries.is_empty() {
                return Err(words.wrong("it begins with none of machine, default and macdef"));
            }
            match &*word {
                "machine" => {
                    let name = words.value("machine")?.to_ascii_lowercase();
                    entries.push(empty(Some(name)));
                }
                "default" => entries.push(empty(None)),
                "macdef" => words.skip_macro(),
                "account" => drop(words.value("account")?),
                "login" | "password" => {
                    let value = Secret::from(words.value(&word)?);
                    let Some(entry) = entries.last_mut() else { continue };
                    *(if word == "login" { &mut entry.login } else { &mut entry.password }) = value;
                }
                _ => {
                    return Err(words.wrong(
                        "there is a word that is none of machine, default, login, password, account and macdef; put \
                         a value with white space into double quotes",
                    ));
                }
            }
        }
        Ok(Self { entries })
    }
}

/// The words of a netrc.
struct Words<'t> {
    rest: &'t str,
    line: usize,
}

impl Words<'_> {
    /// The next word; a `#` in front of it begins a comment where there may be `comments`.
    fn next(&mut self, comments: bool) -> Result<Option<String>, NetrcError> {
        loop {
            let start = self.rest.trim_start();
            self.step(self.rest.len() - start.len());
            match self.rest.chars().next() {
                None => return Ok(None),
                Some('#') if comments => {
                    self.step(self.rest.find('\n').unwrap_or(self.rest.len()));
                }
                Some('"') => return self.quoted().map(Some),
                Some(_) => {
                    let len = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
                    let word = self.rest[..len].to_owned();
                    self.step(len);
                    return Ok(Some(word));
                }
            }
        }
    }

    fn quoted(&mut self) -> Result<String, NetrcError> {
        let mut word = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.step(at + 1);
                    return Ok(word);
                }
                '\n' => break,
                '\\' => match chars.next() {
                    Some((_, 'n')) => word.push('\n'),
                    Some((_, 'r')) => word.push('\r'),
                    Some((_, 't')) => word.push('\t'),
                    Some((_, other)) => word.push(other),
                    None => break,
                },
                c => word.push(c),
            }
        }
        Err(self.wrong("a double quote is not closed on its line"))
    }

    /// The value of `of`, which must be there.
    fn value(&mut self, of: &str) -> Result<String, NetrcError> {
        let line = self.line;
        let value = self.next(false)?;
        value.ok_or_else(|| NetrcError {
            line,
            reason: format!("nothing stands behind {of}: write its value there"),
        })
    }

    /// Passes over a macro, whose name comes next: it ends with a blank line.
    fn skip_macro(&mut self) {
        loop {
            self.step(self.rest.find('\n').map_or(self.rest.len(), |at| at + 1));
            let line = self.rest.lines().next().unwrap_or_default();
            if self.rest.is_empty() || line.trim().is_empty() {
                return;
            }
        }
    }

    fn step(&mut self, len: usize) {
        let (gone, rest) = self.rest.split_at(len);
        self.line += gone.matches('\n').count();
        self.rest = rest;
    }

    fn wrong(&self, reason: &str) -> NetrcError {
        NetrcError { line: self.line, reason: reason.to_owned() }
    }
}

/// The `authorization` fields of hosts.
#[derive(Debug)]
pub(super) struct Machines {
    by_name: HashMap<String, HeaderValue>,
    any: Option<HeaderValue>,
}

impl Machines {
    pub(super) fn of(netrc: &Netrc) -> Self {
        let mut machines = Self { by_name: HashMap::new(), any: None };
        for Entry { machine, login, password } in &netrc.entries {
            let pair = format!("{}:{}", login.reveal(), password.reveal());
            // Base64 can always be sent.
            let Ok(mut value) = HeaderValue::try_from(basic(&pair)) else { continue };
            value.set_sensitive(true);
            match machine {
                Some(name) => drop(machines.by_name.entry(name.clone()).or_insert(value)),
                None => drop(machines.any.get_or_insert(value)),
            }
        }
        machines
    }

    /// What `host`, in lower case, is shown.
    pub(super) fn of_host(&self, host: &str) -> Option<HeaderValue> {
        self.of_named_host(host).or_else(|| self.any.clone())
    }

    /// The same for a host that must be named.
    pub(super) fn of_named_host(&self, host: &str) -> Option<HeaderValue> {
        self.by_name.get(host).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entries(text: &str) -> Vec<(Option<String>, String, String)> {
        let shown = |entry: Entry| {
            (entry.machine, entry.login.reveal().to_owned(), entry.password.reveal().to_owned())
        };
        Netrc::parse(text).unwrap().entries.into_iter().map(shown).collect()
    }

    fn entry(
        machine: Option<&str>,
        login: &str,
        password: &str,
    ) -> (Option<String>, String, String) {
        (machine.map(str::to_owned), login.to_owned(), password.to_owned())
    }

    #[test]
    fn machines_have_a_login_and_a_password() {
        let text = "# of mine\nmachine A.test login me password s3cret\n\
                    machine b.test\n\tpassword \"a \\\"b\\\" \\\\\"\n\tlogin #me account x # more\n\
                    machine c.test\ndefault login anonymous password me@x\n";
        let wanted = [
            entry(Some("a.test"), "me", "s3cret"),
            entry(Some("b.test"), "#me", "a \"b\" \\"),
            entry(Some("c.test"), "", ""),
            entry(None, "anonymous", "me@x"),
        ];
        assert_eq!(entries(text), wanted);
        assert_eq!(entries(" \n# nothing\n"), []);
    }

    #[test]
    fn macros_are_passed_over() {
        let text = "machine a login x password y\nmacdef init\ncd /x\nmachine evil login z\n\n\
                    machine b login u password v\nmacdef last\nquit";
        assert_eq!(entries(text), [entry(Some("a"), "x", "y"), entry(Some("b"), "u", "v")]);
    }

    #[test]
    fn what_is_wrong_is_told_by_its_line_and_without_its_words() {
        for (text, line, why) in [
            ("login me", 1, "begins with none of"),
            ("\nmachine a login me passwrod s3cret", 2, "a word that is none of"),
            ("machine a\nlogin me password my s3cret", 2, "double quotes"),
            ("machine a login", 1, "nothing stands behind login: write its value there"),
            ("machine a\nlogin me\npassword \"s3cret\nx\"", 3, "not closed"),
            ("machine", 1, "nothing stands behind machine: write its value there"),
        ] {
            let error = Netrc::parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text}");
            assert!(error.reason.contains(why), "{text}: {error}");
            assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
        }
    }

    #[test]
    fn of_two_entries_for_a_host_the_first_counts() {
        let machines = Machines::of(
            &Netrc::parse("machine a login x password y machine a login u password v").unwrap(),
        );
        assert_eq!(machines.of_host("a").unwrap(), "Basic eDp5");
        assert_eq!(machines.of_host("b"), None);
        assert!(!format!("{machines:?}").contains("eDp5"), "{machines:?}");
    }

    proptest! {
        #[test]
        fn whatever_stands_in_quotes_is_read_as_it_is(
            login in "[a-zA-Z0-9äß@#:.\"\\\\ \t-]{0,12}",
            password in "[ -~äß漢\t\n\r]{0,12}",
        ) {
            let quoted = |text: &str| {
                let text = text.replace('\\', "\\\\").replace('"', "\\\"");
                let text = text.replace('\n', "\\n").replace('\r', "\\r");
                format!("\"{text}\"")
            };
            let text = format!("machine a login {} password {}", quoted(&login), quoted(&password));
            prop_assert_eq!(entries(&text), [entry(Some("a"), &login, &password)]);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(machine|login|password|default|macdef|\"|#|\n| |\\\\|[a-zß]){0,30}") {
            let _ = Netrc::parse(&text);
        }
    }
}
