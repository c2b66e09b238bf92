//! Why no more workers than are recommended, in words.

use super::{percent, unusable, whole};
use crate::language::{Language, said};
use crate::scalability::fitted::LimitKind;
use crate::scalability::points::Point;
use crate::scalability::verdict::{Recommended, Trend, kind_of_limit};
use crate::scalability::{ModelSweep, NoMore, Refused, SweepInfo};
use crate::{Phases, units};

/// From so many times the time on, an item takes longer.
const LONGER: f64 = 1.3;
/// A phase that has at least this part in how much longer items take is what makes them take longer.
const MOST_OF_IT: f64 = 0.5;
/// With twice the workers, so many times as many are in flight if they are at work at all.
const MORE_IN_FLIGHT: f64 = 1.2;

/// Why no more workers than are recommended, after their number.
pub(super) fn beyond(
    language: Language,
    model: &ModelSweep,
    about: &SweepInfo,
    recommended: &Recommended,
    from_elsewhere: bool,
) -> String {
    let refused = about.refused.as_ref().filter(|refused| refused.model == model.name);
    if model.trend == Trend::Growing {
        return match (model.limit, recommended.range, refused) {
            (Some(limit), Some((low, _)), None) => {
                at_limit(language, limit.knee.estimate, low, recommended.workers)
            }
            _ => at_most(language, model, about, recommended, refused),
        };
    }
    let here = model.usable().find(|point| point.workers >= recommended.workers);
    let Some((here, last)) = here.zip(model.usable().next_back()) else { return String::new() };
    let falls = model.trend == Trend::Falling;
    if from_elsewhere && falls {
        return said!(
            language,
            ": beyond that throughput gains little, and then falls",
            ": 그보다 많으면 처리량이 거의 늘지 않다가 줄어듭니다",
        );
    }
    if from_elsewhere {
        return said!(
            language,
            ": beyond that throughput hardly grows",
            ": 그보다 많으면 처리량이 거의 늘지 않습니다",
        );
    }
    match cause(language, model, about, here, last) {
        None => said!(
            language,
            ": more are not kept in flight",
            ": 그보다 많아도 동시에 처리하는 것이 늘지 않습니다",
        ),
        Some(cause) if falls => said!(
            language,
            ": {cause}, and throughput falls in the end",
            ": {cause}. 처리량은 끝에 가서 줄어듭니다",
        ),
        Some(cause) => format!(": {cause}"),
    }
}

/// Throughput grows a little up to the most that were tried, and a limit is seen before.
fn at_limit(language: Language, knee: f64, low: f64, recommended: f64) -> String {
    let few = if low < recommended {
        let low = whole(low);
        said!(language, ", or as few as {low}", ", 적게는 {low}개")
    } else {
        String::new()
    };
    let knee = units::number(knee);
    said!(
        language,
        "{few}: from {knee} in flight on, throughput hardly grows",
        "{few}: 동시에 {knee}개를 처리하는 데서부터는 처리량이 거의 늘지 않습니다",
    )
}

/// Throughput grows up to the most that were tried: why there were no more.
fn at_most(
    language: Language,
    model: &ModelSweep,
    about: &SweepInfo,
    recommended: &Recommended,
    refused: Option<&Refused>,
) -> String {
    let next = model.points.iter().find(|point| point.workers > recommended.workers);
    let next = next.and_then(|point| Some((whole(point.workers), unusable(language, point)?)));
    let why = match (refused, next) {
        (Some(refused), _) => {
            let (workers, status) = (units::count(refused.workers), refused.status);
            said!(
                language,
                "with {workers} the server refused (status {status})",
                "{workers}개일 때 서버가 거절했습니다(상태 {status})",
            )
        }
        (None, Some((more, why))) => said!(language, "with {more}, {why}", "{more}개일 때 {why}"),
        (None, None) => no_more(language, model, about),
    };
    said!(language, ", the most that were tried: {why}", "(시험해 본 가장 큰 수): {why}")
}

