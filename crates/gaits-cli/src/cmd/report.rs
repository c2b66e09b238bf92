//! `gaits report`: looks again at what was stored.

use super::page;
use super::picture::{self, Wanted};
use super::stdout;
use crate::args::ReportArgs;
use crate::exit::{Exit, Trouble};
use crate::talk::{self, Colors};
use anyhow::Context as _;
use gaits::scalability::Scalability;
use gaits::{
    Comparison, Page, Picture, Said, SavedRace, SavedRaces, SavedSweep, Stored, Style, Summary,
    changes, page_of_races, page_of_results, page_of_sweep, picture_of_races, picture_of_results,
    stored_summary, units,
};
use gaits_engine::journal::beside;
use std::io;
use std::path::{Path, PathBuf};

/// Prints every table again.
pub(super) fn report(args: &ReportArgs, colors: Colors) -> Result<Exit, Trouble> {
    let style = colors.style(&io::stdout());
    let files = [("--html", args.html.as_ref()), ("--svg", args.svg.as_ref())];
    let others =
        [("--json", args.json), ("--markdown", args.markdown), ("--timeline", args.timeline)];
    let taken = stdout::is_taken(&files, &others)?;
    picture::check(&files)?;
    picture::spare(&files, read_of(&args.path))?;
    let wanted = Wanted { svg: args.svg.as_ref(), timeline: args.timeline };
    if wanted.any() && SavedSweep::is_in(&args.path) {
        return Err(Trouble::wrong(
            "--svg and --timeline are of races and runs; --html shows a sweep",
        ));
    }
    let (text, page) = match &args.against {
        Some(old) => (against(old, &args.path)?, None),
        None => shown_again(args, style)?,
    };
    let picture = wanted.any().then(|| drawn(&args.path)).transpose()?;
    // Nothing is written before all of it is known to be there.
    if let (Some(file), Some(page)) = (&args.html, page) {
        page::write(&page, file, false)?;
    }
    let pictures = picture.map(|picture| wanted.make(&picture, colors, false)).transpose()?;
    if !taken {
        stdout::print(&(text + &pictures.unwrap_or_default()))?;
    }
    Ok(Exit::AllOk)
}

/// The files of what was stored: no page and no picture may take the place of one.
fn read_of(path: &Path) -> Vec<PathBuf> {
    if path.is_dir() {
        return ["race.json", "sweep.json", "records"].map(|name| path.join(name)).into();
    }
    let beside = ["run", "done", "started"].map(|ending| beside(path, ending));
    [path.to_owned()].into_iter().chain(beside).collect()
}

/// What was stored as a text, and as a page if one is asked for.
fn shown_again(args: &ReportArgs, style: Style) -> Result<(String, Option<Page>), Trouble> {
    let wanted = args.html.is_some();
    if SavedSweep::is_in(&args.path) {
        let saved = SavedSweep::read(&args.path).map_err(|error| Trouble::Wrong(error.into()))?;
        let form = Form { json: args.json, markdown: args.markdown };
        let sweep = saved.scalability();
        let page = wanted.then(|| page_of_sweep(&sweep, Some(&saved), None)).transpose();
        let page = page.context("can't make a page of the sweep").map_err(Trouble::CouldNotGoOn)?;
        return Ok((shown_sweep(&sweep, form, style)?, page));
    }
    if args.path.is_dir() {
        let saved = read(&args.path)?;
        let page = wanted.then(|| page_of_races(&saved, &SavedRaces::records(&args.path)));
        return Ok((races(&saved, args, style)?, page));
    }
    if args.json || args.markdown {
        return Err(Trouble::wrong(
            "--json and --markdown are for saved races and sweeps; records are JSON as they are",
        ));
    }
    // Records may be many: they are read once.
    let (stored, page) = if wanted {
        let read = page_of_results(&args.path).map_err(|error| Trouble::Wrong(error.into()))?;
        (read.stored, Some(read.page))
    } else {
        (stored_summary(&args.path).map_err(|error| Trouble::Wrong(error.into()))?, None)
    };
    Ok((summary(&args.path, stored).render(style), page))
}

/// What was stored as a picture.
fn drawn(path: &Path) -> Result<Picture, Trouble> {
    if path.is_dir() {
        return Ok(picture_of_races(&read(path)?, &SavedRaces::records(path)));
    }
    let read = picture_of_results(path).map_err(|error| Trouble::Wrong(error.into()))?;
    if read.stored.summary.tally.items() == 0 {
        return Err(Trouble::wrong(format!("{}: nothing to draw", path.display())));
    }
    Ok(read.picture)
}

