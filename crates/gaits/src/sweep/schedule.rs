//! How long each run of a sweep takes, and how many rounds there are: from what was seen while looking how far to go, and from what
//! may be spent. Limit: pure arithmetic.

use std::time::Duration;

/// Rounds that each number of workers is to have; on fewer, intervals are wide.
pub(super) const ROUNDS: u64 = 6;
/// Rounds without which nothing can be said: one shows not how much rounds differ.
pub(super) const FEWEST_ROUNDS: u64 = 2;
/// A run lasts so many times as long as an item takes with the fewest workers, so that its start and its end hardly count.
const ITEMS_LONG: f64 = 10.0;
/// It lasts at least as long as an item takes with its own number of workers, where items may queue,
const QUEUED_LONG: f64 = 1.0;
/// and so many times as long as one takes with the fewest: a run has no steady part before its first item is done.
const FIRST_LONG: f64 = 1.5;
/// It lasts at least so long, so that hiccups of the machine hardly count.
const LEAST: Duration = Duration::from_millis(250);
/// A run that looks how far to go lasts at least so long.
pub(super) const LOOK_LEAST: Duration = Duration::from_millis(50);
/// Runs are shortened to the largest of these shares with which there is time for enough rounds, or else to the last.
const SHARES: [f64; 8] = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3];
/// Requests of each worker in a run, if their number is limited: the first and the last are its start and its end.
const EACH: u64 = 3;
/// Requests of a run at least.
const FEWEST_ITEMS: u64 = 8;

/// What is known of one number of workers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Known {
    pub(super) workers: u32,
    /// How long an item takes on average.
    pub(super) item: Duration,
    /// How long a run takes beside its time: processes are started and ended.
    pub(super) fixed: Duration,
}

/// How a number of workers is run in each round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// For so long new items are started.
    pub(super) time: Duration,
    /// At most so many items.
    pub(super) items: u64,
}

/// What the rounds have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schedule {
    /// One for each number of workers, in their order.
    pub(super) runs: Vec<Run>,
    /// So many rounds there are at least, as far as can be foreseen.
    pub(super) rounds: u64,
    /// No more than so many, if each number of workers has a time of its own.
    pub(super) most_rounds: Option<u64>,
}

/// What may be spent on the rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    /// So much is left for all.
    Left(Duration),
    /// Each number of workers has so much, in all rounds together.
    EachPoint(Duration),
}

/// Why there is no schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooLittle {
    /// The rounds need so much time.
    Time(Duration),
    /// The rounds need so many items.
    Items(u64),
}

/// How many items a run has at least, if their number is limited.
pub(super) fn items_of(workers: u32) -> u64 {
    (u64::from(workers) * EACH).max(FEWEST_ITEMS)
}

