//! The command with a place for the item: `{}`.
//!
//! A shell never reads an item as a part of its script. The item is the script's first argument, and `{}` stands for
//! `"$1"`, so nothing in an item can be a command, whatever characters it has.

use super::program::Programs;
use serde::{Deserialize, Serialize};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// What stands for the item.
pub(super) const PLACE: &str = "{}";
/// The shell, as POSIX has it.
const SHELL: &str = "/bin/sh";

/// How a program gets its item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemAs {
    /// In place of `{}`, or as its last argument if there is no `{}`.
    #[default]
    Argument,
    /// On its standard input, with a line end if it is text. In place of `{}` as well.
    Stdin,
    /// Not at all: the program is run again and again.
    Nothing,
}

/// A command with a place for the item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    program: Program,
    arguments: Vec<Word>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Program {
    /// The same for all items: the name that it is called by, and the file that this means.
    Known(OsString, PathBuf),
    /// The item says which.
    ByItem(Word),
}

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Fixed(OsString),
    /// The item, with these texts before, between and behind.
    Around(Vec<String>),
}

impl Word {
    fn of(text: &str, item: ItemAs) -> Self {
        if item == ItemAs::Nothing || !text.contains(PLACE) {
            return Word::Fixed(text.into());
        }
        Word::Around(text.split(PLACE).map(str::to_owned).collect())
    }

    fn with(&self, item: &[u8]) -> OsString {
        match self {
            Word::Fixed(word) => word.clone(),
            Word::Around(texts) => {
                let texts: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
                OsString::from_vec(texts.join(item))
            }
        }
    }
}

impl Template {
    /// Of the words of a command, or with `shell` of a script.
    ///
    /// # Errors
    /// There is no such program, or no command at all.
    pub(super) fn of(
        command: &[String],
        shell: bool,
        item: ItemAs,
        programs: &Programs,
    ) -> Result<Self, String> {
        if shell {
            let mut script = command.join(" ");
            if script.trim().is_empty() {
                return Err("no script for the shell".to_owned());
            }
            if item != ItemAs::Nothing {
                script = in_shell(&script, item == ItemAs::Argument)?;
            }
            let mut arguments: Vec<_> =
                ["-c", &script, "sh"].map(|word| Word::Fixed(word.into())).into();
            if item != ItemAs::Nothing {
                arguments.push(Word::Around(vec![String::new(), String::new()]));
            }
            let program = Program::Known("sh".into(), programs.find(SHELL)?);
            return Ok(Self { program, arguments });
        }
        let (name, arguments) = match command {
            [name, arguments @ ..] => (name.as_str(), arguments),
            [] => ("", &[][..]),
        };
        let program = match Word::of(name, item) {
            Word::Fixed(_) => Program::Known(name.into(), programs.find(name)?),
            word @ Word::Around(_) => Program::ByItem(word),
        };
        let mut arguments: Vec<_> = arguments.iter().map(|word| Word::of(word, item)).collect();
        if item == ItemAs::Argument && !command.iter().any(|word| word.contains(PLACE)) {
            arguments.push(Word::Around(vec![String::new(), String::new()]));
        }
        Ok(Self { program, arguments })
    }

    /// The program to execute, the name it is called by if that is another one, and its arguments.
    pub(super) fn with<'a>(&'a self, item: &[u8]) -> Filled<'a> {
        let arguments = self.arguments.iter().map(|word| word.with(item)).collect();
        match &self.program {
            Program::Known(name, path) => Filled::Known { name, path, arguments },
            Program::ByItem(word) => Filled::ByItem { program: word.with(item), arguments },
        }
    }

    /// Whether an item becomes a part of an argument.
    pub(super) fn has_item(&self) -> bool {
        let is_around = |word: &Word| matches!(word, Word::Around(_));
        matches!(self.program, Program::ByItem(_)) || self.arguments.iter().any(is_around)
    }
}

