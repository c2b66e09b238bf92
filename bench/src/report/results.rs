//! `RESULTS.md`: one section a job; a job that is run again replaces its section.

use super::Section;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

const PREFACE: &str = "# Results

Written by the harness (`--record`), one section a job, each replaced when its job is run again. What the jobs are and how
they are kept fair is in `README.md`. Figures are medians over the rounds. What the brackets hold is said under
\"Circumstances\"; where it is not, they hold the range.
";

/// Puts `section` into the file, in place of the one of the same job if there is one, and says where that is.
pub(crate) fn record(section: &Section) -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md");
    let before = if path.exists() {
        fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?
    } else {
        PREFACE.to_owned()
    };
    // Aside, since a full disk must not cost the results of before.
    let aside = path.with_extension("md.tmp");
    fs::write(&aside, replaced(&before, section.job, &section.to_string()))
        .and_then(|()| fs::rename(&aside, &path))
        .with_context(|| format!("failed to write {}", path.display()))?;
    Ok(path)
}

fn replaced(text: &str, job: &str, section: &str) -> String {
    let mut parts = vec![String::new()];
    for line in text.lines() {
        if line.starts_with("## ") {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    let section = format!("{}\n", section.trim_end());
    let head = format!("## {job}:");
    match parts.iter_mut().find(|part| part.starts_with(&head)) {
        Some(part) => *part = section,
        None => parts.push(section),
    }
    let parts: Vec<&str> = parts.iter().map(|part| part.trim_end()).collect();
    parts.join("\n\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_appended_once_and_then_replaced() {
        let once = replaced("# Results\n", "small", "## small: a\n\nold\n");
        let twice = replaced(&once, "large", "## large: b\n\nother\n");
        let again = replaced(&twice, "small", "## small: a\n\nnew\n\n");
        assert_eq!(again, "# Results\n\n## small: a\n\nnew\n\n## large: b\n\nother\n");
    }
}
