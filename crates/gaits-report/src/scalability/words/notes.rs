//! What explains the numbers of a sweep, and what else is to be known of it.

use super::{in_interval, percent, unusable, whole, workers};
use crate::language::{Language, Said, said};
use crate::scalability::fitted::{FittedLaw, Limit, LimitKind, NoFit, Peak};
use crate::scalability::points::PointState;
use crate::scalability::verdict::Recommended;
use crate::scalability::{ModelSweep, SweepInfo};
use crate::stats::MIN_ROUNDS;
use crate::units;

/// On fewer points, a law of three numbers is easily found where there is none.
const FEW_POINTS: usize = 6;

/// What explains the numbers of a model: the law, or its limit.
pub(in crate::scalability) fn explained(model: &ModelSweep, from_elsewhere: bool) -> Option<Said> {
    let law = model.law.as_ref();
    let law = law.map(|law| Said::of(|language| of_law(language, law, from_elsewhere)));
    law.or_else(|| model.limit.map(|limit| Said::of(|language| of_limit(language, limit))))
}

fn of_law(language: Language, fitted: &FittedLaw, from_elsewhere: bool) -> String {
    let per_second = if from_elsewhere { "" } else { "/s" };
    let [alpha, alpha_low, alpha_high] =
        [fitted.alpha.estimate, fitted.alpha.low, fitted.alpha.high]
            .map(|part| digits(part * 100.0));
    let [beta, beta_low, beta_high] =
        [fitted.beta.estimate, fitted.beta.low, fitted.beta.high].map(digits);
    let gamma = in_interval(fitted.gamma);
    said!(
        language,
        "the scalability law: {gamma}{per_second} for one alone (γ), {alpha} % ({alpha_low}–{alpha_high}) of the work is \
         done one at a time (α), and agreeing with each other costs {beta} ({beta_low}–{beta_high}) for each two (β)",
        "확장성 법칙: 혼자일 때 {gamma}{per_second}(γ), 작업에서 한 번에 하나씩만 할 수 있는 부분 {alpha} % \
         ({alpha_low}–{alpha_high})(α), 둘씩 서로 맞추는 데 드는 비용 {beta} ({beta_low}–{beta_high})(β)",
    )
}

