//! What the table of a comparison has no room for, in sentences. Limit: it says what the entries hold, and ranks nothing.

use super::verdict::percent;
use super::{Comparison, NotRanked, Relation};
use crate::language::{Language, Said, said};
use crate::stats::More;
use crate::style::one_line;
use crate::trial::Difference;
use crate::units;

/// As many outliers are named.
const MOST_OUTLIERS: usize = 3;
/// Runs that differ by this factor have no typical time.
const FAR_APART: u64 = 3;

/// Why it came out so: where the limit is, and what explains each row that surprises.
pub(super) fn reasons(comparison: &Comparison) -> Vec<String> {
    let why = comparison.why();
    let rows = why.rows.iter().map(|row| format!("{}: {}", row.model, row.sentence.english()));
    std::iter::once(why.sentence.english().to_owned()).chain(rows).collect()
}

/// What the table has no room for.
pub(super) fn notes(comparison: &Comparison) -> Vec<String> {
    let mut notes = Vec::new();
    let entries = comparison.entries();
    let margin = percent(comparison.about().settings.margin);
    if entries.iter().any(|entry| matches!(entry.relation, Relation::Equal)) {
        notes.push(format!("= equal within {margin}"));
    }
    let undecided = entries.iter().filter_map(|entry| match entry.relation {
        Relation::Undecided(more) => Some(more),
        _ => None,
    });
    let undecided: Vec<Option<More>> = undecided.collect();
    if !undecided.is_empty() {
        notes.push("? too few rounds to tell".to_owned());
    }
    for entry in entries {
        let Relation::NotRanked(reason) = &entry.relation else { continue };
        let Some(why) = reason.detail() else { continue };
        let said = entry.tally.failures_by_count();
        let tells = matches!(
            reason,
            NotRanked::Differs(_) | NotRanked::AllFailed | NotRanked::RunsFailed { .. }
        );
        let said = said.first().filter(|_| tells);
        let said = said.map(|(_, first)| format!(" ({})", one_line(&first.message, 200)));
        let model = &entry.contender.model;
        let why = why.english();
        notes.push(format!("{model} is not ranked: {why}{}", said.unwrap_or_default()));
    }
    for entry in entries.iter().filter(|entry| entry.workers_died > 0) {
        let (model, died) = (&entry.contender.model, units::count(entry.workers_died));
        notes.push(match entry.workers_died {
            1 => format!("{model}: one worker process died and was replaced, which took time"),
            _ => {
                format!("{model}: {died} worker processes died and were replaced, which took time")
            }
        });
    }
    let rounds = comparison.rounds() as usize;
    for entry in entries.iter().filter(|entry| (1..rounds).contains(&entry.rounds())) {
        notes.push(format!("{} ran {} of {rounds} rounds", entry.contender.model, entry.rounds()));
    }
    notes.extend(comparison.why().checks.iter().map(|doubt| doubt.sentence.english().to_owned()));
    let unlike: Vec<_> = comparison
        .outliers()
        .iter()
        .filter(|(_, outlier)| is_worth_telling(outlier.times))
        .collect();
    for entry in entries {
        let walls = entry.walls_us.iter().map(|(_, us)| *us);
        let (Some(least), Some(most)) = (walls.clone().min(), walls.max()) else { continue };
        if entry.rounds() >= 6 && most >= least.saturating_mul(FAR_APART).max(1) {
            notes.push(format!(
                "the runs of {} took from {} to {}, so no one number says how long it takes",
                entry.contender.model,
                units::duration(least),
                units::duration(most)
            ));
        }
    }
    for (model, outlier) in unlike.iter().take(MOST_OUTLIERS) {
        notes.push(format!(
            "round {} of {model} took {:.1} times as long as its others; it counts all the same",
            outlier.round, outlier.times
        ));
    }
    if unlike.len() > MOST_OUTLIERS {
        let more = unlike.len() - MOST_OUTLIERS;
        let trials = if more == 1 { "run" } else { "runs" };
        notes.push(format!("{more} more {trials} took unlike long"));
    }
    notes
}

/// Where all other rounds took just as long, a little more is unlike them, and still means nothing.
fn is_worth_telling(times: f64) -> bool {
    !(0.8..1.25).contains(&times)
}

impl NotRanked {
    /// Why, in words; none where the verdict says so for all.
    pub(crate) fn detail(&self) -> Option<Said> {
        let said = Said::of(|language| self.in_words(language));
        (!said.english().is_empty()).then_some(said)
    }

    /// Empty where the verdict says so for all.
    fn in_words(&self, language: Language) -> String {
        match self {
            Self::NotRun => {
                said!(language, "it has no complete round", "끝까지 마친 라운드가 없습니다")
            }
            Self::Degraded { missing_workers } => {
                let missing = units::count(*missing_workers);
                said!(
                    language,
                    "it ran with fewer workers than its name says: up to {missing} were missing",
                    "이름에 적힌 것보다 적은 워커로 실행되었습니다. 많게는 {missing}개가 모자랐습니다",
                )
            }
            Self::AllFailed => {
                said!(language, "all of its items failed", "항목이 모두 실패했습니다")
            }
            Self::RunsFailed { runs: 1 } => {
                said!(language, "one of its runs failed", "실행 한 번이 실패했습니다")
            }
            Self::RunsFailed { runs } => {
                let runs = units::count(*runs);
                said!(language, "{runs} of its runs failed", "실행 {runs}번이 실패했습니다")
            }
            Self::Differs(Difference::Outcome { items, first, here, elsewhere }) => {
                let items = items_from(language, *items, *first);
                said!(
                    language,
                    "{items} ended with “{here}” and not with “{elsewhere}” as under the others",
                    "{items}의 결과가 다른 모델에서와 같은 “{elsewhere}”가 아니라 “{here}”입니다",
                )
            }
            Self::Differs(Difference::Content { items, first }) => {
                let items = items_from(language, *items, *first);
                said!(
                    language,
                    "{items} gave something else in every round than under the others",
                    "{items}의 내용이 모든 라운드에서 다른 모델에서와 달랐습니다",
                )
            }
            Self::TooFewRounds { .. } | Self::TooShort | Self::Alone => String::new(),
        }
    }
}

/// `item 3`, or `5 items, the first of them item 3,`; counted from 1, where `first` is counted from 0.
fn items_from(language: Language, items: u64, first: u64) -> String {
    let first = first.saturating_add(1);
    if items == 1 {
        return said!(language, "item {first}", "{first}번째 항목");
    }
    let items = units::count(items);
    said!(
        language,
        "{items} items, the first of them item {first},",
        "{first}번째를 비롯한 항목 {items}개"
    )
}
