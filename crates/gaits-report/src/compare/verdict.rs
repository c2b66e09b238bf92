//! What the race says, in short. It feeds the table, JSON and the exit code alike; its sentence is made here and nowhere
//! else.

use super::{Entry, NotRanked, RaceInfo, Relation};
use crate::stats::{Interval, More};
use crate::units;

/// The model that others are measured against in words, where it is in the race.
const BASELINE: &str = "sequential";

/// What the race says.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The models that are best: one, or several that are equal within the margin; none if that could not be told.
    pub best: Vec<String>,
    /// All of it in a sentence.
    pub sentence: String,
}

impl Verdict {
    /// Of entries in their order.
    pub(super) fn of(entries: &[Entry], about: &RaceInfo) -> Self {
        let ranked: Vec<&Entry> = entries.iter().filter(|entry| entry.is_ranked()).collect();
        let with = |is: fn(&Relation) -> bool| {
            ranked.iter().copied().filter(|entry| is(&entry.relation)).collect::<Vec<_>>()
        };
        let best = with(|relation| matches!(relation, Relation::Best));
        let equal = with(|relation| matches!(relation, Relation::Equal));
        let undecided = with(|relation| matches!(relation, Relation::Undecided(_)));
        let slower = with(|relation| matches!(relation, Relation::Slower));
        let margin = percent(about.settings.margin);
        let mut sentence = match (&best[..], &equal[..], &undecided[..]) {
            ([best], _, _) => fastest(best, &slower),
            (_, equal, []) if equal.len() > 1 => {
                format!("{} are equal within {margin}{}", names(equal), ahead(&slower))
            }
            (_, _, undecided) if !undecided.is_empty() => {
                let open: Vec<&Entry> = ranked
                    .iter()
                    .copied()
                    .filter(|entry| !matches!(entry.relation, Relation::Slower))
                    .collect();
                format!(
                    "too few rounds to tell {} apart{}{}",
                    names(&open),
                    more(undecided),
                    ahead(&slower)
                )
            }
            _ => unranked(entries, about),
        };
        let others: Vec<&Entry> = entries
            .iter()
            .filter(|entry| {
                matches!(
                    entry.relation,
                    Relation::NotRanked(
                        NotRanked::NotRun
                            | NotRanked::Degraded { .. }
                            | NotRanked::AllFailed
                            | NotRanked::RunsFailed { .. }
                            | NotRanked::Differs(_)
                    )
                )
            })
            .collect();
        if !ranked.is_empty() && !others.is_empty() {
            sentence = format!("{sentence}; {} not ranked", is_or_are(&others));
        }
        let best = if best.is_empty() && undecided.is_empty() { equal } else { best };
        let best = best.iter().map(|entry| entry.contender.model.clone()).collect();
        Self { best, sentence }
    }
}

/// One is faster than all others.
fn fastest(best: &Entry, slower: &[&Entry]) -> String {
    let model = &best.contender.model;
    let next = slower.first().and_then(|entry| Some((*entry, entry.ratio_to_best?)));
    let Some((next, to_next)) = next else { return format!("{model} is fastest") };
    let name = |entry: &Entry| entry.contender.model.clone();
    let mut text = format!("{model} is fastest: {} as fast as {}", interval(to_next), name(next));
    let base = slower.iter().find(|entry| entry.contender.model == BASELINE);
    if let Some(base) = base.filter(|base| name(base) != name(next))
        && let Some(ratio) = base.ratio_to_best
    {
        text = format!("{text}, {} as fast as {BASELINE}", interval(ratio));
    }
    text
}

/// How far the best are ahead of `sequential`, or of the last.
fn ahead(slower: &[&Entry]) -> String {
    let base = slower.iter().find(|entry| entry.contender.model == BASELINE).or(slower.last());
    match base.and_then(|base| Some((base, base.ratio_to_best?))) {
        Some((base, ratio)) => {
            format!("; the best is {} as fast as {}", interval(ratio), base.contender.model)
        }
        None => String::new(),
    }
}

