//! Words of commands that a user may copy into a shell.

use std::fmt::Write as _;

/// A word as a shell reads it: as it is where that is safe, else in quotes, which are `$'…'` of bash, ksh and zsh where there are
/// control characters, which a terminal would obey, or bytes that are no text.
pub(crate) fn quoted(word: &[u8]) -> String {
    let is_safe = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:@%+=,".contains(byte);
    if let Ok(text) = std::str::from_utf8(word) {
        if !word.is_empty() && word.iter().all(is_safe) {
            return text.to_owned();
        }
        if !text.chars().any(|c| c.is_control() && c != '\n') {
            return format!("'{}'", text.replace('\'', r"'\''"));
        }
    }
    let mut text = String::from("$'");
    for byte in word {
        match byte {
            b'\'' | b'\\' => {
                text.push('\\');
                text.push(char::from(*byte));
            }
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => {
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text.push('\'');
    text
}

/// What bash, ksh and zsh put a name in place of, under which a program reads these bytes, whatever they are.
pub(crate) fn printed(bytes: &[u8]) -> String {
    let mut text = String::from("<(printf '");
    for byte in bytes {
        match byte {
            b'\'' => text.push_str(r"'\''"),
            b'%' => text.push_str("%%"),
            b'\\' => text.push_str(r"\\"),
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => {
                let _ = write!(text, "\\{byte:03o}");
            }
        }
    }
    text + "')"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_each_word_for_one() {
        for (word, wanted) in [
            ("", "''"),
            ("it's", r"'it'\''s'"),
            ("a?b&c", "'a?b&c'"),
            ("$HOME", "'$HOME'"),
            ("http://x/a_b%20c", "http://x/a_b%20c"),
            ("--accept=200-399,404", "--accept=200-399,404"),
        ] {
            assert_eq!(quoted(word.as_bytes()), wanted);
        }
    }

    #[test]
    fn control_characters_are_written_as_a_shell_reads_them() {
        for (word, wanted) in [
            ("\t", r"$'\t'"),
            ("sleep 1 ;\ttrue", r"$'sleep 1 ;\ttrue'"),
            ("it's\r\\1\n", r"$'it\'s\x0d\\1\n'"),
            ("\u{1b}[1\u{85}", r"$'\x1b[1\xc2\x85'"),
            ("two\nlines", "'two\nlines'"),
        ] {
            assert_eq!(quoted(word.as_bytes()), wanted);
            let echo = format!("printf %s {wanted}");
            let said = std::process::Command::new("bash").args(["-c", &echo]).output();
            // Where there is a bash, it has the last word.
            if let Ok(said) = said {
                assert_eq!(String::from_utf8(said.stdout).as_deref(), Ok(word));
            }
        }
    }
}
