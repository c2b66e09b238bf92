//! Reads what `strace -f -y` has written: which calls were made, with which arguments, and when each began and ended.
//!
//! Limit: it knows nothing of what the calls do.

use std::collections::HashMap;

/// One call of the operating system that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) args: Vec<Arg>,
    /// What it gave back.
    pub(super) result: u64,
    /// The lines of the log in which it began and ended.
    pub(super) began: usize,
    pub(super) ended: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Arg {
    /// The bytes of a string.
    Bytes(Vec<u8>),
    /// A file descriptor, by the path of its file.
    File(String),
    /// Anything else, as it stands there.
    Other(String),
}

/// The calls that succeeded, in the order in which they ended.
pub(super) fn calls(log: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    // What each thread is in the middle of.
    let mut unfinished: HashMap<&str, (String, usize)> = HashMap::new();
    for (number, line) in log.lines().enumerate() {
        let (thread, line) = line.split_once(' ').unwrap_or_else(|| panic!("{line}"));
        let line = line.trim_start();
        if line.starts_with("+++") || line.starts_with("---") {
            continue;
        }
        if let Some(begun) = line.strip_suffix(" <unfinished ...>") {
            unfinished.insert(thread, (begun.to_owned(), number));
            continue;
        }
        let (whole, began) =
            match line.strip_prefix("<... ").and_then(|l| l.split_once(" resumed>")) {
                None => (line.to_owned(), number),
                Some((_, rest)) => {
                    let (first, began) =
                        unfinished.remove(thread).unwrap_or_else(|| panic!("{line}"));
                    (first + rest, began)
                }
            };
        calls.extend(call(&whole, began, number));
    }
    calls
}

/// A call; none if it failed, or if its thread was killed in it.
fn call(line: &str, began: usize, ended: usize) -> Option<Call> {
    let (name, rest) = line.split_once('(').unwrap_or_else(|| panic!("{line}"));
    let (args, rest) = arguments(rest);
    let result = rest.trim_start().strip_prefix("= ").unwrap_or_else(|| panic!("{line}"));
    let digits = result.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    let result = digits.parse().ok()?;
    Some(Call { name: name.to_owned(), args, result, began, ended })
}

/// The arguments up to the closing bracket, and what comes behind it.
fn arguments(text: &str) -> (Vec<Arg>, &str) {
    let mut args = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        if let Some(rest) = rest.strip_prefix(')') {
            return (args, rest);
        }
        let arg;
        (arg, rest) = if let Some(rest) = rest.strip_prefix('"') {
            let (bytes, rest) = string(rest);
            (Arg::Bytes(bytes), rest)
        } else {
            other(rest)
        };
        args.push(arg);
    }
}

/// The bytes of a string up to its closing quote, and what comes behind it.
fn string(text: &str) -> (Vec<u8>, &str) {
    let mut bytes = Vec::new();
    let mut at = text.as_bytes();
    loop {
        match at {
            [b'"', rest @ ..] => {
                assert!(!rest.starts_with(b"..."), "strace has shortened a string");
                return (bytes, &text[text.len() - rest.len()..]);
            }
            [b'\\', digit @ b'0'..=b'7', ..] => {
                let _ = digit;
                let digits =
                    at[1..].iter().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
                let octal = std::str::from_utf8(&at[1..=digits]).unwrap();
                bytes.push(u8::from_str_radix(octal, 8).unwrap());
                at = &at[1 + digits..];
            }
            [b'\\', escaped, rest @ ..] => {
                bytes.push(match escaped {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'v' => 0x0b,
                    b'f' => 0x0c,
                    plain => *plain,
                });
                at = rest;
            }
            [byte, rest @ ..] => {
                bytes.push(*byte);
                at = rest;
            }
            [] => panic!("a string without an end: {text}"),
        }
    }
}

/// A number, a flag, a structure or a file descriptor, and what comes behind it.
fn other(text: &str) -> (Arg, &str) {
    let mut depth = 0_u32;
    let mut rest = text;
    let end = loop {
        let at = text.len() - rest.len();
        let mut chars = rest.chars();
        match chars.next() {
            Some('"') => {
                rest = string(chars.as_str()).1;
                continue;
            }
            Some('(' | '[' | '{' | '<') => depth += 1,
            Some(')' | ',') if depth == 0 => break at,
            Some(')' | ']' | '}' | '>') => depth -= 1,
            Some(_) => {}
            None => panic!("an argument without an end: {text}"),
        }
        rest = chars.as_str();
    };
    let (arg, rest) = text.split_at(end);
    let path = arg.strip_suffix('>').and_then(|arg| arg.split_once('<'));
    let arg =
        path.map_or_else(|| Arg::Other(arg.to_owned()), |(_, path)| Arg::File(path.to_owned()));
    (arg, rest)
}

#[test]
fn calls_are_read_whole_and_in_the_order_of_their_ends() {
    let log = r#"7  openat(AT_FDCWD</a>, "b", O_RDWR|O_CREAT, 0666) = 5</a/b>
7  write(5</a/b>, "x\0012\"\n\377,)", 8 <unfinished ...>
8  unlink("/a/c") = -1 ENOENT (No such file or directory)
8  fsync(5</a/b>)     = 0
8  --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---
7  <... write resumed>)             = 8
8  writev(6<pipe:[3]>, [{iov_base="]\"(", iov_len=3}], 1) = 3
7  ftruncate(5</a/b>, 3) = ?
7  +++ killed by SIGKILL +++
"#;
    let calls = calls(log);
    let short: Vec<_> =
        calls.iter().map(|call| (&*call.name, call.result, call.began, call.ended)).collect();
    assert_eq!(
        short,
        [("openat", 5, 0, 0), ("fsync", 0, 3, 3), ("write", 8, 1, 5), ("writev", 3, 6, 6)]
    );
    let text = |text: &str| Arg::Other(text.to_owned());
    let file = |path: &str| Arg::File(path.to_owned());
    let flags = text("O_RDWR|O_CREAT");
    assert_eq!(calls[0].args, [file("/a"), Arg::Bytes(b"b".into()), flags, text("0666")]);
    assert_eq!(calls[2].args[..2], [file("/a/b"), Arg::Bytes(b"x\x012\"\n\xff,)".into())]);
}
