//! What the progress line says: from the numbers of one moment to a text that fits a terminal.
//!
//! Limit: pure. It reads no clock and no counters, and knows nothing of the terminal but its width.

use gaits::{host_name, is_obeyed, units};

/// As many characters of a host's name are shown.
const NAME_WIDTH: usize = 30;

/// How far a run has come at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Snapshot {
    /// Items that have their record, well or not.
    pub(super) done: u64,
    /// Those of them that failed.
    pub(super) failed: u64,
    /// How many items there are in all, where that is known.
    pub(super) total: Option<u64>,
    /// Items that workers are at.
    pub(super) in_flight: u64,
    /// Items that failed and wait to be tried again.
    pub(super) retrying: u64,
    /// Items a second, of late; none before anything can be said of it.
    pub(super) rate: Option<f64>,
    /// The pacing keys that want to be left alone, and for how long from now on, in microseconds.
    pub(super) paused: Vec<(String, u64)>,
    /// The run does not end before so many microseconds have passed: something waits to be tried again, or is paused.
    pub(super) not_before_us: u64,
    /// What each item that is left takes at least, on average, as the rates have it, in nanoseconds; 0 without any.
    pub(super) ns_per_item: u64,
    /// The pacing keys that hold up the intake, or are the last.
    pub(super) waits_for: Vec<String>,
}

/// A part of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    text: String,
    /// What is first left out where there is no room has the largest number.
    rank: u8,
}

/// The parts of the line, in the order in which they are shown.
pub(super) fn parts(now: &Snapshot) -> Vec<Part> {
    let count = units::count;
    let head = match now.total {
        Some(total) => format!("{}/{}", count(now.done), count(total)),
        None => format!("{} done", count(now.done)),
    };
    let some = |number: u64, what: &str| (number > 0).then(|| format!("{} {what}", count(number)));
    let shown = [
        (0, Some(head)),
        (3, now.rate.map(|rate| format!("{}/s", units::number(rate)))),
        (2, some(now.failed, "failed")),
        (6, some(now.retrying, "to try again")),
        (4, paused(&now.paused)),
        (5, waits_for(now)),
        (7, Some(format!("{} in flight", count(now.in_flight)))),
        (1, left(now)),
    ];
    shown.into_iter().filter_map(|(rank, text)| Some(Part { text: text?, rank })).collect()
}

/// The parts on one line of at most `width` characters: the less important ones are left out where they don't fit.
pub(super) fn fit(mut parts: Vec<Part>, width: usize) -> String {
    loop {
        let texts: Vec<_> = parts.iter().map(|part| part.text.as_str()).collect();
        let line = texts.join(", ");
        let least = parts.iter().enumerate().max_by_key(|(_, part)| part.rank);
        match least {
            Some((place, _)) if line.chars().count() > width && parts.len() > 1 => {
                parts.remove(place);
            }
            _ => return line.chars().take(width).collect(),
        }
    }
}

/// Who wants to be left alone, and until when.
fn paused(keys: &[(String, u64)]) -> Option<String> {
    let (last, left) = keys.iter().max_by_key(|(_, left)| *left)?;
    let (last, left) = (name(last), units::time_left(*left));
    Some(match keys.len() {
        1 => format!("{last} paused for {left}"),
        2 => format!("{last} and 1 other paused for up to {left}"),
        many => format!("{last} and {} others paused for up to {left}", many - 1),
    })
}

/// Who keeps the run from going on, or from its end.
fn waits_for(now: &Snapshot) -> Option<String> {
    let first = name(now.waits_for.first()?);
    let others = match now.waits_for.len() {
        1 => String::new(),
        2 => " and 1 other".to_owned(),
        many => format!(" and {} others", many - 1),
    };
    let left =
        now.total.map(|total| format!(", {} left", units::count(total.saturating_sub(now.done))));
    Some(format!("waiting for {first}{others}{}", left.unwrap_or_default()))
}

