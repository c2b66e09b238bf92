//! What the race says, in short. It feeds the table, JSON and the exit code alike; its sentence is made here and nowhere
//! else.

use super::{Entry, NotRanked, RaceInfo, Relation};
use crate::language::{Language, Said, list, said};
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
    pub sentence: Said,
}

/// The ranked entries, by how they stand.
struct Standing<'a> {
    ranked: Vec<&'a Entry>,
    best: Vec<&'a Entry>,
    equal: Vec<&'a Entry>,
    undecided: Vec<&'a Entry>,
    slower: Vec<&'a Entry>,
}

impl Verdict {
    /// Of entries in their order.
    pub(super) fn of(entries: &[Entry], about: &RaceInfo) -> Self {
        let ranked: Vec<&Entry> = entries.iter().filter(|entry| entry.is_ranked()).collect();
        let with = |is: fn(&Relation) -> bool| {
            ranked.iter().copied().filter(|entry| is(&entry.relation)).collect::<Vec<_>>()
        };
        let standing = Standing {
            best: with(|relation| matches!(relation, Relation::Best)),
            equal: with(|relation| matches!(relation, Relation::Equal)),
            undecided: with(|relation| matches!(relation, Relation::Undecided(_))),
            slower: with(|relation| matches!(relation, Relation::Slower)),
            ranked,
        };
        let sentence = Said::of(|language| sentence(language, entries, about, &standing));
        let Standing { best, equal, undecided, .. } = standing;
        let best = if best.is_empty() && undecided.is_empty() { equal } else { best };
        let best = best.iter().map(|entry| entry.contender.model.clone()).collect();
        Self { best, sentence }
    }
}

fn sentence(
    language: Language,
    entries: &[Entry],
    about: &RaceInfo,
    standing: &Standing<'_>,
) -> String {
    let Standing { ranked, best, equal, undecided, slower } = standing;
    let sentence = match (&best[..], &equal[..], &undecided[..]) {
        ([best], _, _) => fastest(language, best, slower),
        (_, equal, []) if equal.len() > 1 => {
            let (names, margin) = (names(language, equal), percent(about.settings.margin));
            let ahead = ahead(language, slower);
            said!(
                language,
                "{names} are equal within {margin}{ahead}",
                "{margin} 안에서 같은 모델: {names}{ahead}"
            )
        }
        (_, _, undecided) if !undecided.is_empty() => {
            let is_open = |entry: &&Entry| !matches!(entry.relation, Relation::Slower);
            let open: Vec<&Entry> = ranked.iter().copied().filter(is_open).collect();
            let (names, more) = (names(language, &open), more(language, undecided));
            let ahead = ahead(language, slower);
            said!(
                language,
                "too few rounds to tell {names} apart{more}{ahead}",
                "라운드가 모자라서 다음 모델 사이의 차이를 가릴 수 없습니다: {names}{more}{ahead}"
            )
        }
        _ => unranked(language, entries, about),
    };
    let others: Vec<&Entry> = entries.iter().filter(|entry| entry.did_other_work()).collect();
    if ranked.is_empty() || others.is_empty() {
        return sentence;
    }
    let is = if others.len() == 1 { "is" } else { "are" };
    let names = names(language, &others);
    said!(
        language,
        "{sentence}; {names} {is} not ranked",
        "{sentence}. 순위에 넣지 않은 모델: {names}"
    )
}

/// One is faster than all others.
fn fastest(language: Language, best: &Entry, slower: &[&Entry]) -> String {
    let model = &best.contender.model;
    let fastest = said!(language, "{model} is fastest", "가장 빠른 모델은 {model}입니다");
    let next = slower.first().and_then(|entry| Some((*entry, entry.ratio_to_best?)));
    let Some((next, to_next)) = next else { return fastest };
    let name = |entry: &Entry| entry.contender.model.clone();
    let (next, to_next) = (name(next), times(language, to_next));
    let base = slower.iter().find(|entry| entry.contender.model == BASELINE);
    let base = base.filter(|base| name(base) != next).and_then(|base| base.ratio_to_best);
    let and_base = base.map(|ratio| {
        let ratio = times(language, ratio);
        said!(language, ", {ratio} as fast as {BASELINE}", ", {BASELINE}보다 {ratio}")
    });
    let and_base = and_base.unwrap_or_default();
    said!(
        language,
        "{fastest}: {to_next} as fast as {next}{and_base}",
        "{fastest}. {next}보다 {to_next}{and_base} 빠릅니다"
    )
}

/// How far the best are ahead of `sequential`, or of the last.
fn ahead(language: Language, slower: &[&Entry]) -> String {
    let base = slower.iter().find(|entry| entry.contender.model == BASELINE).or(slower.last());
    let ratio = base.and_then(|base| Some((&base.contender.model, base.ratio_to_best?)));
    ratio.map_or_else(String::new, |(base, ratio)| {
        let ratio = times(language, ratio);
        said!(
            language,
            "; the best is {ratio} as fast as {base}",
            ". 가장 빠른 모델은 {base}보다 {ratio} 빠릅니다"
        )
    })
}

