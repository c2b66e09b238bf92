//! Items without the credentials that may stand in them, as records and messages show them.
//!
//! Limit: only user and password in front of a host are credentials here. A secret in a path or a query is shown.

use super::target::Target;

/// What stands for user and password.
const HIDDEN: &str = "***";

/// Schemes that are kept in a text that is not a URL. Any other may be the beginning of a secret.
const SCHEMES: [&str; 3] = ["http://", "https://", "ftp://"];

/// `text` as it is shown, where it holds credentials: `http://***@host/path` for `http://user:password@host/path`. None if
/// there is nothing to hide. The same text always gives the same, and what is hidden already stays as it is.
///
/// In a text that is no http or https URL, everything in front of the last `@` is hidden, but for its scheme: where the
/// password ends cannot be told.
///
/// ```
/// # use gaits_work::http::redacted;
/// assert_eq!(redacted("http://user:password@host/").as_deref(), Some("http://***@host/"));
/// assert_eq!(redacted("user:pass/word@host").as_deref(), Some("***@host"));
/// assert_eq!(redacted("http://host/user@example.com"), None);
/// ```
#[must_use]
pub fn redacted(text: &str) -> Option<String> {
    let last = text.rfind('@')?;
    let is_url = Target::parse(text, None).is_ok();
    let (credentials, at) = if is_url {
        let begin = text.find("://")? + 3;
        let authority = text[begin..].split(['/', '\\', '?', '#']).next()?;
        (begin, begin + authority.rfind('@')?)
    } else {
        let blank = text.len() - text.trim_start().len();
        let is_scheme = |scheme: &&str| {
            text.get(blank..blank + scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        let scheme = SCHEMES.iter().find(|scheme| is_scheme(scheme)).map_or(0, |s| s.len());
        (blank + scheme, last)
    };
    let hidden = text.get(credentials..at)?;
    let is_nothing = if is_url {
        matches!(hidden, "" | ":")
    } else {
        hidden.chars().all(|c| c == ':' || c == '/')
    };
    if hidden == HIDDEN || is_nothing {
        return None;
    }
    Some(format!("{}{HIDDEN}{}", &text[..credentials], &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::super::target::check;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn credentials_are_hidden_and_nothing_else() {
        for (text, wanted) in [
            ("http://user:password@host/a?b#c", "http://***@host/a?b#c"),
            ("HTTPS://token@host:81", "HTTPS://***@host:81"),
            ("http://us%40er:p%3Ass@host/x@y", "http://***@host/x@y"),
            ("http://::@host/", "http://***@host/"),
            ("http://a@b:c@host/", "http://***@host/"),
            ("  http://u:p@host/ ", "  http://***@host/ "),
            ("http://u:p@host\\x@y", "http://***@host\\x@y"),
            // These are no URLs.
            ("user:password@host/x", "***@host/x"),
            ("//user:password@host/x", "***@host/x"),
            ("http:user:password@host/x", "***@host/x"),
            ("ftp://user:password@host/x", "ftp://***@host/x"),
            ("xyz://user:password@host/x", "***@host/x"),
            ("http://user:pass/word@host/x", "http://***@host/x"),
            ("http://user:pass?word@host/x@y", "http://***@y"),
            ("http://user:password@host:99999/", "http://***@host:99999/"),
            ("http://user:pass\tword@host/", "http://***@host/"),
            ("http://user:password@", "http://***@"),
            ("http://user:password@/x", "http://***@/x"),
            ("curl -u x http://user:password@host/", "***@host/"),
        ] {
            assert_eq!(redacted(text).as_deref(), Some(wanted), "{text}");
            assert_eq!(redacted(wanted), None, "it is hidden already");
        }
        for text in [
            "http://host/",
            "http://host/a@b",
            "http://host/?to=http://user:password@host/",
            "http://host/#a@b",
            "http://@host/",
            "http://:@host/",
            "https://host\\user@x",
            "example.com",
            "",
            "@",
            "@home",
        ] {
            assert_eq!(redacted(text), None, "{text}");
        }
    }

    /// What nobody may see, with anything around it.
    fn secret(word: &'static str, around: &'static str) -> impl Strategy<Value = String> {
        (around, around).prop_map(move |(before, after)| format!("{before}{word}{after}"))
    }

    /// No slash, backslash, question or number sign: they end the part of a URL that holds credentials.
    const INSIDE: &str = "[a-z0-9:@%&=+$,;!.*'()~ \"<>^`{|}äß漢\t\n\u{1}-]{0,6}";
    const ANYTHING: &str = "[a-z0-9:@%&=+./?#\\\\\\[\\] \"äß漢\t\n\u{1}-]{0,6}";

    fn check_hidden(text: &str) -> Result<(), TestCaseError> {
        let shown = redacted(text);
        let message = check(text).err().unwrap_or_default();
        for secret in ["jaNe", "s3crEt"] {
            let shown = shown.as_deref().unwrap_or(text);
            prop_assert!(!shown.to_lowercase().contains(&secret.to_lowercase()), "{shown:?}");
            prop_assert!(!message.to_lowercase().contains(&secret.to_lowercase()), "{message:?}");
        }
        let again = shown.as_deref().and_then(redacted);
        prop_assert_eq!(again, None, "what is hidden stays as it is");
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn no_user_and_no_password_is_shown_or_told(
            scheme in "(http://|HTTP://|https://|ftp://|xyz://|http:/?|//|[ \t]{0,2}http://|)",
            user in secret("jaNe", INSIDE),
            password in secret("s3crEt", INSIDE),
            rest in "(host|ho st|h..h|\\[::1\\]|127\\.0\\.0\\.1|0x7f|)(:[0-9]{0,6})?([/?#\\\\][a-z@/:]{0,9})?",
        ) {
            check_hidden(&format!("{scheme}{user}:{password}@{rest}"))?;
            check_hidden(&format!("{scheme}{user}{password}@{rest}"))?;
        }

        #[test]
        fn nor_are_those_of_an_item_that_is_no_url(
            scheme in "(http://|https://|ftp://|xyz://|http:|//|)",
            user in secret("jaNe", ANYTHING),
            password in secret("s3crEt", ANYTHING),
            rest in "(host|h..h|)(:[0-9]{0,6})?(/[a-z@/:]{0,9})?",
        ) {
            let text = format!("{scheme}{user}:{password}@{rest}");
            if check(&text).is_err() {
                check_hidden(&text)?;
            }
        }
    }
}
