//! The sentence at the end. Duty: name the fastest only where there is one, and say when it cannot be told. Limit: it
//! puts into words what the entries hold; it compares nothing itself.

use super::{Entry, RaceInfo, Ratio, Standing};
use crate::units;

/// The model that others are measured against in words, where it is in the race.
const BASELINE: &str = "sequential";

pub(super) fn conclude(about: &RaceInfo, entries: &[Entry]) -> String {
    let ranked = entries.iter().filter(|entry| entry.is_ranked()).collect::<Vec<_>>();
    let others = entries.iter().filter(|entry| !entry.is_ranked()).collect::<Vec<_>>();
    if entries.iter().all(|entry| entry.rounds() == 0) {
        return "no model ran: there is nothing to compare".to_owned();
    }
    if about.items == 0 {
        return "there were no items: there is nothing to compare".to_owned();
    }
    let ranking = match ranked[..] {
        [] => return nobody(&others),
        [only] => alone(only, others.is_empty()),
        [first, next, ..] => race(first, next, &ranked),
    };
    if others.is_empty() {
        return ranking;
    }
    let others = names(&others);
    format!("{ranking}; not ranked, for items that failed or were not done: {others}")
}

/// No model did all the work.
fn nobody(entries: &[&Entry]) -> String {
    let reason = |entry: &&Entry| {
        let why = entry.why_unranked()?;
        Some(format!("{} {why}", entry.contender.model))
    };
    let reasons = entries.iter().filter_map(reason).collect::<Vec<_>>();
    format!("no model finished the work: {}", reasons.join("; "))
}

/// One model did all the work.
fn alone(only: &Entry, no_other_ran: bool) -> String {
    let took = only.wall_us.map_or(units::NOTHING.to_owned(), |wall| {
        units::duration_in_range(wall.median, wall.min, wall.max)
    });
    let (model, rounds) = (&only.contender.model, rounds(only));
    if no_other_ran {
        format!("{model} ran alone, so there is nothing to compare it with: {took} in {rounds}")
    } else {
        format!("{model} is the only model that did all the work: {took} in {rounds}")
    }
}

/// Several did: the first and how far it is ahead.
fn race(first: &Entry, next: &Entry, ranked: &[&Entry]) -> String {
    let tied = ranked.iter().copied().filter(|entry| is_tied(entry)).collect::<Vec<_>>();
    let behind =
        ranked.iter().copied().filter(|entry| !std::ptr::eq(*entry, first) && !is_tied(entry));
    let behind = behind.collect::<Vec<_>>();
    let baseline = behind.iter().find(|entry| entry.contender.model == BASELINE);
    let base = if first.contender.model == BASELINE && tied.is_empty() {
        Some(&next)
    } else {
        baseline.or(behind.last())
    };
    let ahead = base.and_then(|base| ahead_of(base, first));
    let name = &first.contender.model;
    let text = match (tied.is_empty(), ahead) {
        (true, Some(ahead)) => format!("fastest: {name}, {ahead}"),
        (true, None) => format!("fastest: {name}, which took no measurable time"),
        (false, Some(ahead)) => format!("{}; {name} is {ahead}", cannot_tell(&tied)),
        (false, None) => cannot_tell(&tied),
    };
    let unsure = if first.rounds() == 1 { "; one round cannot show how sure that is" } else { "" };
    text + unsure
}

/// How far the fastest, `first`, is ahead of `base`: `47.3 times as fast as sequential (46.9–47.6 in 5 rounds)`.
fn ahead_of(base: &Entry, first: &Entry) -> Option<String> {
    let Standing::Ranked { to_fastest: Some(Ratio { median, min, max }), .. } = base.standing
    else {
        return None;
    };
    let model = &base.contender.model;
    let text = format!("{} times as fast as {model}", times(median));
    // an interrupted race leaves one of them a round short
    let shorter = if base.rounds() < first.rounds() { base } else { first };
    Some(match shorter.rounds() {
        1 => text,
        _ => format!("{text} ({}–{} in {})", times(min), times(max), rounds(shorter)),
    })
}

/// That the fastest and those beside it cannot be told apart, and why.
fn cannot_tell(tied: &[&Entry]) -> String {
    let Some((first, others)) = tied.split_first() else { return String::new() };
    let ranges = others.iter().filter_map(|entry| match entry.standing {
        Standing::Ranked { to_fastest, .. } => to_fastest,
        _ => None,
    });
    let range = ranges.reduce(|a, b| Ratio { min: a.min.min(b.min), max: a.max.max(b.max), ..a });
    let why = match range {
        Some(range) if range.includes_one() && range.min < range.max => {
            let second = if others.len() == 1 { "the second" } else { "the others" };
            let (min, max) = (times(range.min), times(range.max));
            format!("round by round {second} took {min} to {max} times as long as the first")
        }
        _ => "their wall times overlap".to_owned(),
    };
    format!("{} cannot be told apart in {}: {why}", names(tied), rounds(first))
}

const fn is_tied(entry: &Entry) -> bool {
    matches!(entry.standing, Standing::Ranked { tied: true, .. })
}

/// `a, b and c`
fn names(entries: &[&Entry]) -> String {
    let names = entries.iter().map(|entry| entry.contender.model.as_str()).collect::<Vec<_>>();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

fn rounds(entry: &Entry) -> String {
    match entry.rounds() {
        1 => "1 round".to_owned(),
        n => format!("{n} rounds"),
    }
}

/// A ratio; near 1 with one digit more, where it is the third decimal that tells.
fn times(ratio: f64) -> String {
    if (0.9..1.1).contains(&ratio) { format!("{ratio:.3}") } else { units::number(ratio) }
}