/// How many more rounds would tell.
fn more(language: Language, undecided: &[&Entry]) -> String {
    let mut most = 0;
    for entry in undecided {
        match entry.relation {
            Relation::Undecided(Some(More::About(rounds))) => most = most.max(rounds),
            Relation::Undecided(Some(More::MoreThan(rounds))) => {
                let rounds = units::count(rounds as u64);
                return said!(
                    language,
                    ": it would take more than {rounds} more",
                    ". 가리려면 라운드가 {rounds}번보다 더 있어야 합니다"
                );
            }
            _ => {}
        }
    }
    if most == 0 {
        return String::new();
    }
    let most = units::count(most as u64);
    said!(language, ": about {most} more would tell", ". 약 {most}번 더 하면 가릴 수 있습니다")
}

/// Nothing is ranked.
fn unranked(language: Language, entries: &[Entry], about: &RaceInfo) -> String {
    let reasons: Vec<(&Entry, &NotRanked)> = entries
        .iter()
        .filter_map(|entry| match &entry.relation {
            Relation::NotRanked(reason) => Some((entry, reason)),
            _ => None,
        })
        .collect();
    let any = |is: fn(&NotRanked) -> bool| reasons.iter().any(|(_, reason)| is(reason));
    let all = |is: fn(&NotRanked) -> bool| reasons.iter().all(|(_, reason)| is(reason));
    if about.items == 0 {
        return said!(
            language,
            "there were no items: there is nothing to compare",
            "항목이 없어서 비교할 것이 없습니다"
        );
    }
    if entries.iter().all(|entry| entry.rounds() == 0) {
        return said!(
            language,
            "no round was complete: there is nothing to compare",
            "끝까지 마친 라운드가 없어서 비교할 것이 없습니다"
        );
    }
    if all(|reason| matches!(reason, NotRanked::AllFailed)) {
        return said!(
            language,
            "all items failed under every model, so there is nothing to compare",
            "모든 모델에서 항목이 모두 실패해서 비교할 것이 없습니다"
        );
    }
    if any(|reason| matches!(reason, NotRanked::TooShort)) {
        return said!(
            language,
            "the work is over before the clock has moved: race on more items",
            "시계가 움직이기도 전에 작업이 끝납니다. 항목을 더 많이 주고 다시 비교하세요"
        );
    }
    if any(|reason| matches!(reason, NotRanked::TooFewRounds { .. })) {
        return too_few_rounds(language, entries, &reasons);
    }
    let alone = reasons.iter().find(|(_, reason)| matches!(reason, NotRanked::Alone));
    if let Some((entry, _)) = alone {
        let model = &entry.contender.model;
        return if entries.len() == 1 {
            said!(
                language,
                "{model} ran alone, so there is nothing to compare it with",
                "{model} 모델만 실행되어서 비교할 상대가 없습니다"
            )
        } else {
            said!(
                language,
                "only {model} can be ranked, so there is nothing to compare it with",
                "순위를 매길 수 있는 모델이 {model} 하나라서 비교할 상대가 없습니다"
            )
        };
    }
    if all(|reason| matches!(reason, NotRanked::Differs(_))) {
        return said!(
            language,
            "the same items ended differently from run to run under every model, so there is nothing to compare",
            "모든 모델에서 같은 항목이 실행할 때마다 다르게 끝나서 비교할 것이 없습니다"
        );
    }
    said!(
        language,
        "no two models did the same work, so there is nothing to compare",
        "같은 일을 한 모델이 둘이 안 되어서 비교할 것이 없습니다"
    )
}

/// Too few rounds to rank anything; what differs by a factor each time is told all the same.
fn too_few_rounds(
    language: Language,
    entries: &[Entry],
    reasons: &[(&Entry, &NotRanked)],
) -> String {
    let slow = reasons.iter().filter_map(|(entry, reason)| match reason {
        NotRanked::TooFewRounds { at_least_twice: Some(other) } => {
            let model = &entry.contender.model;
            Some(said!(
                language,
                "{model} took at least 2× as long as {other} each time",
                "{model} 모델은 매번 {other}보다 적어도 2배 오래 걸렸습니다"
            ))
        }
        _ => None,
    });
    let slow = slow.collect::<Vec<_>>();
    let rounds = entries.iter().map(Entry::rounds).max().unwrap_or(0);
    let are = if rounds == 1 { "round is" } else { "rounds are" };
    let fewest = super::Comparison::FEWEST_ROUNDS;
    let few = said!(
        language,
        "{rounds} {are} too few to rank anything; it takes {fewest}",
        "라운드가 {rounds}번뿐이라 순위를 매길 수 없습니다. {fewest}번은 있어야 합니다"
    );
    if slow.is_empty() {
        return few;
    }
    let slow = match language {
        Language::English => slow.join(", "),
        Language::Korean => slow.join(". "),
    };
    said!(language, "{slow}; {few}", "{slow}. {few}")
}

/// `a, b and c`
fn names(language: Language, entries: &[&Entry]) -> String {
    let names: Vec<_> = entries.iter().map(|entry| entry.contender.model.clone()).collect();
    list(language, &names)
}

/// `2.1× (1.9–2.3)`, `2.1배(1.9–2.3)`
fn times(language: Language, ratio: Interval) -> String {
    match language {
        Language::English => interval(ratio),
        Language::Korean => interval(ratio).replace("× ", "배"),
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