/// A command with the item in its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Filled<'a> {
    /// The program is known.
    Known { name: &'a OsStr, path: &'a Path, arguments: Vec<OsString> },
    /// The program is still to be looked for.
    ByItem { program: OsString, arguments: Vec<OsString> },
}

impl Filled<'_> {
    /// What messages call the program.
    pub(super) fn program(&self) -> &OsStr {
        match self {
            Filled::Known { name, .. } => name,
            Filled::ByItem { program, .. } => OsStr::from_bytes(program.as_bytes()),
        }
    }
}

/// Where in a script a character stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Outside of quotes; in `$(…)` or backticks as well.
    Plain,
    Single,
    Double,
}

/// How a script names the item by itself: its first argument, or all of its arguments.
const OWN_NAMES: [&str; 6] = ["$1", "$@", "$*", "${1", "${@", "${*"];

/// The script with `"$1"` for each `{}`, as one word whatever quotes it stands in. If it is to be appended, a script that names
/// it nowhere gets it at the end.
///
/// # Errors
/// What is appended might be a command of its own, or `{}` stands behind something that can't be followed.
fn in_shell(script: &str, append: bool) -> Result<String, String> {
    let mut out = String::with_capacity(script.len() + 16);
    // What encloses the character at hand, the innermost last; with the character that ends it.
    let mut within = vec![(Place::Plain, '\0')];
    let mut has_item = false;
    let mut is_one_command = true;
    // The character before; a backslash if that one was escaped.
    let mut before = '\n';
    let mut rest = script;
    while let Some(next) = rest.chars().next() {
        let (place, end) = within.last().copied().unwrap_or((Place::Plain, '\0'));
        has_item |= place != Place::Single && OWN_NAMES.iter().any(|name| rest.starts_with(name));
        if let Some(after) = rest.strip_prefix(PLACE) {
            out.push_str(match place {
                Place::Plain => "\"$1\"",
                Place::Double => "${1}",
                Place::Single => "'\"$1\"'",
            });
            (has_item, before) = (true, '}');
            rest = after;
            continue;
        }
        if let Some(form) = unreadable(rest, (place, end), within.len() > 1, before) {
            if rest.contains(PLACE) {
                return Err(format!("behind {form} in a script, write \"$1\" in place of {{}}"));
            }
            has_item |= OWN_NAMES.iter().any(|name| rest.contains(name));
            is_one_command = false;
            out.push_str(rest);
            break;
        }
        let mut taken = next.len_utf8();
        match (place, next) {
            _ if next == end && within.len() > 1 => drop(within.pop()),
            (Place::Single, _) => {}
            (_, '\\') => taken += rest[1..].chars().next().map_or(0, char::len_utf8),
            (_, '`') => within.push((Place::Plain, '`')),
            (_, '$') if rest[1..].starts_with('(') => {
                within.push((Place::Plain, ')'));
                taken += 1;
            }
            (_, '$') if rest[1..].starts_with('{') && !rest[1..].starts_with(PLACE) => {
                within.push((place, '}'));
                taken += 1;
            }
            // A comment, whose quotes are none.
            (Place::Plain, '#') if begins_word(before) && end != '}' => {
                taken = rest.find(|c| c == '\n' || (c == '`' && end == c)).unwrap_or(rest.len());
                is_one_command = false;
            }
            (Place::Plain, ';' | '&' | '|' | '<' | '>' | ')') => is_one_command = false,
            (Place::Plain, '(') => {
                is_one_command = false;
                within.push((Place::Plain, ')'));
            }
            (Place::Plain, '\'') => within.push((Place::Single, '\'')),
            (Place::Plain, '"') => within.push((Place::Double, '"')),
            _ => {}
        }
        let (read, after) = rest.split_at(taken);
        if read == "\\\n" {
            // The shell takes both away, and what stands before them stands before the next line.
            out.push_str(read);
            rest = after;
            continue;
        }
        before = read.chars().last().filter(|_| next != '\\').unwrap_or(next);
        out.push_str(read);
        rest = after;
    }
    if has_item || !append {
        return Ok(out);
    }
    let command = script.trim();
    if !is_one_command || within.len() > 1 || !can_be_added_to(command) {
        return Err("put {} where the item goes in the script; it is added at the end of one plain command only, such as `wc -l`".to_owned());
    }
    Ok(format!("{command} \"$1\""))
}

