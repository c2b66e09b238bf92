//! The report of one job.

use super::{Table, Target};
use crate::race::Row;
use std::fmt;

/// The report of one job.
#[derive(Debug)]
pub(crate) struct Section {
    /// The job's name on the command line.
    pub(crate) job: &'static str,
    /// What it is about, in a few words.
    pub(crate) title: String,
    /// Sentences before the tables: what is done and how it is counted.
    pub(crate) about: Vec<String>,
    /// The tables, each with a line that introduces it.
    pub(crate) tables: Vec<(String, Table)>,
    /// What was to be reached.
    pub(crate) targets: Vec<Target>,
    /// What went wrong or is missing.
    pub(crate) troubles: Vec<String>,
    /// The commands of all contenders.
    pub(crate) commands: Vec<String>,
    /// When, on what, how: added by the session.
    pub(crate) circumstances: Vec<String>,
}

impl Section {
    /// An empty section.
    pub(crate) fn new(job: &'static str, title: impl Into<String>) -> Self {
        Self {
            job,
            title: title.into(),
            about: Vec::new(),
            tables: Vec::new(),
            targets: Vec::new(),
            troubles: Vec::new(),
            commands: Vec::new(),
            circumstances: Vec::new(),
        }
    }

    /// Takes over what is to be told of all rows: their commands, and what went wrong.
    pub(crate) fn tell(&mut self, rows: &[Row]) {
        for row in rows {
            if let Some(trouble) = &row.trouble {
                self.troubles.push(format!("{}: {trouble}", row.name));
            }
            if !row.command.is_empty() {
                self.commands.push(row.command.clone());
            }
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "## {}: {}\n", self.job, self.title)?;
        for sentence in &self.about {
            writeln!(out, "{sentence}")?;
        }
        for (introduction, table) in &self.tables {
            if !table.is_empty() {
                writeln!(out, "\n{introduction}\n\n{table}")?;
            }
        }
        list(out, "Targets", self.targets.iter().map(Target::line))?;
        list(out, "Not measured", self.troubles.iter().cloned())?;
        list(out, "Circumstances", self.circumstances.iter().cloned())?;
        if !self.commands.is_empty() {
            writeln!(out, "Commands:\n\n```text\n{}\n```", self.commands.join("\n"))?;
        }
        Ok(())
    }
}

fn list(
    out: &mut fmt::Formatter<'_>,
    head: &str,
    lines: impl ExactSizeIterator<Item = String>,
) -> fmt::Result {
    if lines.len() == 0 {
        return Ok(());
    }
    writeln!(out, "{head}:\n")?;
    for line in lines {
        writeln!(out, "- {line}")?;
    }
    writeln!(out)
}
