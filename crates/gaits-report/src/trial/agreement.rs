//! Whether the models of a race did the same work: item by item.

use super::Trial;
use super::outcomes::is_good;
use std::collections::{BTreeMap, HashMap};

/// What a model did in another way than the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Items ended in another way than under the others.
    Outcome {
        /// How many did, in the round in which most did.
        items: u64,
        /// The first of them, counted from 0.
        first: u64,
        /// How it ended here.
        here: String,
        /// How it ended with most of the others.
        elsewhere: String,
    },
    /// Items gave something else, in every round, though all others got the same.
    Content {
        /// How many did.
        items: u64,
        /// The first of them, counted from 0.
        first: u64,
    },
}

/// Which models did another work than most.
///
/// How an item ends is settled by most of all trials; if two ways are as common, by the good one, and if that does not settle it, all
/// did another work. What it gives is compared only where all other models got the same in
/// all their rounds: a server may give something else each time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Agreement {
    differences: BTreeMap<String, Difference>,
}

impl Agreement {
    /// Of trials of the same items.
    #[must_use]
    pub fn of(trials: &[&Trial]) -> Self {
        let mut differences = BTreeMap::new();
        outcomes(trials, &mut differences);
        contents(trials, &mut differences);
        Self { differences }
    }

    /// What `model` did in another way; none if it did the same work as the others.
    #[must_use]
    pub fn difference(&self, model: &str) -> Option<&Difference> {
        self.differences.get(model)
    }
}

fn outcomes(trials: &[&Trial], differences: &mut BTreeMap<String, Difference>) {
    let mut each: Vec<_> = trials.iter().map(|trial| trial.outcomes.each()).collect();
    let items = trials.iter().map(|trial| trial.outcomes.items()).max().unwrap_or(0);
    // Of each trial: how many differ, and the first.
    let mut found: Vec<Option<(u64, Difference)>> = vec![None; trials.len()];
    for item in 0..items {
        let ways: Vec<&str> =
            each.iter_mut().map(|each| each.next().unwrap_or("not done")).collect();
        if ways.windows(2).all(|pair| pair[0] == pair[1]) {
            continue;
        }
        let most = most_of(&ways);
        for (way, found) in ways.iter().zip(&mut found) {
            let Some(elsewhere) = most.iter().find(|most| *most != way) else { continue };
            if let Some((count, _)) = found {
                *count += 1;
                continue;
            }
            let (here, elsewhere) = ((*way).to_owned(), (*elsewhere).to_owned());
            *found = Some((1, Difference::Outcome { items: 1, first: item, here, elsewhere }));
        }
    }
    for (trial, found) in trials.iter().zip(found) {
        let Some((count, mut difference)) = found else { continue };
        if let Difference::Outcome { items, .. } = &mut difference {
            *items = count;
        }
        let worst = differences.entry(trial.model.clone()).or_insert_with(|| difference.clone());
        if matches!(worst, Difference::Outcome { items, .. } if *items < count) {
            *worst = difference;
        }
    }
}