/// The schedule for numbers of workers that are `known`, with so much `time`; of the list each run has `most` items at most, and all
/// runs together have `items`, if that is limited.
pub(super) fn schedule(
    known: &[Known],
    time: Time,
    most: u64,
    items: Option<u64>,
) -> Result<Schedule, TooLittle> {
    let quickest = known.iter().map(|one| one.item).min().unwrap_or_default();
    let time_of = |one: &Known, share: f64| match time {
        Time::EachPoint(time) => time.div_f64(ROUNDS as f64),
        Time::Left(_) => {
            let wished = quickest.mul_f64(ITEMS_LONG).max(LEAST).mul_f64(share);
            wished.max(quickest.mul_f64(FIRST_LONG) + one.item.mul_f64(QUEUED_LONG))
        }
    };
    let round = |share: f64| -> Duration {
        known.iter().map(|one| time_of(one, share) + one.fixed + one.item).sum()
    };
    let (share, rounds) = match time {
        Time::EachPoint(_) => (1.0, ROUNDS),
        Time::Left(left) => {
            let rounds = |share: f64| left.as_secs_f64() / round(share).as_secs_f64().max(1e-9);
            let share = SHARES.into_iter().find(|share| rounds(*share) >= ROUNDS as f64);
            let share = share.unwrap_or(SHARES[SHARES.len() - 1]);
            if rounds(share) < FEWEST_ROUNDS as f64 {
                return Err(TooLittle::Time(round(share).mul_f64(FEWEST_ROUNDS as f64)));
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it saturates"
            )]
            (share, ROUNDS.min(rounds(share) as u64))
        }
    };
    let base: u64 = known.iter().map(|one| items_of(one.workers).min(most)).sum();
    let (times, rounds) = match items {
        None => (None, rounds),
        Some(items) => {
            let rounds = rounds.min(items / base.max(1));
            if rounds < FEWEST_ROUNDS {
                return Err(TooLittle::Items(base * FEWEST_ROUNDS));
            }
            (Some(items as f64 / (base * rounds).max(1) as f64), rounds)
        }
    };
    let most_rounds = matches!(time, Time::EachPoint(_)).then_some(rounds);
    let runs = known.iter().map(|one| {
        let items = items_of(one.workers).min(most);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
        let more = |times: f64| ((items as f64 * times) as u64).clamp(items, most);
        Run { time: time_of(one, share), items: times.map_or(most, more) }
    });
    Ok(Schedule { runs: runs.collect(), rounds, most_rounds })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(workers: u32, item_ms: u64) -> Known {
        Known { workers, item: Duration::from_millis(item_ms), fixed: Duration::from_millis(10) }
    }

    fn seconds(seconds: u64) -> Time {
        Time::Left(Duration::from_secs(seconds))
    }

    #[test]
    fn with_time_enough_a_run_lasts_ten_times_as_long_as_an_item() {
        let all = [known(1, 50), known(2, 50), known(64, 1000)];
        let planned = schedule(&all, seconds(60), u64::MAX, None).unwrap();
        let times: Vec<u128> = planned.runs.iter().map(|run| run.time.as_millis()).collect();
        assert_eq!((times, planned.rounds), (vec![500, 500, 1075], ROUNDS));
        assert_eq!(planned.most_rounds, None);
    }

    #[test]
    fn with_less_time_runs_are_shorter_then_rounds_fewer_and_then_it_is_refused() {
        let all = [known(1, 50), known(2, 50), known(64, 100)];
        let shorter = schedule(&all, seconds(8), u64::MAX, None).unwrap();
        assert_eq!(shorter.rounds, ROUNDS);
        assert!((200..500).contains(&shorter.runs[0].time.as_millis()), "{shorter:?}");
        let fewer = schedule(&all, seconds(3), u64::MAX, None).unwrap();
        assert_eq!((fewer.rounds, fewer.runs[0].time.as_millis()), (4, 150));
        let refused = schedule(&all, seconds(1), u64::MAX, None);
        assert_eq!(refused, Err(TooLittle::Time(Duration::from_millis(1410))));
    }

    #[test]
    fn requests_are_limited_in_all() {
        let all = [known(1, 1), known(16, 1)];
        let limited = |items| schedule(&all, seconds(60), u64::MAX, Some(items));
        let planned = limited(500).unwrap();
        assert_eq!((planned.rounds, planned.most_rounds), (6, None));
        let sum: u64 = planned.runs.iter().map(|run| run.items).sum();
        assert!((450..=500).contains(&(6 * sum)), "{planned:?}");
        assert_eq!(limited(180).unwrap().rounds, 3);
        assert_eq!(limited(111), Err(TooLittle::Items(112)));
    }

    #[test]
    fn a_time_for_each_point_is_dealt_out_over_the_rounds() {
        let each = Time::EachPoint(Duration::from_secs(6));
        let planned = schedule(&[known(1, 50), known(2, 50)], each, 9, None).unwrap();
        assert_eq!(planned.runs[0], Run { time: Duration::from_secs(1), items: 9 });
        assert_eq!(planned.most_rounds, Some(6));
    }
}
