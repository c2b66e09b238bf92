//! Small pictures, put together from what lies in files: races with the records of their typical runs, and results files.
//!
//! Limit: it draws nothing; see [`gaits_report::picture`].

use crate::race::{SavedRaces, TypicalRun, records_of_run, typical_run};
use crate::stored::{Stored, StoredError, read};
use gaits_engine::journal::Aside;
use gaits_report::Entry;
use gaits_report::picture::{Inside, LanesBuilder, Part, Picture, PicturedRun};
use std::io::{self, Write as _};
use std::path::Path;

/// A results file, read for a picture.
#[derive(Debug)]
#[non_exhaustive]
pub struct PicturedResults {
    /// What its records look like.
    pub picture: Picture,
    /// What they add up to.
    pub stored: Stored,
}

/// What a results file looks like. Its records are read once and none is kept.
///
/// # Errors
/// The file can't be read, or holds something else.
pub fn picture_of_results(path: &Path) -> Result<PicturedResults, StoredError> {
    let mut lanes = LanesBuilder::new();
    let (stored, _) = read(path, |begins_another, record| {
        if begins_another {
            lanes.begin_run();
        }
        lanes.add(record);
    })?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let summary = Box::new(stored.summary.clone());
    let parts = vec![Part::Results { name, summary, lanes: Box::new(lanes.finish()) }];
    Ok(PicturedResults { picture: Picture { parts, notices: Vec::new() }, stored })
}

/// What races look like. Of each model, the run is drawn whose time is nearest to its median, from the records that lie in
/// `folder`: those of the first race in `1`, and so on. A run whose records are not there or not whole says so.
#[must_use]
pub fn picture_of_races(saved: &SavedRaces, folder: &Path) -> Picture {
    let parts = saved.races.iter().enumerate().map(|(number, race)| {
        let comparison = Box::new(race.comparison());
        let folder = folder.join((number + 1).to_string());
        let items = comparison.about().items;
        let entries = comparison.entries().iter();
        let runs = entries.filter_map(|entry| pictured_run(entry, &folder, items)).collect();
        let question = race.question.as_ref().map(|question| question.english().to_owned());
        Part::Race { question, comparison, runs }
    });
    Picture { parts: parts.collect(), notices: Vec::new() }
}

/// None if the model did not run.
fn pictured_run(entry: &Entry, folder: &Path, items: u64) -> Option<PicturedRun> {
    let TypicalRun { round, wall_us } = typical_run(entry)?;
    let model = &entry.contender.model;
    let inside = if entry.contender.workers.is_none() {
        Inside::Program
    } else {
        let mut lanes = LanesBuilder::new();
        match records_of_run(folder, model, round, items, |record| lanes.add(record)) {
            Ok(()) => Inside::Items(Box::new(lanes.finish())),
            Err(why) => Inside::Unknown(why.english().to_owned()),
        }
    };
    Some(PicturedRun { model: model.clone(), round, wall_us, inside })
}

/// Writes a picture as SVG to a file, which then holds either all of it or what was there before.
///
/// # Errors
/// It can't be written.
pub fn write_svg(picture: &Picture, path: &Path) -> io::Result<()> {
    let mut out = Aside::create_unshared(path)?;
    out.write_all(picture.svg().as_bytes())?;
    out.finish(false)
}
