//! What a sweep says, in sentences. Limit: it decides nothing; each sentence is made from what was decided, with the numbers beside it.

mod answer;
mod beyond;
mod notes;

pub(super) use answer::{answer, overall};
pub(super) use notes::{explained, notes};

use super::points::{Point, PointState};
use crate::language::{Language, said};
use crate::stats::Interval;
use crate::units;

/// `24 workers`, or `n = 24` for points from elsewhere.
fn workers(language: Language, number: f64, from_elsewhere: bool) -> String {
    let shown = whole(number);
    if from_elsewhere {
        return format!("n = {shown}");
    }
    let english = if shown == "1" { "worker" } else { "workers" };
    said!(language, "{shown} {english}", "워커 {shown}개")
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

/// Why a point does not count, after the words "with 24 workers,".
fn unusable(language: Language, point: &Point) -> Option<String> {
    Some(match point.state {
        PointState::Usable => return None,
        PointState::TooFewRounds => said!(
            language,
            "fewer than two rounds were measured",
            "측정한 라운드가 2번이 안 됩니다",
        ),
        PointState::Unsteady => said!(
            language,
            "rounds differ too much to tell anything",
            "라운드마다 차이가 너무 커서 아무것도 알 수 없습니다",
        ),
        PointState::Degraded { missing_workers } => {
            let missing = units::count(missing_workers);
            said!(
                language,
                "{missing} of them could not be started",
                "그중 {missing}개를 시작하지 못했습니다",
            )
        }
        PointState::AllFailed => all_failed(language),
        PointState::Failing => {
            let share = percent(point.errors());
            said!(language, "{share} of the items failed", "항목의 {share}가 실패했습니다")
        }
    })
}

fn all_failed(language: Language) -> String {
    said!(language, "all items failed", "항목이 모두 실패했습니다")
}

/// `96.5 (88.2–110)`
fn in_interval(of: Interval) -> String {
    let [one, low, high] = [of.estimate, of.low, of.high].map(units::number);
    format!("{one} ({low}–{high})")
}

fn percent(share: f64) -> String {
    format!("{} %", units::number(share * 100.0))
}
