//! A command in words, as the shell that it was copied for takes it apart: a POSIX shell with bash's `$'…'`, or Windows' cmd with `^`.
//!
//! Limit: nothing is expanded. A `$NAME`, a `|` or a `>` that a shell would act on is refused, since no shell is there to do it.

/// Whether a command is whole: it does not go on in the next line, by a `\` or a `^` at its end, or in quotes.
#[must_use]
pub fn is_whole(command: &str) -> bool {
    match split(command) {
        Err(wrong) if wrong == OPEN => false,
        _ => !goes_on(command.trim_end_matches(['\r', '\n'])),
    }
}

/// Whether a line ends with what takes its end away.
fn goes_on(line: &str) -> bool {
    let ends = |c: char| line.chars().rev().take_while(|last| *last == c).count() % 2 == 1;
    ends('\\') || is_for_cmd(line) && ends('^')
}

/// What is said of a command that ends in quotes.
const OPEN: &str = "a quote is opened in it that never ends: close it";

/// Whether it was copied for cmd: its quotes and line ends are escaped by `^`. A caret within quotes is a part of what is quoted, and
/// cmd has no single quotes, so the first of either kind decides.
fn is_for_cmd(command: &str) -> bool {
    let mut chars = command.chars();
    let mut last = None;
    while let Some(c) = chars.next() {
        match c {
            '\'' => return false,
            '"' => pass_quotes(&mut chars),
            '\\' => drop(chars.next()),
            '^' => {
                let rest = chars.as_str();
                let line = rest.split('\n').next().unwrap_or_default();
                let ends_line = last.is_some_and(char::is_whitespace) && line.trim().is_empty();
                if ends_line || rest.starts_with('"') {
                    return true;
                }
            }
            _ => {}
        }
        last = Some(c);
    }
    false
}

/// Passes over what stands in double quotes, with the quote at its end.
fn pass_quotes(chars: &mut std::str::Chars<'_>) {
    while let Some(c) = chars.next() {
        match c {
            '"' => return,
            '\\' => drop(chars.next()),
            _ => {}
        }
    }
}

/// Its words.
pub(super) fn split(command: &str) -> Result<Vec<String>, String> {
    if is_for_cmd(command) {
        of_program(&without_carets(without_joint(command)))
    } else {
        of_shell(command)
    }
}

/// A command for cmd without the `&` that joins it to the next one; browsers put it at the end of each but the last of many.
fn without_joint(command: &str) -> &str {
    let Some(before) = command.trim_end().strip_suffix('&') else { return command };
    let carets = before.chars().rev().take_while(|last| *last == '^').count();
    if carets % 2 == 1 { command } else { before }
}

/// What cmd makes of its `^`: the next character stands for itself, and a line end goes away. Within quotes that are not escaped
/// themselves, a caret is one.
fn without_carets(command: &str) -> String {
    let mut out = String::new();
    let mut quoted = false;
    let mut chars = command.chars().peekable();
    while let Some(c) = chars.next() {
        // Quotes end with the line.
        quoted = (quoted != (c == '"')) && c != '\n';
        if c != '^' || quoted {
            out.push(c);
            continue;
        }
        if chars.peek() == Some(&'\r') {
            chars.next();
        }
        match chars.next() {
            // Of two, the second is a line end that stands for itself, as browsers write it.
            Some('\n') if chars.peek() == Some(&'\n') => {
                chars.next();
                out.push('\n');
            }
            Some('\n') | None => {}
            Some(other) => out.push(other),
        }
    }
    out
}

