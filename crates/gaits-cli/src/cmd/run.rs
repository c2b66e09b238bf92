//! `gaits run` and `gaits fetch`: work under one model, records out.

use super::{dropped, preview, table};
use crate::args::{self, Bodies, Job, RunArgs, WorkArgs};
use crate::exit::{Exit, Trouble};
use crate::program::program;
use crate::progress::{Bar, Speaker};
use crate::rerun::Rerun;
use crate::talk::{Colors, Notices};
use crate::{interrupt, talk};
use anyhow::{Context as _, anyhow};
use gaits::{
    Before, BodyFolder, BodyFolderError, Control, Destination, Existing, GoOn, Input, JournalError,
    Notice, OutputError, Plan, Run, RunEnd, RunError, RunObserver, RunOutcome, Summary, Unfollowed,
    Value, WorkSpec,
};
use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where the bodies went, and how to keep them.
const NOT_KEPT: &str = "gaits: the bodies were hashed and not kept; --body inline puts them into the records, \
     --bodies DIR into files";

/// Whether the work has a setting.
fn has(work: &WorkSpec, setting: &str) -> bool {
    let Value::Object(settings) = &work.settings else { return false };
    settings.iter().any(|(name, value)| &**name == setting && *value != Value::Null)
}

/// Refuses what needs items to keep their numbers, where they are numbered anew.
fn check_key(args: &RunArgs, work: &WorkSpec) -> Result<(), Trouble> {
    if !args.knows_by_key() {
        return Ok(());
    }
    for (setting, why) in [
        ("next", "pages are known by the number of their first one: leave out --key or --next"),
        ("idempotency_key", "--idempotency-key must not change: use one of them"),
    ] {
        if has(work, setting) {
            return Err(Trouble::wrong(format!("--key numbers items anew, and {why}")));
        }
    }
    Ok(())
}

/// Runs the work.
pub(super) fn run(work: WorkArgs, args: &RunArgs, colors: Colors) -> Result<Exit, Trouble> {
    args.check()?;
    if let Some(shows) = work.shows() {
        return preview::show(&work.resolve()?, shows, args.quiet);
    }
    let given = args.table(work.extracted().as_deref())?;
    let Job { work, session, input, model, retries, bodies, pages, notices, .. } =
        if args.retry_non_idempotent { work.resolve_repeating()? } else { work.resolve()? };
    let is_followed = has(&work, "next");
    check_key(args, &work)?;
    let model = args.model(model)?;
    let is_limited = matches!(&input, Input::Part { selection, .. } if selection.limit.is_some());
    let notices = notices.into_iter().chain(args.uneven(model));
    let plan = Plan { work, model, session, limits: args.limits(model, retries)? };
    let program = program();
    let mut run = Run::over_known_by(&args.known_by(), &program, &plan, &input)?;
    run = run.arguments(args.arguments.clone()).most_followers(pages.most - 1);
    let destination = args.destination();
    let starts_over = args.existing() == Existing::StartOver;
    table::check(given.as_ref(), &destination, &args.existing(), &input)?;
    let output = table::open(given.as_ref(), &destination, args.existing(), &input);
    let output = output.map_err(refused)?;
    match body_folder(&bodies, &destination) {
        Ok(Some(folder)) => run = run.bodies(folder),
        Ok(None) => {}
        Err(error) => {
            output.discard();
            return Err(Trouble::Wrong(error.into()));
        }
    }
    let control = Control::new();
    let to_stdout = destination == Destination::Stdout;
    let before = output.before().done;
    // Nobody knows how many pages come.
    let counted = (!is_followed).then_some(&input);
    let bar = Bar::start(control.progress(), counted, args.quiet, to_stdout, before);
    let (to_stop, speaker) = (control.clone(), bar.speaker());
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&stop);
    let interrupted = move || {
        stopping.store(true, Ordering::Relaxed);
        to_stop.interrupt();
    };
    interrupt::listen(interrupted, move |stop| speaker.speak(stop))
        .context("can't listen for signals")
        .map_err(Trouble::CouldNotGoOn)?;
    let mut watch = Watch {
        speaker: bar.speaker(),
        notices: Notices::default(),
        quiet: args.quiet,
        colors,
        again: goes_on(&destination).then(|| Again {
            reads_stdin: input.reads_stdin(),
            retries_failed: matches!(
                args.existing(),
                Existing::GoOn(GoOn { retry_failed: true, .. })
            ),
            starts_over,
        }),
    };
    for notice in notices.filter(|_| !args.quiet) {
        bar.speaker().speak(|| talk::line(&format!("gaits: {notice}")));
    }
    let result = run.output(output).run(&mut watch, &control);
    let total = bar.finish();
    watch.notices.rest().iter().for_each(|line| talk::line(line));
    let mut outcome = result.map_err(|error| match error {
        RunError::Journal(error @ (JournalError::Item { .. } | JournalError::Gone { .. })) => {
            other_input(error, is_limited, is_followed)
        }
        RunError::Journal(error) => advised(error),
        RunError::OutputClosed { .. } if to_stdout => Trouble::ReaderGone,
        other => other.into(),
    })?;
    let is_cut = outcome.unfollowed.cut > 0 && !pages.is_given || outcome.unfollowed.stuck > 0;
    if !args.quiet {
        for line in unfollowed(&outcome.unfollowed, pages.most, starts_over) {
            talk::line(&line);
        }
    }
    let is_done = outcome.nothing_to_do();
    // Where nothing is done, what failed and was to be done again still has its record.
    let still_failed = if is_done { outcome.before.again } else { 0 };
    let exit = match exit_of(&outcome.end, outcome.before.failed + still_failed) {
        Exit::AllOk | Exit::SomeFailed if is_cut => Exit::StoppedEarly,
        exit => exit,
    };
    if is_done {
        if !args.quiet {
            talk::line(&nothing_to_do(&outcome.before));
        }
        return table::make(given, &destination, exit, &stop, args.quiet);
    }
    if let Some(line) = dropped::told(&input).filter(|_| !args.quiet) {
        talk::line(&format!("gaits: {line}"));
    }
    outcome.summary.total_items = outcome.summary.total_items.or(total);
    watch.summary(&outcome);
    if matches!(bodies, Bodies::NotKept) && !args.quiet && io::stderr().is_terminal() {
        talk::line(NOT_KEPT);
    }
    table::make(given, &destination, exit, &stop, args.quiet)
}