/// How many more rounds would tell.
fn more(undecided: &[&Entry]) -> String {
    let mut most = 0;
    for entry in undecided {
        match entry.relation {
            Relation::Undecided(Some(More::About(rounds))) => most = most.max(rounds),
            Relation::Undecided(Some(More::MoreThan(rounds))) => {
                return format!(": it would take more than {} more", units::count(rounds as u64));
            }
            _ => {}
        }
    }
    match most {
        0 => String::new(),
        most => format!(": about {} more would tell", units::count(most as u64)),
    }
}

/// Nothing is ranked.
fn unranked(entries: &[Entry], about: &RaceInfo) -> String {
    let reasons: Vec<(&Entry, &NotRanked)> = entries
        .iter()
        .filter_map(|entry| match &entry.relation {
            Relation::NotRanked(reason) => Some((entry, reason)),
            _ => None,
        })
        .collect();
    if about.items == 0 {
        return "there were no items: there is nothing to compare".to_owned();
    }
    if entries.iter().all(|entry| entry.rounds() == 0) {
        return "no round was complete: there is nothing to compare".to_owned();
    }
    if reasons.iter().all(|(_, reason)| matches!(reason, NotRanked::AllFailed)) {
        return "all items failed under every model, so there is nothing to compare".to_owned();
    }
    let short = reasons.iter().any(|(_, reason)| matches!(reason, NotRanked::TooShort));
    if short {
        return "the work is over before the clock has moved: race on more items".to_owned();
    }
    let slow: Vec<String> = reasons
        .iter()
        .filter_map(|(entry, reason)| match reason {
            NotRanked::TooFewRounds { at_least_twice: Some(other) } => Some(format!(
                "{} took at least 2× as long as {other} each time",
                entry.contender.model
            )),
            _ => None,
        })
        .collect();
    let few = reasons.iter().any(|(_, reason)| matches!(reason, NotRanked::TooFewRounds { .. }));
    if few {
        let rounds = entries.iter().map(Entry::rounds).max().unwrap_or(0);
        let rounds =
            if rounds == 1 { "1 round is".to_owned() } else { format!("{rounds} rounds are") };
        let mut text = format!(
            "{rounds} too few to rank anything; it takes {}",
            super::Comparison::FEWEST_ROUNDS
        );
        if !slow.is_empty() {
            text = format!("{}; {text}", slow.join(", "));
        }
        return text;
    }
    let alone = reasons.iter().find(|(_, reason)| matches!(reason, NotRanked::Alone));
    if let Some((entry, _)) = alone {
        let model = &entry.contender.model;
        return if entries.len() == 1 {
            format!("{model} ran alone, so there is nothing to compare it with")
        } else {
            format!("only {model} can be ranked, so there is nothing to compare it with")
        };
    }
    let all_differ = reasons.iter().all(|(_, reason)| matches!(reason, NotRanked::Differs(_)));
    if all_differ {
        return "the same items ended differently from run to run under every model, so there is nothing to compare"
            .to_owned();
    }
    "no two models did the same work, so there is nothing to compare".to_owned()
}

fn is_or_are(entries: &[&Entry]) -> String {
    format!("{} {}", names(entries), if entries.len() == 1 { "is" } else { "are" })
}

/// `a, b and c`
fn names(entries: &[&Entry]) -> String {
    let names: Vec<_> = entries.iter().map(|entry| entry.contender.model.as_str()).collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// `2.1× (1.9–2.3)`: with as many digits as mean something beside the interval.
pub(super) fn interval(Interval { estimate, low, high }: Interval) -> String {
    let show = |ratio: f64| match ratio {
        ratio if ratio >= 1_000.0 => units::number(ratio),
        ratio if estimate >= 99.95 || (estimate >= 9.995 && is_wide(low, high)) => {
            format!("{ratio:.0}")
        }
        ratio if estimate >= 9.995 || (estimate >= 1.5 && is_wide(low, high)) => {
            format!("{ratio:.1}")
        }
        ratio => format!("{ratio:.2}"),
    };
    format!("{}× ({}–{})", show(estimate), show(low), show(high))
}

/// Whether an interval leaves only two digits of what lies in it.
fn is_wide(low: f64, high: f64) -> bool {
    high > low * 1.1
}

/// `2 %`
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let text = format!("{percent:.1}");
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}