/// The words of a command line as Windows' programs take it apart: quotes, `\"`, and `""` within quotes.
fn of_program(line: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let mut slashes = 1;
                while chars.next_if_eq(&'\\').is_some() {
                    slashes += 1;
                }
                let is_escape = chars.peek() == Some(&'"');
                let kept = if is_escape { slashes / 2 } else { slashes };
                let word = word.get_or_insert_default();
                word.extend(std::iter::repeat_n('\\', kept));
                if is_escape && slashes % 2 == 1 {
                    chars.next();
                    word.push('"');
                }
            }
            '"' if quoted && chars.next_if_eq(&'"').is_some() => {
                word.get_or_insert_default().push('"');
            }
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            c if c.is_ascii_whitespace() && !quoted => words.extend(word.take()),
            // `%` is written twice in a batch file and once at a prompt; browsers write it once.
            c => word.get_or_insert_default().push(c),
        }
    }
    if quoted {
        return Err(OPEN.to_owned());
    }
    words.extend(word);
    Ok(words)
}

fn of_shell(command: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut chars = command.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                // The line goes on.
                Some('\n') | None => {}
                Some('\r') if chars.next_if_eq(&'\n').is_some() => {}
                Some(other) => word.get_or_insert_default().push(other),
            },
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        None => return Err(OPEN.to_owned()),
                        Some('\'') => break,
                        Some(other) => word.push(other),
                    }
                }
            }
            '"' => in_double_quotes(&mut chars, word.get_or_insert_default())?,
            '$' if chars.next_if_eq(&'\'').is_some() => {
                in_ansi_quotes(&mut chars, word.get_or_insert_default())?;
            }
            '$' if chars.peek().is_some_and(|next| *next == '"' || is_expanded(*next)) => {
                return Err(of_a_shell('$'));
            }
            // What ends a command; browsers put it at the end of each but the last of many.
            ';' | '&' if chars.clone().all(char::is_whitespace) => break,
            '|' | '>' | '<' | ';' | '`' => return Err(of_a_shell(c)),
            '#' if word.is_none() => while chars.next_if(|next| *next != '\n').is_some() {},
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Whether a shell puts something in place of a `$` with this behind it.
fn is_expanded(next: char) -> bool {
    next.is_ascii_alphanumeric() || "_{(?$!#@*-".contains(next)
}

fn of_a_shell(c: char) -> String {
    format!("it has a {c} that a shell would act on; put it in single quotes, or leave it out")
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn in_double_quotes(chars: &mut Chars<'_>, word: &mut String) -> Result<(), String> {
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok(()),
            '\\' => match chars.next() {
                Some('\n') => {}
                Some(other @ ('"' | '\\' | '$' | '`')) => word.push(other),
                Some(other) => word.extend(['\\', other]),
                None => break,
            },
            '`' => return Err(of_a_shell('`')),
            '$' if chars.peek().is_some_and(|next| is_expanded(*next)) => {
                return Err(of_a_shell('$'));
            }
            other => word.push(other),
        }
    }
    Err(OPEN.to_owned())
}