/// What a results file adds up to; says what of it is left out.
fn summary(path: &Path, stored: Stored) -> Summary {
    let shown = path.display();
    if stored.torn_bytes > 0 {
        let bytes = units::count(stored.torn_bytes);
        talk::line(&format!(
            "gaits: the last line of {shown} is broken off ({bytes} bytes) and is left out; the command that wrote it \
             goes on from there"
        ));
    }
    if stored.summary.tally.items() == 0 {
        talk::line(&format!("gaits: {shown} holds no records"));
    }
    stored.summary
}

fn read(folder: &Path) -> Result<SavedRaces, Trouble> {
    SavedRaces::read(folder).map_err(|error| Trouble::Wrong(error.into()))
}

fn races(saved: &SavedRaces, args: &ReportArgs, style: Style) -> Result<String, Trouble> {
    let comparisons: Vec<(Option<&str>, Comparison)> =
        saved.races.iter().map(|race| (asked(race), race.comparison())).collect();
    shown(&comparisons, Form { json: args.json, markdown: args.markdown }, style)
}

/// What a race was to answer, where there were several.
fn asked(race: &SavedRace) -> Option<&str> {
    race.question.as_ref().map(Said::english)
}

/// In which form comparisons are shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub(super) json: bool,
    pub(super) markdown: bool,
}

/// Comparisons as a text, each below what was asked.
pub(super) fn shown(
    comparisons: &[(Option<&str>, Comparison)],
    form: Form,
    style: Style,
) -> Result<String, Trouble> {
    if form.json {
        let all: Vec<_> = comparisons.iter().map(|(_, comparison)| comparison).collect();
        let json = match &all[..] {
            [only] => serde_json::to_string_pretty(only),
            all => serde_json::to_string_pretty(all),
        };
        let json = json.context("can't write JSON").map_err(Trouble::CouldNotGoOn)?;
        return Ok(json + "\n");
    }
    let width = talk::width(&io::stdout());
    let texts = comparisons.iter().map(|(question, comparison)| match (question, form.markdown) {
        (None, true) => comparison.markdown(),
        (Some(question), true) => format!("### {question}\n\n{}", comparison.markdown()),
        (None, false) => comparison.render(style, width),
        (Some(question), false) => {
            format!("{}\n{}", style.bold(question), comparison.render(style, width))
        }
    });
    Ok(texts.collect::<Vec<_>>().join("\n"))
}

/// A sweep as a text.
pub(super) fn shown_sweep(
    sweep: &Scalability,
    form: Form,
    style: Style,
) -> Result<String, Trouble> {
    if form.json {
        let json = serde_json::to_string_pretty(sweep);
        return Ok(json.context("can't write JSON").map_err(Trouble::CouldNotGoOn)? + "\n");
    }
    if form.markdown {
        return Ok(sweep.markdown());
    }
    Ok(sweep.render(style, talk::width(&io::stdout())))
}

fn items(number: u64) -> String {
    if number == 1 { "1 item".to_owned() } else { format!("{number} items") }
}

/// How the models of saved races have changed.
fn against(old: &Path, new: &Path) -> Result<String, Trouble> {
    let (then, now) = (read(old)?, read(new)?);
    let unlike = now.unlike(&then);
    if !unlike.is_empty() {
        return Ok(format!(
            "the two can't be held against each other: they differ in {}\n",
            talk::harmless(&unlike.join("; "))
        ));
    }
    let mut lines = Vec::new();
    for race in &now.races {
        let Some(before) = then.races.iter().find(|before| asked(before) == asked(race)) else {
            continue;
        };
        if before.about.work != race.about.work || before.about.items != race.about.items {
            lines.push(format!(
                "the work was another one: {}, {}, and now {}, {}",
                before.about.work,
                items(before.about.items),
                race.about.work,
                items(race.about.items)
            ));
            continue;
        }
        if before.about.whole_processes != race.about.whole_processes {
            lines.push(
                "other programs took part in one of the two races only: its times are those of whole processes, and the other's are not"
                    .to_owned(),
            );
            continue;
        }
        lines.extend(asked(race).map(str::to_owned));
        let changes = changes(&before.comparison(), &race.comparison());
        if changes.is_empty() {
            lines.push("no model took part in both".to_owned());
        }
        lines.extend(changes.iter().map(|change| change.in_words(race.about.settings.margin)));
    }
    lines.push(
        "The two were not run side by side: what else has changed on the machine counts as well."
            .to_owned(),
    );
    Ok(lines.join("\n") + "\n")
}
