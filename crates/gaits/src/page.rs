//! Pages for a browser, put together from what lies in files: races with the records of their runs, and results files.
//!
//! Limit: it draws nothing, and decides nothing that the comparison or the summary has not.

use crate::race::{SavedRace, SavedRaces, TypicalRun, records_of_run, typical_run};
use crate::saved::Environment;
use crate::stored::{Stored, StoredError, read};
use crate::sweep::SavedSweep;
use gaits_engine::journal::{Aside, RunEntry};
use gaits_report::page::{DrawnRun, Page, Sweep as SweepView, TimelineBuilder, View};
use gaits_report::scalability::Scalability;
use gaits_report::{Comparison, Entry, Said, said, units};
use std::io::{self, BufWriter};
use std::path::Path;

/// What a results file says, as a page.
#[derive(Debug)]
#[non_exhaustive]
pub struct PageOfResults {
    /// The page.
    pub page: Page,
    /// What its records add up to.
    pub stored: Stored,
}

/// What a results file says, as a page. The file is read once.
///
/// # Errors
/// The file can't be read, or holds something else.
pub fn page_of_results(path: &Path) -> Result<PageOfResults, StoredError> {
    let mut timeline = TimelineBuilder::new(TimelineBuilder::MOST_ITEMS);
    let (stored, run_file) = read(path, |begins_another, record| {
        if begins_another {
            timeline.begin_run();
        }
        timeline.add(record);
    })?;
    let timeline = timeline
        .finish()
        .map_err(|source| StoredError::Io { results: path.display().to_string(), source })?;
    let last = run_file.as_ref().and_then(|file| file.runs.last());
    let page = Page {
        run_by: last.filter(|run| !run.arguments.is_empty()).map(command_of),
        measured: last.map(|run| run.started.clone()),
        gaits: last.map(|run| run.gaits.clone()),
        machine: last.map(machine_of).unwrap_or_default(),
        views: vec![View::Run {
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            summary: Box::new(stored.summary.clone()),
            timeline,
        }],
        ..Page::default()
    };
    Ok(PageOfResults { page, stored })
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

/// What a sweep says, as a page; with when and where it was measured, if it was.
///
/// # Errors
/// Its JSON is not what a page takes, which is a fault of this program.
pub fn page_of_sweep(
    sweep: &Scalability,
    saved: Option<&SavedSweep>,
    command: Option<String>,
) -> Result<Page, serde_json::Error> {
    let mut value = serde_json::to_value(sweep)?;
    for model in value["models"].as_array_mut().into_iter().flatten() {
        // Where nothing was done there is nothing to draw.
        if let Some(points) = model["points"].as_array_mut() {
            points.retain(|point| point["throughput"].is_number());
        }
    }
    let mut view = SweepView::from_json(value)?;
    // JSON has the English texts alone.
    view.sentence = sweep.sentence().clone();
    for (shown, model) in view.models.iter_mut().zip(sweep.models()) {
        shown.remarks = sweep.remarks(model).collect();
    }
    Ok(Page {
        command,
        measured: saved.map(|saved| saved.saved.clone()),
        gaits: saved.map(|saved| saved.gaits.clone()),
        machine: saved.map(|saved| machine_in_words(&saved.environment)).unwrap_or_default(),
        views: vec![View::Sweep(view)],
        ..Page::default()
    })
}

/// Writes a page to a file, which then holds either all of it or what was there before.
///
/// # Errors
/// It can't be written.
pub fn write_page(page: &Page, path: &Path) -> io::Result<()> {
    let mut out = BufWriter::new(Aside::create_unshared(path)?);
    page.write(&mut out)?;
    out.into_inner()?.finish(false)
}

/// The run of a model that is nearest to its median, or why it can't be drawn; none if the model did not run.
fn drawn_run(
    entry: &Entry,
    folder: &Path,
    items: u64,
    most_items: usize,
) -> Result<Option<DrawnRun>, Said> {
    let Some(TypicalRun { round, wall_us }) = typical_run(entry) else { return Ok(None) };
    let model = &entry.contender.model;
    if entry.contender.workers.is_none() {
        // Another program leaves no records.
        return Ok(None);
    }
    let mut timeline = TimelineBuilder::new(most_items);
    let not_drawn = |why: &Said| {
        Said::of(|language| {
            let why = why.within(language);
            said!(
                language,
                "the items of {model} are not drawn: {why}",
                "{model} 모델의 항목은 그리지 않았습니다. {why}",
            )
        })
    };
    records_of_run(folder, model, round, items, |record| timeline.add(record))
        .map_err(|why| not_drawn(&why))?;
    let timeline = timeline.finish().map_err(|error| not_drawn(&Said::same(error.to_string())))?;
    Ok(Some(DrawnRun { model: model.clone(), round, wall_us, timeline }))
}

fn machine_of(run: &RunEntry) -> Vec<Said> {
    vec![Said::same(run.machine.os.clone()), cores(run.machine.cores)]
}

/// What is known of the machine, without its name, which is nobody's affair that a page is shown to.
fn machine_in_words(environment: &Environment) -> Vec<Said> {
    let Environment { os, cpu, cores: number, memory, .. } = environment;
    let memory = if *memory > 0 { units::bytes(*memory) } else { String::new() };
    let all = [Said::same(cpu.clone()), cores(*number), Said::same(memory), Said::same(os.clone())];
    all.into_iter().filter(|text| !text.english().is_empty()).collect()
}

fn cores(number: u64) -> Said {
    let cores = if number == 1 { "core" } else { "cores" };
    let number = units::count(number);
    Said::of(|language| said!(language, "{number} {cores}", "코어 {number}개"))
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