/// How long the run takes from now on: what is left at the present rate, or at the rate that is allowed where that is
/// lower, and not less than the longest wait. Items that wait to be tried again are among those that are left.
fn left(now: &Snapshot) -> Option<String> {
    let remaining = now.total?.checked_sub(now.done).filter(|remaining| *remaining > 0)?;
    let wait_us = Some(now.not_before_us).filter(|us| *us > 0);
    let rate = now.rate.filter(|rate| *rate > f64::EPSILON);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast of a float keeps to the range of the integer"
    )]
    let work_us = rate.map(|rate| (remaining as f64 / rate * 1e6) as u64);
    // What is in flight has been started.
    let to_start = remaining.saturating_sub(now.in_flight);
    let paced_us = Some(to_start.saturating_mul(now.ns_per_item) / 1_000).filter(|us| *us > 0);
    match (work_us.max(paced_us), wait_us) {
        (Some(work), Some(wait)) if work < wait => at_least(wait),
        (None, Some(wait)) => at_least(wait),
        (Some(work), _) => Some(format!("{} left", units::time_left(work))),
        (None, None) => None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is one of the answers of `left`")]
fn at_least(us: u64) -> Option<String> {
    Some(format!("at least {} left", units::time_left(us)))
}

/// What people call the host of a pacing key. A terminal would obey an escape in it.
fn name(key: &str) -> String {
    let name: Vec<_> = host_name(key).chars().filter(|c| !is_obeyed(*c)).collect();
    if name.is_empty() {
        return "the work".to_owned();
    }
    if name.len() <= NAME_WIDTH {
        return name.into_iter().collect();
    }
    // The end of a host's name says more than its beginning.
    std::iter::once('…').chain(name[name.len() + 1 - NAME_WIDTH..].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000;

    fn line(now: &Snapshot) -> String {
        fit(parts(now), 1000)
    }

    fn midway() -> Snapshot {
        Snapshot {
            done: 1_200,
            failed: 12,
            total: Some(5_000),
            in_flight: 50,
            retrying: 3,
            rate: Some(100.0),
            paused: vec![("http://api.example:80".into(), 12 * S)],
            not_before_us: 12 * S,
            ns_per_item: 0,
            waits_for: Vec::new(),
        }
    }

    #[test]
    fn it_tells_all_there_is_to_tell() {
        assert_eq!(
            line(&midway()),
            "1,200/5,000, 100/s, 12 failed, 3 to try again, api.example paused for 12 s, 50 in flight, 38 s left"
        );
    }

    #[test]
    fn what_is_not_there_is_not_told() {
        assert_eq!(line(&Snapshot::default()), "0 done, 0 in flight");
        let all = Snapshot { done: 7, total: Some(7), rate: Some(9.0), ..Snapshot::default() };
        assert_eq!(line(&all), "7/7, 9.00/s, 0 in flight");
    }

    #[test]
    fn what_is_less_important_gives_way_on_a_narrow_terminal() {
        let fit = |width| fit(parts(&midway()), width);
        assert_eq!(
            fit(98),
            "1,200/5,000, 100/s, 12 failed, 3 to try again, api.example paused for 12 s, 38 s left"
        );
        assert_eq!(
            fit(80),
            "1,200/5,000, 100/s, 12 failed, api.example paused for 12 s, 38 s left"
        );
        assert_eq!(fit(40), "1,200/5,000, 100/s, 12 failed, 38 s left");
        assert_eq!(fit(22), "1,200/5,000, 38 s left");
        assert_eq!(fit(12), "1,200/5,000");
        assert_eq!(fit(4), "1,20");
    }

    #[test]
    fn the_time_left_counts_waits_and_is_left_out_where_nothing_is_known() {
        let left = |now: Snapshot| left(&now);
        let free = || Snapshot { not_before_us: 0, ..midway() };
        assert_eq!(left(Snapshot { rate: None, ..free() }), None);
        assert_eq!(left(Snapshot { rate: Some(0.0), ..free() }), None);
        assert_eq!(left(Snapshot { total: None, ..midway() }), None);
        let long = Snapshot { not_before_us: 90 * S, ..midway() };
        assert_eq!(left(long.clone()).unwrap(), "at least 1 min 30 s left");
        assert_eq!(left(Snapshot { rate: Some(0.0), ..long }).unwrap(), "at least 1 min 30 s left");
        assert_eq!(left(Snapshot { not_before_us: 20 * S, ..midway() }).unwrap(), "38 s left");
        // A list that grew after it was counted.
        assert_eq!(left(Snapshot { done: 5_001, ..midway() }), None);
        assert_eq!(left(Snapshot { rate: Some(1e-300), ..free() }), None);
    }

    #[test]
    fn the_time_left_is_not_shorter_than_the_rate_allows() {
        // 3,800 items are left, 50 of them at work.
        let paced = |ms: u64| Snapshot { ns_per_item: ms * 1_000_000, ..midway() };
        assert_eq!(left(&paced(100)).unwrap(), "6 min 15 s left");
        assert_eq!(left(&paced(1)).unwrap(), "38 s left");
        assert_eq!(left(&Snapshot { rate: None, ..paced(100) }).unwrap(), "6 min 15 s left");
        let endless = Snapshot { ns_per_item: u64::MAX, ..midway() };
        assert!(left(&endless).unwrap().ends_with(" left"));
    }

    #[test]
    fn it_names_who_is_waited_for_and_who_is_paused() {
        let names =
            |names: &[&str]| -> Vec<String> { names.iter().map(|&n| n.to_owned()).collect() };
        let last = Snapshot {
            done: 4_997,
            waits_for: names(&["https://slow.example:443"]),
            paused: Vec::new(),
            ..midway()
        };
        assert!(line(&last).contains(", waiting for slow.example, 3 left, "), "{}", line(&last));
        let intake = Snapshot { total: None, waits_for: names(&["a", "b", "c"]), ..last };
        assert!(line(&intake).contains(", waiting for a and 2 others, "), "{}", line(&intake));

        let keys =
            |many: u64| (0..many).map(|n| (format!("http://h{n}:80"), (n + 1) * S)).collect();
        let told = |many| {
            paused(&{
                let keys: Vec<_> = keys(many);
                keys
            })
        };
        assert_eq!(told(0), None);
        assert_eq!(told(2).unwrap(), "h1 and 1 other paused for up to 2 s");
        assert_eq!(told(3).unwrap(), "h2 and 2 others paused for up to 3 s");
    }

    #[test]
    fn a_name_is_short_and_harmless() {
        assert_eq!(name(""), "the work");
        assert_eq!(name("http://x\u{1b}[2J:80"), "x[2j");
        let long = name("https://a-very-long-name.of-a-host.in.example.com:443");
        assert_eq!(long.chars().count(), NAME_WIDTH);
        assert!(long.starts_with('…') && long.ends_with("in.example.com"), "{long}");
    }
}
