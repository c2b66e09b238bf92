//! From trials to entries in order.

use super::{Contender, Entry, NotRanked, RaceInfo, Relation};
use crate::Tally;
use crate::layout::Layout;
use crate::stats::{self, Outlier, Reason, Series};
use crate::trial::{Agreement, Trial, Usage};
use crate::why::{self, Subject, Why};
use std::collections::BTreeMap;

/// What the trials give.
pub(super) struct Judged {
    pub(super) entries: Vec<Entry>,
    pub(super) outliers: Vec<(String, Outlier)>,
    pub(super) precise: bool,
}

/// The entries of the race in the order in which they are shown.
pub(super) fn judge(
    trials: &[Trial],
    of_models: &BTreeMap<&str, Vec<&Trial>>,
    about: &RaceInfo,
) -> Judged {
    // A program does whatever it does, so only models are held against each other item by item.
    let is_program = |trial: &&Trial| {
        let mut programs = about.contenders.iter().filter(|contender| contender.workers.is_none());
        programs.any(|program| program.model == trial.model)
    };
    let of_models_alone: Vec<&Trial> = trials.iter().filter(|trial| !is_program(trial)).collect();
    let agreement = Agreement::of(&of_models_alone);
    let mut contenders: Vec<Contender> = Vec::new();
    let unnamed =
        of_models.keys().map(|model| Contender::model((*model).to_owned(), Layout::new(1, 1, 1)));
    for contender in about.contenders.iter().cloned().chain(unnamed) {
        if !contenders.iter().any(|known| known.model == contender.model) {
            contenders.push(contender);
        }
    }
    let mut entries: Vec<Entry> = contenders
        .into_iter()
        .map(|contender| {
            let trials = of_models.get(contender.model.as_str()).map_or(&[][..], Vec::as_slice);
            entry(contender, trials, &agreement, about)
        })
        .collect();
    let able: Vec<usize> = (0..entries.len()).filter(|at| entries[*at].is_ranked()).collect();
    let series: Vec<Series> =
        able.iter().map(|at| Series::from_micros(entries[*at].walls_us.iter().copied())).collect();
    let judged = stats::judge(&series, about.settings);
    let names: Vec<String> = able.iter().map(|at| entries[*at].contender.model.clone()).collect();
    for (at, verdict) in able.iter().zip(&judged.verdicts) {
        entries[*at].ratio_to_best = verdict.ratio_to_best;
        entries[*at].relation = match verdict.relation {
            stats::Relation::Best => Relation::Best,
            stats::Relation::Equal => Relation::Equal,
            stats::Relation::Slower => Relation::Slower,
            stats::Relation::Undecided => Relation::Undecided(verdict.more_rounds),
            stats::Relation::NotRanked(reason) => Relation::NotRanked(not_ranked(reason, &names)),
        };
    }
    let is_equal = |entry: &&mut Entry| matches!(entry.relation, Relation::Equal);
    let mut equals = entries.iter_mut().filter(is_equal);
    if let (Some(alone), None) = (equals.next(), equals.next()) {
        // Equal to none that is known: who it may be equal to is undecided.
        alone.relation = Relation::Undecided(None);
    }
    let order = judged.order().into_iter().map(|place| able[place]);
    let others = (0..entries.len()).filter(|at| !able.contains(at));
    let mut order: Vec<usize> = order.chain(others).collect();
    if judged.rounds == 0 {
        // Nothing is ranked; what looks faster is still easier to read first.
        let takes = |at: &usize| entries[*at].typical_s.map_or(f64::INFINITY, |s| s.estimate);
        order.sort_by(|a, b| takes(a).total_cmp(&takes(b)));
    }
    let mut slots: Vec<Option<Entry>> = entries.into_iter().map(Some).collect();
    Judged {
        entries: order.into_iter().filter_map(|at| slots[at].take()).collect(),
        outliers: judged
            .outliers
            .iter()
            .map(|outlier| (names[outlier.model].clone(), *outlier))
            .collect(),
        precise: judged.precision_reached(),
    }
}

/// Why the race came out so.
pub(super) fn explain(
    entries: &[Entry],
    of_models: &BTreeMap<&str, Vec<&Trial>>,
    about: &RaceInfo,
) -> Why {
    let leads = entries.iter().position(Entry::is_ranked);
    let subjects: Vec<Subject<'_>> = entries
        .iter()
        .enumerate()
        .map(|(place, entry)| Subject {
            model: &entry.contender.model,
            workers: entry.contender.workers,
            relation: match (&entry.relation, entry.ratio_to_best) {
                _ if leads == Some(place) => why::Relation::Best,
                (Relation::Equal, _) => why::Relation::AsFast,
                (Relation::Slower, Some(ratio)) => why::Relation::Slower { ratio: ratio.estimate },
                (Relation::NotRanked(_), _) => why::Relation::Unranked,
                _ => why::Relation::Unclear,
            },
            trials: of_models.get(entry.contender.model.as_str()).map_or(&[], Vec::as_slice),
        })
        .collect();
    why::explain(&subjects, &about.job)
}