/// What begins here and can't be followed: what looks like a quote or a bracket in it may be none.
fn unreadable(
    rest: &str,
    (place, end): (Place, char),
    is_inner: bool,
    before: char,
) -> Option<&'static str> {
    // In `"${a:-"b"}"` shells do not agree on what stands in quotes.
    if place == Place::Double && end == '}' && rest.starts_with('"') {
        return Some("quotes within \"${…}\"");
    }
    if place != Place::Plain {
        return None;
    }
    ["<<", "$'", "#", "case "].into_iter().find(|form| {
        rest.starts_with(form)
            && match *form {
                // A comment behind a command in brackets, and else a part of a word.
                "#" => matches!(before, ')' | '`'),
                // The bracket behind its pattern would close the outer one.
                "case " => is_inner && begins_word(before),
                _ => true,
            }
    })
}

/// Whether a word begins behind this character.
fn begins_word(before: char) -> bool {
    before.is_ascii_whitespace() || ";&|<>()`".contains(before)
}

/// Whether a word behind this line is an argument of its command, whatever the variables of the shell are. Behind `A=b`, `$A` or
/// `!` it would be the command itself.
fn can_be_added_to(command: &str) -> bool {
    let name = command.split_whitespace().next().unwrap_or_default();
    let is_name =
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "/._+-~".contains(c));
    is_name && !command.contains('\n') && !command.ends_with('\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn template(words: &[&str], shell: bool, item: ItemAs) -> Template {
        let words: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
        Template::of(&words, shell, item, &Programs::of(None, &[])).unwrap()
    }

    fn arguments(template: &Template, item: &str) -> Vec<String> {
        let (Filled::Known { arguments, .. } | Filled::ByItem { arguments, .. }) =
            template.with(item.as_bytes());
        arguments.into_iter().map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn the_item_stands_wherever_braces_are_and_else_at_the_end() {
        for (words, expected) in [
            (&["echo"][..], &["x y"][..]),
            (&["echo", "-n"], &["-n", "x y"]),
            (&["echo", "{}"], &["x y"]),
            (&["echo", "{}", "b"], &["x y", "b"]),
            (&["echo", "a{}b{}", "--to={}"], &["ax ybx y", "--to=x y"]),
            (&["echo", "{ }", "{a}"], &["{ }", "{a}", "x y"]),
            (&["{}", "a"], &["a"]),
        ] {
            let template = template(words, false, ItemAs::Argument);
            assert_eq!(arguments(&template, "x y"), expected, "{words:?}");
        }
        let as_stdin = template(&["echo", "-n"], false, ItemAs::Stdin);
        assert_eq!(arguments(&as_stdin, "x"), ["-n"]);
        let again = template(&["echo", "{}"], false, ItemAs::Nothing);
        assert_eq!(arguments(&again, "x"), ["{}"]);
    }

    #[test]
    fn a_program_is_called_by_its_name_and_found_once() {
        let known = template(&["sh", "-c", "true"], false, ItemAs::Argument);
        let filled = known.with(b"x");
        assert_eq!(filled.program(), "sh");
        let Filled::Known { path, .. } = filled else { panic!("{filled:?}") };
        assert!(path.is_absolute() && path.ends_with("sh"), "{path:?}");
        let by_item = template(&["{}/bin"], false, ItemAs::Argument);
        assert_eq!(by_item.with(b"x").program(), "x/bin");
    }

    /// What a shell makes of `script` with this item.
    fn shell(script: &str, item: &str) -> String {
        let template = template(&[script], true, ItemAs::Argument);
        let output = Command::new(SHELL).args(arguments(&template, item)).output().unwrap();
        assert!(output.stderr.is_empty(), "{script}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn in_a_shell_the_item_is_one_word_in_any_quotes_and_never_a_part_of_the_script() {
        let nasty = r#"a  b'c"d$(echo no)`echo no`;\ *"#;
        for (script, before, after) in [
            ("printf '%s|'", "", "|"),
            ("printf '%s|' {}", "", "|"),
            ("printf '%s|' x{}y", "x", "y|"),
            ("printf '%s|' \"x {} y\"", "x ", " y|"),
            ("printf '%s|' 'x {} y'", "x ", " y|"),
            ("printf '%s|' \"$(printf '%s' {})\"", "", "|"),
            ("printf '%s|' \"$(printf '%s' \"{}\")\"", "", "|"),
            ("printf '%s|' \"a\\\"{}\"", "a\"", "|"),
            ("(printf '%s|' {})", "", "|"),
            ("printf '%s|' \"${NOSUCH:-{}}\"", "", "|"),
            ("case a in a) printf '%s|' {};; esac", "", "|"),
            ("# it's a comment\nprintf '%s|' {}", "", "|"),
            ("(:)\n# it's a \"comment\n\tprintf '%s|' {};# it's", "", "|"),
            ("printf '%s|' \"$(# it's\nprintf %s {})\"", "", "|"),
            ("printf '%s|' \\\n# it's\nprintf '%s|' {}", "|", "|"),
            ("printf '%s|' a#'b {}'", "a#b ", "|"),
            ("printf '%s|' \\ #'b {}'", " #b ", "|"),
            ("printf '%s|' {}; cat <<E >/dev/null\nit's\nE", "", "|"),
            ("cat <<E\nit's $1|\nE", "it's ", "|\n"),
            ("for item in \"$@\"\ndo printf '%s|' \"$item\"; done", "", "|"),
            (" printf '%s|' '$1' \n", "$1|", "|"),
            ("printf '%s|' \"$1\" #{}", "", "|"),
        ] {
            assert_eq!(shell(script, nasty), format!("{before}{nasty}{after}"), "{script}");
        }
        assert_eq!(shell("printf '%s|' `printf %s {}`", "x"), "x|");
        assert_eq!(shell("printf '%s|' `printf %s {} # it's` {}", "x"), "x|x|");
    }

    #[test]
    fn an_item_that_might_become_a_command_or_a_mere_text_is_refused() {
        let wrong = |script: &str| {
            let script = [script.to_owned()];
            Template::of(&script, true, ItemAs::Argument, &Programs::of(None, &[])).unwrap_err()
        };
        for script in [
            "echo a; ",
            "echo a &&",
            "echo a |",
            "echo a &",
            "echo a\necho b",
            "A=b",
            "A='b c'",
            "$NOSUCH",
            "!",
            "2>/dev/null",
            "echo a # why",
            "#",
            "echo a >",
            "(echo a)",
            "echo 'a",
            "echo `",
            "echo $(",
            "echo a\\",
            "{ echo a; }",
            "\"$NOSUCH\"",
            "cat <<E\nE",
            "awk '{print $1}' | wc",
        ] {
            assert!(wrong(script).starts_with("put {} where"), "{script}");
        }
        for script in [
            "cat <<E\n{}\nE",
            "echo $'it\\'s' {}",
            "echo \"${x:-\"it's\"}\" {}",
            "echo \"$(case a in a) echo '{}';; esac)\"",
            "(:)#' {}",
        ] {
            assert!(wrong(script).contains("write \"$1\" in place of {}"), "{script}");
        }
        assert_eq!(wrong(" \n"), "no script for the shell");
    }
}
