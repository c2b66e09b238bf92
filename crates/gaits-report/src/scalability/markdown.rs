//! A sweep in Markdown: the answer, a table for each model, and what explains it.

use super::Scalability;
use super::table::{rows, title};

pub(super) fn render(sweep: &Scalability) -> String {
    let mut parts =
        vec![format!("**{}**", escaped(sweep.sentence().english())), escaped(&title(sweep))];
    let several = sweep.models().len() > 1;
    for model in sweep.models() {
        if several {
            parts.push(format!("{}: {}", escaped(&model.name), escaped(model.sentence.english())));
        }
        let rows = rows(model, sweep.from_elsewhere);
        let columns = rows.first().map_or(0, Vec::len);
        let mut lines: Vec<String> =
            rows.iter().map(|row| format!("| {} |", row.join(" | "))).collect();
        lines.insert(1, format!("|{}", "---:|".repeat(columns)));
        parts.push(lines.join("\n"));
        let notes = sweep.remarks(model);
        let notes: Vec<String> =
            notes.map(|note| format!("- {}", escaped(note.english()))).collect();
        if !notes.is_empty() {
            parts.push(notes.join("\n"));
        }
    }
    parts.join("\n\n") + "\n"
}

/// Names of files and URLs may hold what Markdown takes for its own.
fn escaped(text: &str) -> String {
    let special = |c: char| matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#');
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}