/// `$'…'`: with the escapes of C.
fn in_ansi_quotes(chars: &mut Chars<'_>, word: &mut String) -> Result<(), String> {
    // Bytes, since \xHH writes one of them.
    let mut bytes = Vec::new();
    loop {
        let c = chars.next().ok_or(OPEN)?;
        if c == '\'' {
            break;
        }
        if c != '\\' {
            bytes.extend(c.to_string().bytes());
            continue;
        }
        let escape = chars.next().ok_or(OPEN)?;
        let mut digits = |radix: u32, most: usize, first: Option<char>| {
            let mut text: String = first.into_iter().collect();
            while text.len() < most
                && let Some(digit) = chars.next_if(|next| next.is_digit(radix))
            {
                text.push(digit);
            }
            u32::from_str_radix(&text, radix).ok()
        };
        let simple = match escape {
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'a' => Some('\x07'),
            'b' => Some('\x08'),
            'e' | 'E' => Some('\x1b'),
            'f' => Some('\x0c'),
            'v' => Some('\x0b'),
            '\\' | '\'' | '"' | '?' => Some(escape),
            _ => None,
        };
        let wrong = || format!("\\{escape} in $'…' is no escape that is known");
        match (simple, escape) {
            (Some(simple), _) => bytes.extend(simple.to_string().bytes()),
            (None, 'x') => bytes.push(
                digits(16, 2, None).and_then(|code| u8::try_from(code).ok()).ok_or_else(wrong)?,
            ),
            (None, '0'..='7') => {
                let code = digits(8, 3, Some(escape)).ok_or_else(wrong)?;
                bytes.push(u8::try_from(code & 0xff).unwrap_or_default());
            }
            (None, 'u' | 'U') => {
                let most = if escape == 'u' { 4 } else { 8 };
                let mut code = digits(16, most, None).ok_or_else(wrong)?;
                // Browsers write a character beyond the first 65536 as two.
                if (0xd800..0xdc00).contains(&code)
                    && chars.next_if_eq(&'\\').is_some()
                    && chars.next_if_eq(&'u').is_some()
                {
                    let mut low: String = String::new();
                    while low.len() < 4
                        && let Some(digit) = chars.next_if(char::is_ascii_hexdigit)
                    {
                        low.push(digit);
                    }
                    let low =
                        u32::from_str_radix(&low, 16).ok().and_then(|low| low.checked_sub(0xdc00));
                    code = 0x10000 + ((code - 0xd800) << 10) + low.ok_or_else(wrong)?;
                }
                let c = char::from_u32(code).ok_or_else(wrong)?;
                bytes.extend(c.to_string().bytes());
            }
            _ => return Err(wrong()),
        }
    }
    let text = String::from_utf8(bytes);
    word.push_str(
        &text.map_err(|error| format!("what stands in $'…' is no text in UTF-8: {error}"))?,
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &str) -> Vec<String> {
        split(command).unwrap()
    }

    #[test]
    fn what_joins_commands_for_cmd_is_no_word() {
        for end in [" &", " &\r\n", "&", " & "] {
            assert_eq!(
                words(&format!("curl ^\"http://h/^\"{end}")),
                ["curl", "http://h/"],
                "{end:?}"
            );
        }
        assert_eq!(words("curl ^\"http://h/?a^&b^&^\""), ["curl", "http://h/?a&b&"]);
        assert_eq!(words("curl ^\"http://h/^\" -d ^&"), ["curl", "http://h/", "-d", "&"]);
        assert_eq!(words("curl ^\"http://h/^\" -d ^\"^^^\"&"), ["curl", "http://h/", "-d", "^"]);
        assert!(is_whole("curl ^\"http://h/^\" &\r\n"));
        assert!(!is_whole("curl ^\"http://h/^\" -d ^\"a &\r\n"));
    }

    #[test]
    fn a_caret_of_a_shell_is_not_one_of_cmd() {
        for (command, last) in [
            (r#"curl "http://h/" -H "X-Re: foo^""#, "X-Re: foo^"),
            (r#"curl "http://h/" -H "X: \"^""#, "X: \"^"),
            (r#"curl http://h/ -d '{"q":"^"}'"#, r#"{"q":"^"}"#),
            (r#"curl http://h/ -d $'a\'"^"'"#, r#"a'"^""#),
            ("curl http://h/ -d 'a ^\nb'", "a ^\nb"),
            ("curl http://h/ -d \"a ^\nb\"", "a ^\nb"),
            ("curl http://h/ -d a^", "a^"),
            ("curl \"http://h/\" ^\n -d \"1^^2\"", "1^^2"),
            ("curl ^\"http://h/^\" ^\n -d ^\"1^^2^\"", "1^2"),
        ] {
            assert_eq!(words(command).pop().as_deref(), Some(last), "{command}");
            assert!(is_whole(command), "{command}");
        }
        for command in [
            "curl ^\"http://h/^\" -d ^\"it's^\"",
            "curl \"http://h/\" -d ^\"it's^\"",
            "curl \"http://h/\" ^\n -d \"it's\"",
            "curl http://h/ ^\r\n -d \"it's\"",
        ] {
            assert_eq!(words(command).pop().as_deref(), Some("it's"), "{command}");
        }
        assert!(!is_whole("curl \"http://h/\" ^\n"));
        assert!(!is_whole("curl \"http://h/\" ^"));
    }
}