/// The way in which most ended. Where as many ended in another one, a good end counts more than a bad one; else these are all such
/// ways, since nobody can tell which is right. It is not for the order of the trials to say, which is drawn by lot.
fn most_of<'a>(ways: &[&'a str]) -> Vec<&'a str> {
    let weight = |way: &str| {
        let count = ways.iter().filter(|other| **other == way).count();
        (count, is_good(way))
    };
    let most = ways.iter().map(|way| weight(way)).max();
    let mut all: Vec<&str> = ways.iter().copied().filter(|way| Some(weight(way)) == most).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn contents(trials: &[&Trial], differences: &mut BTreeMap<String, Difference>) {
    let mut models: Vec<&str> = trials.iter().map(|trial| trial.model.as_str()).collect();
    models.sort_unstable();
    models.dedup();
    let known = trials.iter().all(|trial| !trial.outcomes.digests().is_empty());
    // With two models nobody can tell which of them is wrong.
    if !known || models.len() < 3 {
        return;
    }
    let items = trials.iter().map(|trial| trial.outcomes.digests().len()).min().unwrap_or(0);
    for item in 0..items {
        let mut with: HashMap<Option<u64>, Vec<&str>> = HashMap::new();
        for trial in trials {
            with.entry(trial.outcomes.digests()[item]).or_default().push(&trial.model);
        }
        if with.len() < 2 {
            continue;
        }
        let others = |model: &str| {
            let mut others = with.values().filter(|got| got.iter().any(|one| *one != model));
            matches!((others.next(), others.next()), (Some(got), None) if !got.contains(&model))
        };
        let Some(odd) = models.iter().find(|model| others(model)) else { continue };
        let first = Difference::Content { items: 0, first: item as u64 };
        if let Difference::Content { items, .. } =
            differences.entry((*odd).to_owned()).or_insert(first)
        {
            *items += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::tests::record;
    use crate::{MachineLoad, OutcomesOf, Tally, Usage};
    use gaits_core::{Blake3, Detail, ErrorKind, Record, Value};

    /// A trial whose items ended so: with this content, or not at all.
    fn trial(model: &str, round: u32, items: &[Option<u8>]) -> Trial {
        let mut outcomes = OutcomesOf::new();
        for (index, content) in (0..).zip(items) {
            let error = content.is_none().then_some((ErrorKind::Timeout, "late"));
            let hash = Blake3([content.unwrap_or(0); 32]).to_string();
            let fields = vec![("blake3".into(), Value::String(hash.into()))];
            let detail = Some(Detail::read("http", fields));
            outcomes.add(&Record { index, detail, ..record((1, 1), 5, error) });
        }
        Trial {
            model: model.to_owned(),
            round,
            wall_us: 1,
            startup_us: 0,
            closing_us: 0,
            process_us: 1,
            missing_workers: 0,
            workers_died: 0,
            tally: Tally::new(),
            outcomes: outcomes.finish(items.len() as u64),
            usage: Usage::default(),
            machine: MachineLoad::default(),
            steady: None,
        }
    }

    #[test]
    fn a_failure_that_all_have_is_no_difference() {
        let each = [Some(1), None, Some(2)];
        let trials = [trial("a", 1, &each), trial("b", 1, &each), trial("c", 1, &each)];
        assert_eq!(Agreement::of(&trials.iter().collect::<Vec<_>>()), Agreement::default());
    }

    #[test]
    fn who_fails_what_the_others_do_is_named_with_the_first_such_item() {
        let good = [Some(1), Some(1), Some(1)];
        let trials = [
            trial("a", 1, &good),
            trial("b", 1, &[Some(1), None, None]),
            trial("a", 2, &good),
            trial("b", 2, &good),
        ];
        let agreement = Agreement::of(&trials.iter().collect::<Vec<_>>());
        assert_eq!(agreement.difference("a"), None);
        let (here, elsewhere) = ("timeout".to_owned(), "ok".to_owned());
        let expected = Difference::Outcome { items: 2, first: 1, here, elsewhere };
        assert_eq!(agreement.difference("b"), Some(&expected));
    }

    #[test]
    fn where_no_way_is_more_common_the_order_of_the_trials_decides_nothing() {
        let ended = |model: &str, error: Option<ErrorKind>| {
            let mut outcomes = OutcomesOf::new();
            outcomes.add(&record((1, 1), 5, error.map(|kind| (kind, "no"))));
            Trial { outcomes: outcomes.finish(1), ..trial(model, 1, &[None]) }
        };
        let late = ended("late", Some(ErrorKind::Timeout));
        let (reset, good) = (ended("reset", Some(ErrorKind::Reset)), ended("good", None));
        for pair in [[&good, &late], [&late, &good]] {
            let agreement = Agreement::of(&pair);
            assert_eq!(agreement.difference("good"), None);
            assert!(agreement.difference("late").is_some());
        }
        for pair in [[&reset, &late], [&late, &reset]] {
            let agreement = Agreement::of(&pair);
            for (model, here, elsewhere) in
                [("reset", "reset", "timeout"), ("late", "timeout", "reset")]
            {
                let (here, elsewhere) = (here.to_owned(), elsewhere.to_owned());
                let expected = Difference::Outcome { items: 1, first: 0, here, elsewhere };
                assert_eq!(agreement.difference(model), Some(&expected));
            }
        }
    }

    #[test]
    fn content_is_compared_where_all_others_got_the_same_each_time() {
        let round = |round, odd: u8| {
            [
                trial("a", round, &[Some(1), Some(7 + odd)]),
                trial("b", round, &[Some(1), Some(17 + odd)]),
                trial("c", round, &[Some(9), Some(27 + odd)]),
            ]
        };
        let trials: Vec<_> = round(1, 0).into_iter().chain(round(2, 1)).collect();
        let agreement = Agreement::of(&trials.iter().collect::<Vec<_>>());
        assert_eq!(agreement.difference("a"), None);
        assert_eq!(agreement.difference("b"), None);
        let expected = Difference::Content { items: 1, first: 0 };
        assert_eq!(agreement.difference("c"), Some(&expected));
    }
}
