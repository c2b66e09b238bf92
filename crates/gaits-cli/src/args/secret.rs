//! Secrets on the command line, or better: where they are to be found.
//!
//! `env:NAME` stands for the value of an environment variable, `@FILE` for what a file holds, `@-` for standard input, and
//! `literal:TEXT` for the text itself, whatever it begins with. Anything else stands for itself.
//!
//! Limit: messages name the place, never what was found there.

use crate::exit::Trouble;
use anyhow::{Context as _, anyhow, bail, ensure};
use std::io::Read;

/// The most that a secret may have, in bytes: no server takes a longer header field.
const LONGEST: u64 = 64 * 1024;

/// What stands in front of a text that is to be taken as it is.
const LITERAL: &str = "literal:";

/// Whether `text` only says where a secret is to be found, so that it may be shown.
pub(crate) fn is_reference(text: &str) -> bool {
    text.starts_with("env:") || text.starts_with('@')
}

/// Whether `text` is written in one of the forms that do not stand for themselves.
pub(super) fn is_marked(text: &str) -> bool {
    is_reference(text) || text.starts_with(LITERAL)
}

/// The secret that `given`, the value of `option`, stands for.
pub(super) fn find(option: &str, given: &str) -> Result<String, Trouble> {
    look_up(given)
        .with_context(|| format!("can't take the secret of {option}"))
        .map_err(Trouble::Wrong)
}

fn look_up(given: &str) -> anyhow::Result<String> {
    if let Some(text) = given.strip_prefix(LITERAL) {
        return Ok(text.to_owned());
    }
    let escape = "write literal: in front of it if this is the secret itself";
    let (place, found) = if let Some(name) = given.strip_prefix("env:") {
        let found = std::env::var_os(name).filter(|_| !name.is_empty());
        let found = found.ok_or_else(|| {
            anyhow!("the environment has no variable {name:?}; set it, or {escape}")
        })?;
        (format!("the environment variable {name}"), found.into_encoded_bytes())
    } else if given == "@-" {
        let found = read(std::io::stdin()).context("can't read standard input")?;
        ("standard input".to_owned(), found)
    } else if let Some(path) = given.strip_prefix('@') {
        let found = std::fs::File::open(path).map_err(anyhow::Error::from).and_then(read);
        let found = found.with_context(|| format!("can't read {path}; {escape}"))?;
        (path.to_owned(), found)
    } else {
        return Ok(given.to_owned());
    };
    let Ok(text) = String::from_utf8(found) else { bail!("what {place} holds is no text (UTF-8)") };
    // Editors and `echo` end a line.
    let text =
        text.strip_suffix('\n').map_or(&*text, |text| text.strip_suffix('\r').unwrap_or(text));
    ensure!(!text.is_empty(), "{place} is empty");
    ensure!(
        !text.contains(['\n', '\r', '\0']),
        "{place} holds more than one line; a secret is one"
    );
    Ok(text.to_owned())
}

fn read(from: impl Read) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LONGEST + 1).read_to_end(&mut bytes)?;
    ensure!(bytes.len() as u64 <= LONGEST, "it is longer than 64 KiB, which no secret is");
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(given: &str) -> String {
        format!("{:#}", look_up(given).unwrap_err())
    }

    #[test]
    fn a_secret_stands_in_the_environment_in_a_file_or_for_itself() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            format!("@{}", path.display())
        };
        for (given, wanted) in [
            ("s3cret", "s3cret"),
            ("literal:@me", "@me"),
            ("literal:env:X", "env:X"),
            ("literal:", ""),
            (&file("line", b" a b \n"), " a b "),
            (&file("crlf", b"a\r\n"), "a"),
            (&file("bare", b"a"), "a"),
            ("env:CARGO_PKG_NAME", "gaits-cli"),
        ] {
            assert_eq!(look_up(given).unwrap(), wanted, "{given}");
        }
        for (given, why) in [
            ("env:NO_SUCH_VARIABLE_HERE", "no variable \"NO_SUCH_VARIABLE_HERE\""),
            ("env:", "no variable"),
            ("@/no/such/file", "can't read /no/such/file; write literal: in front"),
            (&file("lines", b"s3cret\nx\n"), "more than one line"),
            (&file("empty", b"\n"), "is empty"),
            (&file("bytes", b"s3cret\xff"), "no text"),
            (&file("long", &vec![b's'; 65_537]), "longer than 64 KiB"),
        ] {
            let message = refused(given);
            assert!(message.contains(why) && !message.contains("s3cret"), "{message}");
        }
    }
}