/// The folder that bodies are written to, if they are.
fn body_folder(
    bodies: &Bodies,
    destination: &Destination,
) -> Result<Option<BodyFolder>, BodyFolderError> {
    let Bodies::Files { folder, names } = bodies else { return Ok(None) };
    let results = match destination {
        Destination::File(path) => Some(&**path),
        Destination::Stdout => None,
    };
    BodyFolder::open(folder, *names, results).map(Some)
}

/// What is to be told of pages that answers have named and that were not fetched by a run that began anew, if it
/// `starts_over`.
fn unfollowed(unfollowed: &Unfollowed, most: u64, starts_over: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(first) = &unfollowed.first_loop {
        let others = match unfollowed.loops {
            1 => String::new(),
            2 => ", and so did 1 other".to_owned(),
            loops => format!(", and so did {} others", loops - 1),
        };
        lines.push(format!(
            "gaits: {first} named a page that was fetched before as its next one, so its listing ended there{others}"
        ));
    }
    if let Some(first) = &unfollowed.first_stuck {
        let others = match unfollowed.stuck {
            1 => String::new(),
            stuck => format!("; so did {stuck} listings in all"),
        };
        lines.push(format!(
            "gaits: {first} got the same answer as the two pages before it, so its listing was not followed further, although it may go \
             on{others}"
        ));
    }
    if unfollowed.nothing_named {
        lines.push(
            "gaits: no answer named a next page; if there are more, look at --next again"
                .to_owned(),
        );
    }
    if unfollowed.cut > 0 {
        let listings = if unfollowed.cut == 1 { "listing goes" } else { "listings go" };
        let and = if starts_over { ", and without --fresh," } else { "" };
        lines.push(format!(
            "gaits: {} {listings} on beyond the {most} pages that are followed; the same command with a larger --max-pages{and} fetches \
             the rest",
            unfollowed.cut
        ));
    }
    lines
}

