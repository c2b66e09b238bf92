//! A command of curl that is a template of requests.

use crate::exit::Trouble;
use anyhow::Context as _;
use gaits::http::{CurlContext, CurlTemplate, is_whole, template_of_curl};
use std::path::Path;

/// The command in the file at `path`; `-` is standard input.
pub(super) fn template(path: &Path, context: CurlContext) -> Result<CurlTemplate, Trouble> {
    let (name, text) = match path.to_str() {
        Some("-") => ("standard input", std::io::read_to_string(std::io::stdin())),
        name => (name.unwrap_or("the file of --from-curl"), std::fs::read_to_string(path)),
    };
    let text = text.with_context(|| format!("can't read {name}")).map_err(Trouble::Wrong)?;
    let (line, command) = only_command(&text)
        .map_err(|(line, why)| Trouble::wrong(format!("{name}:{line}: {why}")))?;
    template_of_curl(&command, context)
        .map_err(|why| Trouble::wrong(format!("{name}:{line}: {why}")))
}

/// The only command in a text, and the line in which it begins.
fn only_command(text: &str) -> Result<(usize, String), (usize, &'static str)> {
    let mut found: Option<(usize, String)> = None;
    let mut is_open = false;
    for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let is_empty = line.trim().is_empty() || line.trim_start().starts_with('#');
        match &mut found {
            Some((_, command)) if is_open => {
                command.push('\n');
                command.push_str(line);
                is_open = !is_whole(command);
            }
            _ if is_empty => {}
            None => {
                is_open = !is_whole(line);
                found = Some((at + 1, line.to_owned()));
            }
            Some(_) => {
                return Err((
                    at + 1,
                    "another command begins, and one is the template for a table",
                ));
            }
        }
    }
    found.ok_or((1, "there is no command of curl"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_command_is_found_wherever_it_ends() {
        let one = |text: &str| only_command(text).unwrap();
        assert_eq!(one("\n# of yesterday\ncurl a\n\n"), (3, "curl a".to_owned()));
        assert_eq!(one("curl a \\\n  -d b\n# c\n"), (1, "curl a \\\n  -d b".to_owned()));
        assert_eq!(one("curl a -d 'x\n\n# y'"), (1, "curl a -d 'x\n\n# y'".to_owned()));
        assert_eq!(only_command("curl a\ncurl b").unwrap_err().0, 2);
        assert_eq!(only_command("# curl a\n").unwrap_err().1, "there is no command of curl");
    }
}