/// What makes more workers than `here` worth nothing, up to `last`; none if they are not at work at all.
fn cause(
    language: Language,
    model: &ModelSweep,
    about: &SweepInfo,
    here: &Point,
    last: &Point,
) -> Option<String> {
    let usable: Vec<&Point> = model.usable().collect();
    let limit = kind_of_limit(&model.name, &usable, about);
    let grew = |of: fn(&Point) -> Option<f64>, times: f64| {
        of(here).zip(of(last)).is_some_and(|(here, last)| last >= times * here)
    };
    let more_in_flight = grew(|point| point.in_flight, MORE_IN_FLIGHT);
    let longer = grew(Point::response_s, LONGER);
    let each = |point: &Point, us: u64| us as f64 / point.tally.items().max(1) as f64;
    // Only items of `http` have phases.
    let is_most = |phase: fn(&Phases) -> u64| {
        let more = |of: &dyn Fn(&Point) -> u64| each(last, of(last)) - each(here, of(here));
        let in_all = more(&|point| point.tally.at_work_us());
        in_all > 0.0 && more(&|point| phase(point.tally.phases())) >= MOST_OF_IT * in_all
    };
    Some(match limit {
        LimitKind::Cores => busy_cores(language, about, last),
        _ if !more_in_flight => return None,
        LimitKind::SharedCores => {
            let cores = about.job.cores;
            said!(
                language,
                "the machine's {cores} cores, which the server needs as well, are busy",
                "서버도 함께 쓰는 이 컴퓨터의 코어 {cores}개가 이미 바쁩니다",
            )
        }
        _ if longer && is_most(|phases| phases.first_byte_us) => said!(
            language,
            "beyond that the server queues, and each waits longer",
            "그보다 많으면 요청이 서버의 대기열에 쌓여, 저마다 더 오래 기다립니다",
        ),
        _ if longer && is_most(|phases| phases.body_us) => said!(
            language,
            "beyond that the network, or how fast the server sends, is the limit, and each body takes longer",
            "그보다 많으면 네트워크, 아니면 서버가 보내는 속도가 한계여서, 본문을 받는 데 저마다 더 오래 걸립니다",
        ),
        _ if longer => said!(
            language,
            "beyond that throughput hardly grows, and each takes longer",
            "그보다 많으면 처리량은 거의 늘지 않고, 저마다 더 오래 걸립니다",
        ),
        _ => said!(
            language,
            "beyond that throughput hardly grows",
            "그보다 많으면 처리량이 거의 늘지 않습니다",
        ),
    })
}

/// The cores are busy, or as many of them as there are threads.
fn busy_cores(language: Language, about: &SweepInfo, last: &Point) -> String {
    let fewer_threads = last.threads < about.job.cores;
    let (of, thing) = if fewer_threads { ("its", "thread") } else { ("the", "core") };
    let korean = if fewer_threads { "스레드" } else { "코어" };
    match about.job.cores.min(last.threads).max(1) {
        1 => said!(
            language,
            "{of} one {thing} is busy, and more workers only share it",
            "하나뿐인 {korean}가 이미 바빠서, 워커를 늘려도 나누어 쓸 뿐입니다",
        ),
        cores => said!(
            language,
            "{of} {cores} {thing}s are busy, and more workers only share them",
            "{korean} {cores}개가 이미 바빠서, 워커를 늘려도 나누어 쓸 뿐입니다",
        ),
    }
}

/// Why no more workers were tried where throughput still grew.
fn no_more(language: Language, model: &ModelSweep, about: &SweepInfo) -> String {
    let swept = about.models.iter().find(|swept| swept.name == model.name);
    match swept.and_then(|swept| swept.no_more) {
        None => said!(
            language,
            "throughput still grows there, so more may be better",
            "처리량이 아직 늘고 있어서, 워커가 더 많은 쪽이 나을 수 있습니다",
        ),
        Some(NoMore::CanHave) => said!(
            language,
            "throughput still grows there, but it can't have twice as many",
            "처리량이 아직 늘고 있지만, 이 모델은 워커를 두 배로 늘릴 수 없습니다",
        ),
        Some(NoMore::Failures { workers, share }) => {
            let (workers, share) = (units::count(workers), percent(share));
            said!(
                language,
                "with {workers}, {share} of the items failed",
                "{workers}개일 때 항목의 {share}가 실패했습니다",
            )
        }
        Some(NoMore::Missing { workers, missing }) => {
            let (workers, missing) = (units::count(workers), units::count(missing));
            said!(
                language,
                "with {workers}, {missing} of them could not be started",
                "{workers}개일 때 그중 {missing}개를 시작하지 못했습니다",
            )
        }
        Some(NoMore::Time) => said!(
            language,
            "throughput still grows there; a larger --budget has time for more",
            "처리량이 아직 늘고 있습니다. --budget을 늘리면 더 시험해 볼 수 있습니다",
        ),
        Some(NoMore::Requests) => said!(
            language,
            "throughput still grows there; a larger --max-requests allows more",
            "처리량이 아직 늘고 있습니다. --max-requests를 늘리면 더 시험해 볼 수 있습니다",
        ),
    }
}