/// How a run has ended, and how many items of earlier ones that it did not do again have failed.
fn exit_of(end: &RunEnd, failed_before: u64) -> Exit {
    match end {
        RunEnd { interrupted: true, .. } => Exit::Interrupted,
        RunEnd { stopped: Some(_), .. } => Exit::StoppedEarly,
        // What earlier runs have failed at is still to be done.
        RunEnd { failed: 0, .. } if failed_before == 0 => Exit::AllOk,
        _ => Exit::SomeFailed,
    }
}

/// Whether the same command goes on with what it finds at `destination`: records that went elsewhere are not there any more.
fn goes_on(destination: &Destination) -> bool {
    matches!(destination, Destination::File(path) if path.is_file())
}

/// Does those again as well that may have been processed.
const DOES_UNSURE: &str = "--retry-failed --retry-non-idempotent";

fn nothing_to_do(before: &Before) -> String {
    let done = before.done + before.again;
    let items = if done == 1 { "item" } else { "items" };
    let date = before.last_time.as_deref().and_then(|time| time.get(..10));
    let on = date.map(|date| format!(" on {date}")).unwrap_or_default();
    let Before { failed, unsure, .. } = *before;
    let not_asked = match before.again {
        0 => String::new(),
        1 => ", 1 failed and was not asked for now".to_owned(),
        again => format!(", {again} failed and were not asked for now"),
    };
    let again = match (failed, unsure) {
        (0, _) => String::new(),
        (_, 0) => format!(", {failed} failed; --retry-failed does these again"),
        _ if failed == unsure => {
            format!(", {failed} failed and may have been processed; {DOES_UNSURE} does these again")
        }
        _ => format!(
            ", {failed} failed; --retry-failed does these again, but for {unsure} that may have been processed: \
             --retry-non-idempotent does these, too"
        ),
    };
    format!(
        "gaits: nothing to do: {done} {items} finished{on}{not_asked}{again}; --fresh starts over"
    )
}

/// Adds the option that helps to what is wrong with the output.
fn refused(error: OutputError) -> Trouble {
    let advice = match &error {
        OutputError::HasRecords { .. } => "give another file, or --fresh to start it over",
        OutputError::StdoutClosed => "give a file for the records with -o FILE",
        OutputError::Journal(_) => {
            return match error {
                OutputError::Journal(error) => advised(error),
                other => Trouble::Wrong(other.into()),
            };
        }
        _ => return Trouble::Wrong(error.into()),
    };
    Trouble::Wrong(anyhow!("{error}; {advice}"))
}

/// Adds the option that helps to why a run can't go on with a results file.
fn advised(error: JournalError) -> Trouble {
    let advice = match &error {
        JournalError::NotResults { .. } => "give another file, or --fresh to start it over",
        JournalError::Line { .. } => {
            "take the line out and its item is done again, or give --fresh to start over"
        }
        JournalError::RunFile { .. } => {
            "remove it to go on without it, or give --fresh to start over"
        }
        JournalError::Started { .. } => {
            "remove it if nothing bad comes of doing an item twice, or give --fresh to start over"
        }
        JournalError::StartingOver { .. } => "give --fresh again",
        JournalError::Plan { .. } => {
            "ask for the same as before, or give another file, or --fresh to start over"
        }
        // It is the disk that says no, and not what was asked for that is wrong.
        JournalError::Write { .. } => return Trouble::CouldNotGoOn(error.into()),
        _ => return Trouble::Wrong(error.into()),
    };
    let error = anyhow::Error::from(error);
    Trouble::Wrong(anyhow!("{error:#}; {advice}"))
}

/// The same where the input is another one: that of a run which is limited, or follows pages, if it does.
fn other_input(error: JournalError, is_limited: bool, is_followed: bool) -> Trouble {
    let is_gone = matches!(error, JournalError::Gone { .. });
    let limit = if is_gone && is_limited { " and no lower --limit than before" } else { "" };
    let key =
        if is_followed { "" } else { ", or --key url to know items again wherever they stand" };
    let error = anyhow::Error::from(error);
    Trouble::Wrong(anyhow!("{error:#}; give the same input{limit}{key}, or --fresh to start over"))
}

/// Tells the user what happens.
#[derive(Debug)]
struct Watch {
    speaker: Speaker,
    notices: Notices,
    quiet: bool,
    colors: Colors,
    /// What the same command does, if it goes on where this run ended.
    again: Option<Again>,
}

