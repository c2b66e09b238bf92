//! The answer of a sweep: how many workers are recommended, and why no more; or why that can't be told.

use super::beyond::beyond;
use super::{all_failed, unusable, whole, workers};
use crate::language::{Language, Said, said};
use crate::scalability::points::Point;
use crate::scalability::target::Kept;
use crate::scalability::verdict::Recommended;
use crate::scalability::{ModelSweep, NoMore, Refused, SweepInfo};

/// The answer of a model, in one line.
pub(in crate::scalability) fn answer(
    language: Language,
    model: &ModelSweep,
    about: &SweepInfo,
    from_elsewhere: bool,
) -> String {
    match (&model.recommended, about.targets.is_empty()) {
        (Some(recommended), true) => {
            let named = workers(language, recommended.workers, from_elsewhere);
            let more = beyond(language, model, about, recommended, from_elsewhere);
            format!("{named}{more}")
        }
        (Some(recommended), false) => kept(language, model, about, recommended),
        (None, _) => nothing(language, model, about, from_elsewhere),
    }
}

fn targets(language: Language, about: &SweepInfo) -> String {
    let targets: Vec<String> = about.targets.iter().map(ToString::to_string).collect();
    targets.join(&said!(language, " and ", ", "))
}

/// What of the targets a point does not surely keep, as it was measured.
fn broken(language: Language, point: &Point) -> String {
    let broken = point.targets.iter().filter(|(kept, _)| *kept != Kept::Yes);
    let measured: Vec<&str> = broken.map(|(_, measured)| measured.within(language)).collect();
    measured.join(", ")
}

/// What becomes of the targets with more workers than are recommended.
fn kept(
    language: Language,
    model: &ModelSweep,
    about: &SweepInfo,
    recommended: &Recommended,
) -> String {
    let named = workers(language, recommended.workers, false);
    let targets = targets(language, about);
    let Some(next) = model.points.iter().find(|point| point.workers > recommended.workers) else {
        return said!(
            language,
            "{named}, the most that were tried, keep {targets}",
            "{named}(시험해 본 가장 큰 수)까지 목표를 지킵니다({targets})",
        );
    };
    let more = whole(next.workers);
    if let Some(why) = unusable(language, next) {
        return said!(
            language,
            "{named} keep {targets}: with {more}, {why}",
            "{named}까지 목표를 지킵니다({targets}). {more}개일 때 {why}",
        );
    }
    let why = broken(language, next);
    let it_is = if why.starts_with("too few") { "there are" } else { "it is" };
    said!(
        language,
        "{named} keep {targets}: with {more} {it_is} {why}",
        "{named}까지 목표를 지킵니다({targets}). {more}개일 때: {why}",
    )
}

/// Why there is no answer.
fn nothing(
    language: Language,
    model: &ModelSweep,
    about: &SweepInfo,
    from_elsewhere: bool,
) -> String {
    if let Some(refused) = about.refused.as_ref().filter(|refused| refused.model == model.name) {
        return was_refused(language, model, refused);
    }
    let swept = about.models.iter().find(|swept| swept.name == model.name);
    if let Some(NoMore::Failures { workers: number, share }) = swept.and_then(|swept| swept.no_more)
        && share >= 1.0
    {
        return with(language, number as f64, from_elsewhere, &all_failed(language));
    }
    if !about.targets.is_empty()
        && let Some(first) = model.usable().next()
    {
        let (targets, measured) = (targets(language, about), broken(language, first));
        let named = workers(language, first.workers, from_elsewhere);
        let have = if first.workers > 1.0 { "have" } else { "has" };
        return said!(
            language,
            "no number of workers that was tried surely keeps {targets}: {named} {have} {measured}",
            "시험해 본 워커 수 가운데 목표를 확실히 지키는 것이 없습니다({targets}). {named}일 때: {measured}",
        );
    }
    let mut usable = model.usable();
    match (usable.next(), usable.next(), model.points.first()) {
        (None, _, Some(first)) if let Some(why) = unusable(language, first) => {
            with(language, first.workers, from_elsewhere, &why)
        }
        (None, ..) => nothing_measured(language),
        (Some(point), None, _) => {
            let named = workers(language, point.workers, from_elsewhere);
            said!(
                language,
                "no answer: one point, {named}, says nothing of more or fewer; it takes two or more",
                "답이 없습니다. 점 하나({named})로는 더 많거나 적을 때를 알 수 없습니다. 점이 2개는 있어야 합니다",
            )
        }
        _ => said!(
            language,
            "no answer: throughput is 0 in all points",
            "답이 없습니다. 모든 점에서 처리량이 0입니다",
        ),
    }
}

/// There is no answer because of what happened with so many workers.
fn with(language: Language, number: f64, from_elsewhere: bool, why: &str) -> String {
    let named = workers(language, number, from_elsewhere);
    said!(language, "no answer: with {named}, {why}", "답이 없습니다. {named}일 때 {why}")
}

fn nothing_measured(language: Language) -> String {
    said!(language, "no answer: nothing was measured", "답이 없습니다. 측정한 것이 없습니다")
}

fn was_refused(language: Language, model: &ModelSweep, refused: &Refused) -> String {
    let below = model.points.iter().rev().find(|point| point.workers < refused.workers as f64);
    let (asked, status) = (workers(language, refused.workers as f64, false), refused.status);
    let fewer = match below.map(|below| workers(language, below.workers, false)) {
        None => said!(language, "it wants fewer requests", "요청을 더 적게 보내야 합니다"),
        Some(below) => {
            said!(language, "not what {below} did", "{below}일 때는 거절하지 않았습니다")
        }
    };
    said!(
        language,
        "no answer: the server refused (status {status}) what {asked} asked for; {fewer}",
        "답이 없습니다. {asked}일 때 서버가 거절했습니다(상태 {status}). {fewer}",
    )
}

/// The answer of all models together.
pub(in crate::scalability) fn overall(models: &[ModelSweep]) -> Said {
    match models {
        [only] => only.sentence.clone(),
        models => Said::of(|language| of_several(language, models)),
    }
}

fn of_several(language: Language, models: &[ModelSweep]) -> String {
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
        let each =
            |model: &ModelSweep| format!("{}: {}", model.name, model.sentence.within(language));
        let all = models.iter().map(each).collect::<Vec<_>>().join("; ");
        return if all.is_empty() { nothing_measured(language) } else { all };
    };
    let as_fast = others.iter().filter(|(_, (_, (_, high)))| high >= low);
    let equal = as_fast.filter_map(|(model, _)| {
        let (name, number) = (&model.name, whole(model.recommended?.workers));
        Some(said!(language, "{name} with {number}", "{name} {number}개"))
    });
    let equal: Vec<String> = equal.collect();
    let (are, equal) = (if equal.len() == 1 { "is" } else { "are" }, equal.join(", "));
    let or = if equal.is_empty() {
        String::new()
    } else {
        said!(
            language,
            " ({equal} {are} as fast, as far as can be told)",
            " (측정으로 알 수 있는 한 다음도 똑같이 빠릅니다: {equal})",
        )
    };
    let (name, sentence) = (&first.name, first.sentence.within(language));
    said!(language, "{name} with {sentence}{or}", "{name}, {sentence}{or}")
}