fn not_ranked(reason: Reason, names: &[String]) -> NotRanked {
    match reason {
        Reason::TooFewRounds { at_least_twice } => NotRanked::TooFewRounds {
            at_least_twice: at_least_twice.and_then(|at| names.get(at).cloned()),
        },
        Reason::TooFewShared => NotRanked::TooFewRounds { at_least_twice: None },
        Reason::TooShort => NotRanked::TooShort,
        Reason::Alone => NotRanked::Alone,
    }
}

/// Why the times of a model or a program are no measure of speed, whatever the others did; none if they are one.
pub(super) fn unfit(trials: &[&Trial], is_program: bool) -> Option<NotRanked> {
    let sum = |of: fn(&Tally) -> u64| trials.iter().map(|trial| of(&trial.tally)).sum::<u64>();
    let (items, failed) = (sum(Tally::items), sum(Tally::failed));
    let missing_workers = trials.iter().map(|trial| trial.missing_workers).max().unwrap_or(0);
    if trials.is_empty() {
        Some(NotRanked::NotRun)
    } else if missing_workers > 0 {
        Some(NotRanked::Degraded { missing_workers })
    } else if items > 0 && failed == items {
        Some(NotRanked::AllFailed)
    } else if is_program && failed > 0 {
        Some(NotRanked::RunsFailed { runs: failed })
    } else {
        None
    }
}

/// What the trials of one model give, not yet held against others.
fn entry(
    contender: Contender,
    trials: &[&Trial],
    agreement: &Agreement,
    about: &RaceInfo,
) -> Entry {
    let mut walls_us: Vec<(u32, u64)> =
        trials.iter().map(|trial| (trial.round, trial.time_us(about.whole_processes))).collect();
    walls_us.sort_unstable();
    let mut tally = Tally::new();
    for trial in trials {
        tally.merge(&trial.tally);
    }
    let relation = if let Some(why) = unfit(trials, contender.workers.is_none()) {
        Relation::NotRanked(why)
    } else if let Some(difference) = agreement.difference(&contender.model) {
        Relation::NotRanked(NotRanked::Differs(difference.clone()))
    } else {
        // Until it is judged.
        Relation::Undecided(None)
    };
    let series = Series::from_micros(walls_us.iter().copied());
    let confidence = about.settings.confidence;
    let typical_s = stats::typical(&series, confidence);
    let median_s = stats::median(&series, confidence);
    let seconds = typical_s.map(|typical| typical.estimate).or(median_s.map(|(median, _)| median));
    let items = tally.items() as f64 / trials.len().max(1) as f64;
    let middle = |part: fn(&Trial) -> u64| median_of(trials.iter().map(|trial| part(trial)));
    Entry {
        relation,
        ratio_to_best: None,
        walls_us,
        typical_s,
        median_s,
        startup_us: middle(|trial| trial.startup_us),
        closing_us: middle(|trial| trial.closing_us),
        process_us: middle(|trial| trial.process_us),
        workers_died: trials.iter().map(|trial| trial.workers_died).sum(),
        usage: Usage {
            cpu_us: middle(|trial| trial.usage.cpu_us),
            waiting_us: trials
                .iter()
                .all(|trial| trial.usage.waiting_us.is_some())
                .then(|| middle(|trial| trial.usage.waiting_us.unwrap_or(0))),
            voluntary_switches: middle(|trial| trial.usage.voluntary_switches),
            involuntary_switches: middle(|trial| trial.usage.involuntary_switches),
            threads: middle(|trial| trial.usage.threads),
            processes: middle(|trial| trial.usage.processes),
            peak_memory: middle(|trial| trial.usage.peak_memory),
        },
        items_per_second: seconds
            .filter(|seconds| *seconds > 0.0 && contender.workers.is_some())
            .map(|seconds| items / seconds),
        contender,
        tally,
    }
}

/// The middle one; of an even number the mean of the two in the middle, rounded down; 0 of none.
fn median_of(values: impl Iterator<Item = u64>) -> u64 {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    match values.len() {
        0 => 0,
        n => values[(n - 1) / 2].midpoint(values[n / 2]),
    }
}