/// What the same command does when it goes on.
#[derive(Debug)]
struct Again {
    reads_stdin: bool,
    /// It does failed items again as well.
    retries_failed: bool,
    /// It does not go on, but starts over.
    starts_over: bool,
}

impl Watch {
    fn summary(&self, outcome: &RunOutcome) {
        if self.quiet {
            return;
        }
        talk::text(&outcome.summary.render(self.colors.style(&io::stderr())));
        let Before { done, failed, .. } = outcome.before;
        if done > 0 {
            let items = if done == 1 { "item was" } else { "items were" };
            let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
            talk::line(&format!("gaits: {done} {items} done before{failed}"));
        }
        if let Some(again) = &self.again {
            again.advice(outcome).iter().for_each(|line| talk::line(line));
        }
    }
}

impl Again {
    /// How to finish what a run has left undone, and how to have failed items done again.
    fn advice(&self, outcome: &RunOutcome) -> Vec<String> {
        let (end, mut lines) = (&outcome.end, Vec::new());
        let Summary { tally, total_items, .. } = &outcome.summary;
        let all_done = *total_items == Some(tally.items());
        let unsure = tally.unsure() + outcome.before.unsure;
        let has_failed = end.failed + outcome.before.failed > unsure;
        let does_both = has_failed && self.retries_failed;
        let is_left = (end.interrupted || end.stopped.is_some()) && !all_done;
        if is_left {
            let rerun = Rerun::of(std::env::args_os(), &args::parser());
            let input = if self.reads_stdin { ", given the same input" } else { "" };
            let hidden = if rerun.hides { " (*** stands for what may be secret)" } else { "" };
            let failed = if does_both { " and the failed items again" } else { "" };
            lines.push(format!("gaits: to do the rest{failed}{input}{hidden}: {}", rerun.command));
        }
        if has_failed && !(is_left && does_both) {
            let option = match (self.retries_failed, self.starts_over) {
                (true, _) => "",
                (false, false) => " with --retry-failed",
                (false, true) => " with --retry-failed in place of --fresh",
            };
            lines.push(format!("gaits: the same command{option} does the failed items again"));
        }
        if unsure > 0 {
            let items = if unsure == 1 { "1 item".to_owned() } else { format!("{unsure} items") };
            lines.push(format!(
                "gaits: {items} may have been processed; the same command with {DOES_UNSURE} does them again"
            ));
        }
        lines
    }
}

impl RunObserver for Watch {
    fn notice(&mut self, notice: Notice) {
        // What a worker says is passed on even when asked to be quiet: it is not ours to drop.
        if self.quiet && !matches!(notice, Notice::WorkerSaid { .. }) {
            return;
        }
        if let Some(line) = self.notices.say(notice) {
            self.speaker.speak(|| talk::line(&line));
        }
    }

    fn resumed(&mut self, before: &Before) {
        if !self.quiet {
            for notice in &before.notices {
                self.speaker.speak(|| talk::line(&format!("gaits: {notice}")));
            }
        }
    }

    fn abandoned(&mut self, outcome: &RunOutcome) {
        self.speaker.end();
        self.notices.rest().iter().for_each(|line| talk::line(line));
        self.summary(outcome);
        // A thread that computes can't be stopped otherwise; worker processes end with this one.
        std::process::exit(i32::from(Exit::Interrupted.number()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaits::{ErrorKind, ItemError, Stopped};

    #[test]
    fn the_exit_code_tells_how_the_run_ended() {
        let ok = RunEnd { ok: 3, ..RunEnd::default() };
        let failed = RunEnd { failed: 1, ..ok.clone() };
        let error = ItemError::new(ErrorKind::HttpStatus, "401 Unauthorized");
        let advised = Stopped::Advised { item: "http://x/".into(), error };
        let stopped = RunEnd { stopped: Some(advised), ..failed.clone() };
        let paused = Stopped::Paused { keys: 1, key: "http://x:80".into(), for_us: 7 };
        let paused = RunEnd { stopped: Some(paused), ..ok.clone() };
        let interrupted = RunEnd { interrupted: true, ..stopped.clone() };
        let ends = [ok, failed, stopped, paused, interrupted];
        assert_eq!(ends.map(|end| exit_of(&end, 0).number()), [0, 1, 4, 4, 130]);
    }
}
