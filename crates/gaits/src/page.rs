//! Pages for a browser, put together from what lies in files: races with the records of their runs, and results files.
//!
//! Limit: it draws nothing, and decides nothing that the comparison or the summary has not.

use crate::race::{Environment, SavedRace, SavedRaces, records_file};
use crate::stored::{StoredError, read, records};
use gaits_core::Record;
use gaits_engine::journal::{RunEntry, RunFile, write_aside};
use gaits_report::page::{DrawnRun, Page, TimelineBuilder, View};
use gaits_report::{Comparison, Entry, units};
use std::collections::HashMap;
use std::io;
use std::path::Path;

/// What a results file says, as a page.
///
/// # Errors
/// The file can't be read, or holds something else.
pub fn page_of_results(path: &Path) -> Result<Page, StoredError> {
    let mut timeline = TimelineBuilder::new(TimelineBuilder::MOST_ITEMS);
    let mut runs = RunsOfFile::default();
    let (summary, run_file) = read(path, |run_file, before, record| {
        if runs.begins_another(run_file, before, record) {
            timeline.begin_run();
        }
        timeline.add(record);
    })?;
    let timeline = timeline
        .finish()
        .map_err(|source| StoredError::Io { results: path.display().to_string(), source })?;
    let last = run_file.as_ref().and_then(|file| file.runs.last());
    Ok(Page {
        run_by: last.filter(|run| !run.arguments.is_empty()).map(command_of),
        measured: last.map(|run| run.started.clone()),
        gaits: last.map(|run| run.gaits.clone()),
        machine: last.map(machine_of).unwrap_or_default(),
        views: vec![View::Run {
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            summary: Box::new(summary),
            timeline,
        }],
        ..Page::default()
    })
}

/// What races say, as a page. Of each model, the run is drawn whose time is nearest to its median, from the records that
/// lie in `folder`: those of the first race in `1`, and so on. Where there are none, a notice says so.
#[must_use]
pub fn page_of_races(saved: &SavedRaces, folder: &Path) -> Page {
    let comparisons: Vec<Comparison> = saved.races.iter().map(SavedRace::comparison).collect();
    let entries = comparisons.iter().map(|comparison| comparison.entries().len()).sum::<usize>();
    let most_items = TimelineBuilder::MOST_ITEMS / entries.max(1);
    let mut notices = Vec::new();
    let mut views = Vec::new();
    for (number, (race, comparison)) in saved.races.iter().zip(comparisons).enumerate() {
        let folder = folder.join((number + 1).to_string());
        let mut runs = Vec::new();
        for entry in comparison.entries() {
            match drawn_run(entry, &folder, comparison.about().items, most_items) {
                Ok(run) => runs.extend(run),
                Err(notice) => notices.push(notice),
            }
        }
        let comparison = Box::new(comparison);
        views.push(View::Race { question: race.question.clone(), comparison, runs });
    }
    Page {
        command: saved.command.clone(),
        measured: Some(saved.saved.clone()),
        gaits: Some(saved.gaits.clone()),
        machine: machine_in_words(&saved.environment),
        notices,
        views,
        ..Page::default()
    }
}

/// Writes a page to a file, which then holds either all of it or what was there before.
///
/// # Errors
/// It can't be written.
pub fn write_page(page: &Page, path: &Path) -> io::Result<()> {
    let mut html = Vec::new();
    page.write(&mut html)?;
    write_aside(path, &html, false)
}

/// The run of a model that is nearest to its median, or why it can't be drawn; none if the model did not run.
fn drawn_run(
    entry: &Entry,
    folder: &Path,
    items: u64,
    most_items: usize,
) -> Result<Option<DrawnRun>, String> {
    let Some((round, wall_us)) = typical(&entry.walls_us) else { return Ok(None) };
    let model = &entry.contender.model;
    let path = records_file(folder, model, round);
    let mut timeline = TimelineBuilder::new(most_items);
    let mut seen = 0;
    let read = records(&path, |_, record| {
        seen += 1;
        timeline.add(record);
    });
    let not_drawn = |why: &str| format!("the items of {model} are not drawn: {why}");
    read.map_err(|error| not_drawn(&error.to_string()))?;
    if seen != items {
        let (seen, items) = (units::count(seen), units::count(items));
        return Err(not_drawn(&format!("there are {seen} records of {items} items")));
    }
    let timeline = timeline.finish().map_err(|error| not_drawn(&error.to_string()))?;
    Ok(Some(DrawnRun { model: model.clone(), round, wall_us, timeline }))
}

/// The round whose time is nearest to the median; of two equally near ones, the first.
fn typical(walls_us: &[(u32, u64)]) -> Option<(u32, u64)> {
    let mut sorted: Vec<u64> = walls_us.iter().map(|(_, us)| *us).collect();
    sorted.sort_unstable();
    let median = *sorted.get(sorted.len().saturating_sub(1) / 2)?;
    walls_us.iter().copied().min_by_key(|(round, us)| (us.abs_diff(median), *round))
}

/// To which of the runs of a results file its records belong. The times of each run begin at zero.
///
/// The run file says how many records there were before each run. Where failed items were done again their old records
/// are gone, so what a process wrote is never taken apart.
#[derive(Debug, Default)]
struct RunsOfFile {
    run: usize,
    run_of: HashMap<u32, usize>,
}

impl RunsOfFile {
    /// Whether `record`, with `before` others before it, is the first of a later run.
    fn begins_another(&mut self, file: Option<&RunFile>, before: u64, record: &Record) -> bool {
        let runs = file.map_or(&[][..], |file| &file.runs);
        let pid = record.worker.map(|worker| worker.pid);
        if pid.is_some_and(|pid| self.run_of.get(&pid) == Some(&self.run)) {
            return false;
        }
        let begun = |run: &RunEntry| run.done_before > 0 && run.done_before <= before;
        let run = runs.iter().rposition(begun).unwrap_or(0);
        if let Some(pid) = pid {
            self.run_of.insert(pid, run.max(self.run));
        }
        let is_later = run > self.run;
        self.run = self.run.max(run);
        is_later
    }
}

fn machine_of(run: &RunEntry) -> Vec<String> {
    vec![run.machine.os.clone(), cores(run.machine.cores)]
}

/// What is known of the machine, without its name, which is nobody's affair that a page is shown to.
fn machine_in_words(environment: &Environment) -> Vec<String> {
    let Environment { os, cpu, cores: number, memory, .. } = environment;
    let memory = if *memory > 0 { units::bytes(*memory) } else { String::new() };
    let all = [cpu.clone(), cores(*number), memory, os.clone()];
    all.into_iter().filter(|text| !text.is_empty()).collect()
}

fn cores(number: u64) -> String {
    format!("{} {}", units::count(number), if number == 1 { "core" } else { "cores" })
}

/// The command of a run as one types it.
fn command_of(run: &RunEntry) -> String {
    let words = run.arguments.iter().map(|word| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-*".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    format!("gaits {}", words.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_round_nearest_to_the_median_is_drawn() {
        assert_eq!(typical(&[]), None);
        assert_eq!(typical(&[(1, 90), (2, 10), (3, 50)]), Some((3, 50)));
        assert_eq!(typical(&[(1, 90), (2, 40), (3, 50), (4, 10)]), Some((2, 40)));
        assert_eq!(typical(&[(3, 7), (1, 7)]), Some((1, 7)));
    }
}
