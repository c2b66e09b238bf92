//! What a sweep says, in sentences. Limit: it decides nothing; each sentence is made from what was decided, with the numbers beside it.

use super::fitted::{FittedLaw, Limit, LimitKind, NoFit, Peak};
use super::points::{Point, PointState};
use super::target::Kept;
use super::verdict::{Recommended, Trend, kind_of_limit};
use super::{ModelSweep, NoMore, SweepInfo};
use crate::stats::{Interval, MIN_ROUNDS};
use crate::units;

/// On fewer points, a law of three numbers is easily found where there is none.
const FEW_POINTS: usize = 6;
/// From so many times the time on, an item takes longer.
const LONGER: f64 = 1.3;
/// With twice the workers, so many times as many are in flight if they are at work at all.
const MORE_IN_FLIGHT: f64 = 1.2;

/// `24 workers`, or `n = 24` for points from elsewhere.
pub(super) fn workers(number: f64, from_elsewhere: bool) -> String {
    let shown = whole(number);
    match from_elsewhere {
        true => format!("n = {shown}"),
        false if shown == "1" => "1 worker".to_owned(),
        false => format!("{shown} workers"),
    }
}

/// A number of workers, without decimals where it has none.
pub(super) fn whole(number: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and below 1e15"
    )]
    if number.fract() == 0.0 && (0.0..1e15).contains(&number) {
        units::count(number as u64)
    } else {
        units::number(number)
    }
}

/// The answer of a model, in one line.
pub(super) fn answer(model: &ModelSweep, about: &SweepInfo, from_elsewhere: bool) -> String {
    let named = |number| workers(number, from_elsewhere);
    match (&model.recommended, about.targets.is_empty()) {
        (Some(recommended), true) => {
            let more = beyond(model, about, recommended, from_elsewhere);
            format!("{}{more}", named(recommended.workers))
        }
        (Some(recommended), false) => {
            let targets = targets(about);
            format!("{}{}", named(recommended.workers), kept(model, recommended, &targets))
        }
        (None, _) => nothing(model, about, from_elsewhere),
    }
}