fn of_limit(language: Language, limit: Limit) -> String {
    let [rate, knee]: [String; 2] = [limit.rate, limit.knee].map(in_interval);
    let what = match limit.kind {
        LimitKind::Cores => said!(language, "the cores set a limit of", "코어 때문에 생긴 한계는"),
        LimitKind::SharedCores => said!(
            language,
            "the cores, shared with the server, set a limit of",
            "서버와 함께 쓰는 코어 때문에 생긴 한계는",
        ),
        LimitKind::RateLimit => said!(
            language,
            "the server's rate limit is reached: a limit of",
            "서버의 속도 제한(rate limit)에 닿았습니다. 한계는",
        ),
        LimitKind::Unknown => said!(language, "a limit of", "한계는"),
    };
    said!(
        language,
        "{what} {rate}/s, reached with {knee} in flight: throughput grows in proportion up to there and then stays, which \
         is a kink and not the scalability law's curve",
        "{what} {rate}/s이고, 동시에 처리하는 수가 {knee}일 때 닿습니다. 처리량이 거기까지는 비례해서 늘다가 그대로 멈추므로, \
         확장성 법칙의 곡선이 아니라 꺾인 선입니다",
    )
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
pub(in crate::scalability) fn notes(
    model: &ModelSweep,
    about: &SweepInfo,
    no_fit: Option<NoFit>,
    from_elsewhere: bool,
) -> Vec<Said> {
    let usable = model.usable().count();
    let left_out =
        model.points.iter().filter(|point| point.state != PointState::Usable && usable > 0);
    let mut notes: Vec<Said> = left_out
        .map(|point| {
            Said::of(|language| {
                let named = workers(language, point.workers, from_elsewhere);
                let why = unusable(language, point).unwrap_or_default();
                said!(
                    language,
                    "with {named}, {why}: left out",
                    "{named}일 때 {why}. 그래서 뺐습니다"
                )
            })
        })
        .collect();
    if let Some(Recommended { range: Some((low, high)), .. }) = model.recommended
        && low < high
    {
        let (low, high) = (whole(low), whole(high));
        notes.push(Said::of(|language| if about.targets.is_empty() { said!(
                language,
                "rounds differ so much that the right number may be any from {low} to {high}",
                "라운드마다 차이가 커서, 알맞은 수는 {low}에서 {high}까지 어느 것이든 될 수 있습니다",
            ) } else { said!(
                language,
                "too few items to tell whether up to {high} workers keep it, too",
                "항목이 모자라서, 워커 {high}개까지도 목표를 지키는지 알 수 없습니다",
            ) }));
    }
    notes.extend(peak(model, from_elsewhere));
    notes.extend(without_fit(model, no_fit));
    if (2..FEW_POINTS).contains(&usable) {
        let by = if from_elsewhere { "measure" } else { "--workers names" };
        notes.push(Said::of(|language| {
            said!(
                language,
                "{usable} points are few for a law of three numbers: {by} at least {FEW_POINTS}",
                "점 {usable}개는 세 숫자로 된 법칙을 구하기에 적습니다. 적어도 {FEW_POINTS}개를 재세요",
            )
        }));
    }
    let fewest = model.usable().filter_map(|point| Some(point.sample.as_ref()?.rounds.len())).min();
    if let Some(rounds) = fewest.filter(|rounds| (1..MIN_ROUNDS).contains(rounds)) {
        notes.push(Said::of(|language| {
            said!(
                language,
                "some points have only {rounds} rounds that can be used, so intervals are wide: a larger --budget \
                 narrows them",
                "쓸 수 있는 라운드가 {rounds}번뿐인 점이 있어서 구간이 넓습니다. --budget을 늘리면 좁아집니다",
            )
        }));
    }
    notes
}

/// Where throughput is highest, as far as that is known.
fn peak(model: &ModelSweep, from_elsewhere: bool) -> Option<Said> {
    let most = model.usable().filter_map(|point| point.in_flight).fold(0.0, f64::max);
    let most = units::number(most);
    let per_second = if from_elsewhere { "" } else { "/s" };
    let law = model.law.as_ref()?;
    Some(Said::of(|language| match law.peak {
        Peak::Shown { n, x } => {
            let (n, x) = (in_interval(n), in_interval(x));
            said!(
                language,
                "throughput is highest with {n} in flight, at {x}{per_second}",
                "처리량은 동시에 처리하는 수가 {n}일 때 가장 높습니다: {x}{per_second}",
            )
        }
        Peak::Never => said!(
            language,
            "the data show no peak: by the law, throughput never falls",
            "측정값에 정점이 없습니다. 법칙대로라면 처리량은 줄지 않습니다",
        ),
        Peak::Below => said!(
            language,
            "throughput falls from the fewest in flight on",
            "처리량은 동시에 처리하는 수가 가장 적을 때부터 줄어듭니다",
        ),
        Peak::Beyond => said!(
            language,
            "the data show no peak up to {most} in flight; one beyond that was not measured, and what the law says of it \
             is no evidence",
            "동시에 {most}개까지는 측정값에 정점이 없습니다. 그 너머는 재지 않았고, 그에 대해 법칙이 말하는 것은 증거가 아닙니다",
        ),
        Peak::Unclear => said!(
            language,
            "the data don't show where the peak is: it may be within {most} in flight, or there may be none",
            "측정값으로는 정점이 어디인지 알 수 없습니다. 동시에 {most}개 안에 있을 수도, 아예 없을 수도 있습니다",
        ),
    }))
}

fn without_fit(model: &ModelSweep, no_fit: Option<NoFit>) -> Option<Said> {
    let no_fit = no_fit?;
    let missed = matches!(no_fit, NoFit::Missed(_));
    (missed || model.usable().count() > 1).then(|| {
        Said::of(|language| match no_fit {
            NoFit::TooFewPoints => said!(
                language,
                "too few points for the scalability law: it takes 4 or more",
                "확장성 법칙을 구하기에는 점이 모자랍니다. 4개는 있어야 합니다",
            ),
            NoFit::Missed(share) => {
                let share = percent(share);
                said!(
                    language,
                    "no law fits these points: the best curve misses them by {share} on average, so something else \
                     changed from point to point",
                    "이 점들에 맞는 법칙이 없습니다. 가장 가까운 곡선도 평균 {share} 빗나가므로, 점마다 다른 무엇인가가 달라졌습니다",
                )
            }
            NoFit::NoSpread => said!(
                language,
                "no law can be fitted: about equally many were in flight in all points",
                "법칙을 구할 수 없습니다. 모든 점에서 동시에 처리한 수가 거의 같습니다",
            ),
        })
    })
}
