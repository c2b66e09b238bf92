//! The report of one job.

use super::{Table, Target};
use crate::race::Row;
use serde::Serialize;
use std::fmt;

/// The report of one job.
#[derive(Debug, Serialize)]
pub(crate) struct Section {
    /// The job's name on the command line.
    pub(crate) job: &'static str,
    /// What it is about, in a few words.
    pub(crate) title: String,
    /// Sentences before the tables: what is done and how it is counted.
    pub(crate) about: Vec<String>,
    /// The tables, each with a line that introduces it.
    #[serde(skip)]
    pub(crate) tables: Vec<(String, Table)>,
    /// What was to be reached.
    pub(crate) targets: Vec<Target>,
    /// What went wrong or is missing.
    pub(crate) troubles: Vec<String>,
    /// The races: all of every round, for machines.
    pub(crate) races: Vec<Race>,
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
            races: Vec::new(),
            circumstances: Vec::new(),
        }
    }

    /// Takes over a race. Its commands are told, what went wrong, and how gaits did over the baseline if there is one.
    pub(crate) fn tell(&mut self, title: impl Into<String>, rows: Vec<Row>) {
        let title = title.into();
        self.tables.push((format!("{title}, round by round:"), super::over_baseline(&rows)));
        for row in &rows {
            if let Some(trouble) = &row.trouble {
                self.troubles.push(format!("{}: {trouble}", row.name));
            }
        }
        self.races.push(Race { title, rows });
    }

    fn commands(&self) -> Vec<&str> {
        let rows = self.races.iter().flat_map(|race| &race.rows);
        rows.map(|row| row.command.as_str()).filter(|command| !command.is_empty()).collect()
    }
}

/// One race of a job.
#[derive(Debug, Serialize)]
pub(crate) struct Race {
    title: String,
    rows: Vec<Row>,
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
        let commands = self.commands();
        if !commands.is_empty() {
            writeln!(out, "Commands:\n\n```text\n{}\n```", commands.join("\n"))?;
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