fn targets(about: &SweepInfo) -> String {
    about.targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

/// What becomes of the targets with more workers than are recommended.
fn kept(model: &ModelSweep, recommended: &Recommended, targets: &str) -> String {
    match model.points.iter().find(|point| point.workers > recommended.workers) {
        None => format!(", the most that were tried, keep {targets}"),
        Some(next) => {
            let why = if next.is_usable() {
                let broken = next.targets.iter().filter(|(kept, _)| *kept != Kept::Yes);
                broken.map(|(_, measured)| measured.clone()).collect::<Vec<_>>().join(", ")
            } else {
                unusable(next).unwrap_or_default()
            };
            format!(" keep {targets}: with {} it is {why}", whole(next.workers))
                .replace("it is too few", "there are too few")
        }
    }
}

/// Why no more workers than are recommended.
fn beyond(
    model: &ModelSweep,
    about: &SweepInfo,
    recommended: &Recommended,
    from_elsewhere: bool,
) -> String {
    let refused = about.refused.as_ref().filter(|refused| refused.model == model.name);
    if let (Trend::Growing, Some(limit), Some((low, _))) =
        (model.trend, model.limit, recommended.range)
        && refused.is_none()
    {
        let few = if low < recommended.workers {
            format!(", or as few as {}", whole(low))
        } else {
            String::new()
        };
        let knee = units::number(limit.knee.estimate);
        return format!("{few}: from {knee} in flight on, throughput hardly grows");
    }
    if model.trend == Trend::Growing {
        let next = model.points.iter().find(|point| point.workers > recommended.workers);
        let why = match (refused, next.and_then(|point| Some((point.workers, unusable(point)?)))) {
            (Some(refused), _) => format!(
                "with {} the server refused (status {})",
                units::count(refused.workers),
                refused.status
            ),
            (None, Some((more, why))) => format!("with {}, {why}", whole(more)),
            (None, None) => no_more(model, about),
        };
        return format!(", the most that were tried: {why}");
    }
    let here = model.usable().find(|point| point.workers >= recommended.workers);
    let Some((here, last)) = here.zip(model.usable().next_back()) else { return String::new() };
    if from_elsewhere {
        return match model.trend {
            Trend::Falling => ": beyond that throughput gains little, and then falls".to_owned(),
            _ => ": beyond that throughput hardly grows".to_owned(),
        };
    }
    let falls =
        if model.trend == Trend::Falling { ", and throughput falls in the end" } else { "" };
    let usable: Vec<&Point> = model.usable().collect();
    let limit = kind_of_limit(&model.name, &usable, about);
    let grew = |of: fn(&Point) -> Option<f64>, times: f64| {
        of(here).zip(of(last)).is_some_and(|(here, last)| last >= times * here)
    };
    let more_in_flight = grew(|point| point.in_flight, MORE_IN_FLIGHT);
    let longer = grew(Point::response_s, LONGER);
    let cause = match limit {
        LimitKind::Cores => {
            let cores = about.job.cores.min(last.threads).max(1);
            let of = if last.threads < about.job.cores { "its" } else { "the" };
            let thing = if last.threads < about.job.cores { "thread" } else { "core" };
            if cores == 1 {
                format!("{of} one {thing} is busy, and more workers only share it{falls}")
            } else {
                format!("{of} {cores} {thing}s are busy, and more workers only share them{falls}")
            }
        }
        _ if !more_in_flight => "more are not kept in flight".to_owned(),
        LimitKind::SharedCores => format!(
            "the machine's {} cores, which the server needs as well, are busy{falls}",
            about.job.cores
        ),
        _ if about.job.is_http && longer => {
            format!("beyond that the server queues, and each waits longer{falls}")
        }
        _ if longer => format!("beyond that throughput hardly grows, and each takes longer{falls}"),
        _ => format!("beyond that throughput hardly grows{falls}"),
    };
    format!(": {cause}")
}

/// Why no more workers were tried where throughput still grew.
fn no_more(model: &ModelSweep, about: &SweepInfo) -> String {
    let swept = about.models.iter().find(|swept| swept.name == model.name);
    match swept.and_then(|swept| swept.no_more) {
        None => "throughput still grows there, so more may be better".to_owned(),
        Some(NoMore::CanHave) => "throughput still grows there, but it can have no more".to_owned(),
        Some(NoMore::Failures { workers, share }) => {
            format!("with {}, {} of the items failed", units::count(workers), percent(share))
        }
        Some(NoMore::Missing { workers, missing }) => format!(
            "with {}, {} of them could not be started",
            units::count(workers),
            units::count(missing)
        ),
        Some(NoMore::Time) => {
            "throughput still grows there; a larger --budget has time for more".to_owned()
        }
        Some(NoMore::Requests) => {
            "throughput still grows there; a larger --max-requests allows more".to_owned()
        }
    }
}

/// Why there is no answer.
fn nothing(model: &ModelSweep, about: &SweepInfo, from_elsewhere: bool) -> String {
    if let Some(refused) = about.refused.as_ref().filter(|refused| refused.model == model.name) {
        let below = model.points.iter().rev().find(|point| point.workers < refused.workers as f64);
        let fewer = below.map_or_else(
            || "it wants fewer requests".to_owned(),
            |below| format!("not what {} did", workers(below.workers, false)),
        );
        return format!(
            "no answer: the server refused (status {}) what {} asked for; {fewer}",
            refused.status,
            workers(refused.workers as f64, false)
        );
    }
    let swept = about.models.iter().find(|swept| swept.name == model.name);
    if let Some(NoMore::Failures { workers: number, share }) = swept.and_then(|swept| swept.no_more)
        && share >= 1.0
    {
        return format!("no answer: with {}, all items failed", workers(number as f64, false));
    }
    if !about.targets.is_empty()
        && let Some(first) = model.usable().next()
    {
        let measured: Vec<String> = first
            .targets
            .iter()
            .filter(|(kept, _)| *kept != Kept::Yes)
            .map(|(_, text)| text.clone())
            .collect();
        return format!(
            "no number of workers that was tried surely keeps {}: {} {} {}",
            targets(about),
            workers(first.workers, false),
            if first.workers > 1.0 { "have" } else { "has" },
            measured.join(", ")
        );
    }
    match (model.usable().count(), &model.points[..]) {
        (0, []) => "no answer: nothing was measured".to_owned(),
        (0, [first, ..]) => {
            let why = unusable(first).unwrap_or_else(|| "nothing was measured".to_owned());
            format!("no answer: with {}, {why}", workers(first.workers, from_elsewhere))
        }
        (1, _) => format!(
            "no answer: one point, {}, says nothing of more or fewer; it takes two or more",
            model
                .usable()
                .next()
                .map_or_else(String::new, |point| workers(point.workers, from_elsewhere))
        ),
        _ => "no answer: throughput is 0 in all points".to_owned(),
    }
}

/// Why a point does not count, after the words "with 24 workers,".
pub(super) fn unusable(point: &Point) -> Option<String> {
    Some(match point.state {
        PointState::Usable => return None,
        PointState::TooFewRounds => "fewer than two rounds were measured".to_owned(),
        PointState::Unsteady => "rounds differ too much to tell anything".to_owned(),
        PointState::Degraded { missing_workers } => {
            format!("{} of them could not be started", units::count(missing_workers))
        }
        PointState::AllFailed => "all items failed".to_owned(),
        PointState::Failing => format!("{} of the items failed", percent(point.errors())),
    })
}

/// The answer of all models together.
pub(super) fn overall(models: &[ModelSweep]) -> String {
    if let [only] = models {
        return only.sentence.clone();
    }
    // With the point that each recommends.
    let chosen = |model: &ModelSweep| {
        let number = model.recommended?.workers;
        let point = model.usable().find(|point| point.workers >= number)?;
        point.throughput.zip(point.range)
    };
    let mut answered: Vec<_> =
        models.iter().filter_map(|model| Some((model, chosen(model)?))).collect();
    answered.sort_by(|(_, (one, _)), (_, (other, _))| other.total_cmp(one));
    let Some(((first, (_, (low, _))), others)) = answered.split_first() else {
        let all = models.iter().map(|model| format!("{}: {}", model.name, model.sentence));
        let all = all.collect::<Vec<_>>().join("; ");
        return if all.is_empty() { "no answer: nothing was measured".to_owned() } else { all };
    };
    let as_fast = others.iter().filter(|(_, (_, (_, high)))| high >= low);
    let equal: Vec<String> = as_fast
        .filter_map(|(model, _)| {
            Some(format!("{} with {}", model.name, whole(model.recommended?.workers)))
        })
        .collect();
    let or = match equal.len() {
        0 => String::new(),
        1 => format!(" ({} is as fast, as far as can be told)", equal[0]),
        _ => format!(" ({} are as fast, as far as can be told)", equal.join(", ")),
    };
    format!("{} with {}{or}", first.name, first.sentence)
}

/// What explains the numbers of a model: the law, or its limit.
pub(super) fn explained(model: &ModelSweep, from_elsewhere: bool) -> Option<String> {
    model.law.as_ref().map(|law| of_law(law, from_elsewhere)).or_else(|| model.limit.map(of_limit))
}

fn of_law(fitted: &FittedLaw, from_elsewhere: bool) -> String {
    let per_second = if from_elsewhere { "" } else { "/s" };
    let share = |of: Interval| {
        let [one, low, high] = [of.estimate, of.low, of.high].map(|part| digits(part * 100.0));
        format!("{one} % ({low}–{high})")
    };
    let [beta, low, high] = [fitted.beta.estimate, fitted.beta.low, fitted.beta.high].map(digits);
    format!(
        "the scalability law: {}{per_second} for one alone (γ), {} of the work is done one at a time (α), and agreeing with each other costs {beta} ({low}–{high}) for each two (β)",
        in_interval(fitted.gamma),
        share(fitted.alpha),
    )
}

fn of_limit(limit: Limit) -> String {
    let rate = in_interval(limit.rate);
    let knee = in_interval(limit.knee);
    let what = match limit.kind {
        LimitKind::Cores => "the cores set a limit of",
        LimitKind::SharedCores => "the cores, shared with the server, set a limit of",
        LimitKind::RateLimit => "the server's rate limit is reached: a limit of",
        LimitKind::Unknown => "a limit of",
    };
    format!(
        "{what} {rate}/s, reached with {knee} in flight: throughput grows in proportion up to there and then stays, which is a kink and not the scalability law's curve"
    )
}

/// `96.5 (88.2–110)`
fn in_interval(of: Interval) -> String {
    let [one, low, high] = [of.estimate, of.low, of.high].map(units::number);
    format!("{one} ({low}–{high})")
}

/// Three digits, also of what is very small.
fn digits(number: f64) -> String {
    if number != 0.0 && number.abs() < 0.01 {
        format!("{number:.2e}")
    } else {
        units::number(number)
    }
}

/// What else is to be known of a model.
pub(super) fn notes(
    model: &ModelSweep,
    about: &SweepInfo,
    no_fit: Option<NoFit>,
    from_elsewhere: bool,
) -> Vec<String> {
    let mut notes = Vec::new();
    for point in &model.points {
        if let Some(why) = unusable(point)
            && model.usable().count() > 0
        {
            notes.push(format!("with {}, {why}: left out", workers(point.workers, from_elsewhere)));
        }
    }
    if let Some(Recommended { range: Some((low, high)), .. }) = model.recommended
        && low < high
    {
        let (low, high) = (whole(low), whole(high));
        notes.push(if about.targets.is_empty() {
            format!("rounds differ so much that the right number may be any from {low} to {high}")
        } else {
            format!("too few items to tell whether up to {high} workers keep it, too")
        });
    }
    notes.extend(peak(model, from_elsewhere));
    notes.extend(without_fit(model, no_fit));
    let usable = model.usable().count();
    if (2..FEW_POINTS).contains(&usable) {
        let by = if from_elsewhere { "measure" } else { "--workers names" };
        notes.push(format!(
            "{usable} points are few for a law of three numbers: {by} at least {FEW_POINTS}"
        ));
    }
    let fewest = model.usable().filter_map(|point| Some(point.sample.as_ref()?.rounds.len())).min();
    if let Some(rounds) = fewest.filter(|rounds| (1..MIN_ROUNDS).contains(rounds)) {
        notes.push(format!(
            "some points have only {rounds} rounds that can be used, so intervals are wide: a larger --budget narrows them"
        ));
    }
    notes
}

/// Where throughput is highest, as far as that is known.
fn peak(model: &ModelSweep, from_elsewhere: bool) -> Option<String> {
    let most = model.usable().filter_map(|point| point.in_flight).fold(0.0, f64::max);
    let per_second = if from_elsewhere { "" } else { "/s" };
    let law = model.law.as_ref()?;
    Some(match law.peak {
        Peak::Shown { n, x } => format!(
            "throughput is highest with {} in flight, at {}{per_second}",
            in_interval(n),
            in_interval(x)
        ),
        Peak::Never => "the data show no peak: by the law, throughput never falls".to_owned(),
        Peak::Beyond => format!(
            "the data show no peak up to {} in flight; one beyond that was not measured, and what the law says of it is no evidence",
            units::number(most)
        ),
        Peak::Unclear => format!(
            "the data don't show where the peak is: it may be within {} in flight, or there may be none",
            units::number(most)
        ),
    })
}

fn without_fit(model: &ModelSweep, no_fit: Option<NoFit>) -> Option<String> {
    match no_fit? {
        why if why.is_for_want_of_points() => (model.usable().count() > 1)
            .then(|| "too few points for the scalability law: it takes 4 or more".to_owned()),
        NoFit::Missed(share) => Some(format!(
            "no law fits these points: the best curve misses them by {} on average, so something else changed from point to point",
            percent(share)
        )),
        _ => (model.usable().count() > 1).then(|| {
            "no law can be fitted: about equally many were in flight in all points".to_owned()
        }),
    }
}

fn percent(share: f64) -> String {
    format!("{} %", units::number(share * 100.0))
}
