use super::*;
use crate::plan::Rate;
use proptest::prelude::*;
use std::num::NonZeroU32;
use std::time::Duration;

const SECOND: u64 = 1_000_000;

/// A pacer for items whose text is their key, and those in capitals belong to others.
fn pacer(workers: usize, limits: Limits) -> Pacer {
    Pacer::new(workers, limits, Box::new(|data| data.to_string().into()), 0)
}

fn item(index: u64, host: &str) -> Item {
    let mut item = Item::new(index, host);
    item.key = PacingKey::of(host);
    item.public = host.chars().all(char::is_uppercase);
    item
}

fn some(number: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(number)
}

/// Hands out all that may be, and names the items by their indices.
fn hand_out(pacer: &mut Pacer) -> Vec<u64> {
    std::iter::from_fn(|| pacer.next()).map(|item| item.index).collect()
}

#[derive(Debug, Clone)]
enum Step {
    Admit(u8),
    HandOut(u8),
    Finish(u8),
    Readmit(u8),
    Retry(u8),
    Pause(u8, Option<u32>, bool),
    Lose,
    Tick(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any::<u8>().prop_map(Step::Admit),
        any::<u8>().prop_map(Step::HandOut),
        any::<u8>().prop_map(Step::Finish),
        (0..5_u8).prop_map(Step::Readmit),
        (0..5_u8).prop_map(Step::Retry),
        any::<(Option<u32>, bool)>().prop_map(|(us, other)| Step::Pause(2, us, other)),
        Just(Step::Lose),
        (0..3_000_000_u32).prop_map(Step::Tick),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    let rate = (1..1_000_000_u64, 1..5_u32).prop_map(|(interval, burst)| Rate {
        interval: Duration::from_micros(interval),
        burst: NonZeroU32::new(burst).unwrap(),
    });
    let rate = prop::option::of(rate);
    (prop::option::of(1..6_u32), prop::option::of(1..6_u32), rate.clone(), rate).prop_map(
        |(per_key, polite, rate, total_rate)| Limits {
            per_key: per_key.and_then(NonZeroU32::new),
            polite: polite.and_then(NonZeroU32::new),
            rate,
            total_rate,
            longest_pause: Some(Duration::from_secs(1_000)),
            ..Limits::default()
        },
    )
}

const HOSTS: [&str; 4] = ["a", "b", "C", "D"];

proptest! {
    #[test]
    fn nothing_is_lost_and_no_limit_is_exceeded(
        workers in 1..50_usize,
        limits in limits(),
        steps in prop::collection::vec(step(), 0..80),
    ) {
        let mut pacer = pacer(workers, limits);
        let (mut admitted, mut finished, mut now_us) = (0_u64, 0_u64, 0);
        // What is handed out, with the time when that was.
        let mut out: Vec<(Item, u64)> = Vec::new();
        let mut paused: HashMap<PacingKey, u64> = HashMap::new();
        for step in steps {
            match step {
                Step::Admit(n) => for _ in 0..n {
                    let host = HOSTS[usize::try_from(admitted * 7 % 11 % 4).unwrap()];
                    pacer.admit(item(admitted, host));
                    admitted += 1;
                },
                Step::HandOut(n) => for _ in 0..n {
                    let Some(item) = pacer.next() else { break };
                    prop_assert!(paused.get(&item.key).is_none_or(|until| *until <= now_us));
                    let polite = if item.public { limits.polite } else { None };
                    let most = limits.per_key.or(polite).map_or(usize::MAX, |n| n.get() as usize);
                    out.push((item.clone(), now_us));
                    let same = out.iter().filter(|(other, _)| other.key == item.key).count();
                    prop_assert!(same <= most);
                    prop_assert!(out.len() <= workers + LARGEST_RESERVE);
                },
                Step::Finish(n) => for _ in 0..n {
                    let Some((item, started_us)) = out.pop() else { break };
                    pacer.finished(item.key, started_us);
                    finished += 1;
                }
                Step::Readmit(n) => for _ in 0..n {
                    let Some((item, _)) = out.pop() else { break };
                    pacer.readmit(item);
                },
                Step::Retry(n) => for _ in 0..n {
                    let Some((item, started_us)) = out.pop() else { break };
                    pacer.retry(Item { tries: item.tries + 1, ..item }, started_us);
                },
                Step::Pause(n, for_us, other) => for _ in 0..n {
                    let Some((item, started_us)) = out.pop() else { break };
                    let until_us = for_us.map(|us| now_us + u64::from(us));
                    let of = other.then(|| Paced { key: "D".into(), public: true });
                    let key = if other { PacingKey::of("D") } else { item.key };
                    pacer.pause(item, started_us, until_us, of.as_ref());
                    let known = paused.entry(key).or_default();
                    // Without a time, what was started before the pause ends adds nothing to it.
                    let is_new = started_us >= *known;
                    let least_us = until_us.or(is_new.then_some(now_us + SECOND));
                    *known = least_us.map_or(*known, |least_us| least_us.max(*known));
                },
                Step::Lose => prop_assert!(pacer.lose(1) >= 1),
                Step::Tick(us) => {
                    now_us += u64::from(us);
                    pacer.tick(now_us);
                }
            }
            prop_assert_eq!(pacer.outstanding(), out.len());
            let (undone, _) = pacer.given_up();
            let all = pacer.waiting() as u64 + out.len() as u64 + finished + undone;
            prop_assert_eq!(all, admitted);
        }
        // Whatever came before, all that is not given up ends, if time passes and workers finish.
        for (item, started_us) in out {
            pacer.finished(item.key, started_us);
            finished += 1;
        }
        for _ in 0..100_000 {
            while let Some(item) = pacer.next() {
                pacer.finished(item.key, now_us);
                finished += 1;
            }
            let Some(wakes_us) = pacer.wakes_us() else { break };
            now_us = now_us.max(wakes_us);
            pacer.tick(now_us);
        }
        prop_assert_eq!(finished + pacer.given_up().0, admitted, "{:?}", pacer);
    }
}

#[test]
fn long_items_are_read_ahead_by_their_bytes() {
    let mut pacer = pacer(10_000, Limits::default());
    let mut read = 0;
    while pacer.is_hungry() {
        pacer.admit(Item::new(read, "x".repeat(64 * 1024)));
        read += 1;
    }
    assert_eq!(read, 512);
    pacer.next().unwrap();
    assert!(pacer.is_hungry());
    pacer.clear();
    assert!(pacer.is_hungry());
}

#[test]
fn long_items_that_wait_for_their_next_try_are_counted_by_their_bytes() {
    let mut pacer = pacer(10_000, Limits::default());
    let fail_all = |pacer: &mut Pacer| {
        let mut failed = 0;
        while pacer.is_hungry() {
            pacer.admit(Item::new(failed, "x".repeat(64 * 1024)));
            let item = pacer.next().unwrap();
            pacer.retry(Item { tries: 1, ..item }, 0);
            failed += 1;
        }
        failed
    };
    assert_eq!(fail_all(&mut pacer), 512);
    pacer.tick(SECOND);
    assert_eq!(pacer.retrying(), 0);
    assert!(!pacer.is_hungry(), "they wait for a worker now, and are as long");
    for item in std::iter::from_fn(|| pacer.next()).collect::<Vec<_>>() {
        pacer.finished(item.key, SECOND);
    }
    assert_eq!(fail_all(&mut pacer), 512);
    pacer.clear();
    assert!(pacer.is_hungry());
}

#[test]
fn slow_items_are_not_handed_out_ahead_and_quick_ones_are() {
    let mut pacer = pacer(2, Limits::default());
    for index in 0..10_000 {
        pacer.admit(item(index, "a"));
    }
    let key = PacingKey::of("a");
    let finish = |pacer: &mut Pacer, done: usize| {
        for _ in 0..done {
            pacer.finished(key, 0);
        }
    };
    assert_eq!(hand_out(&mut pacer), [0, 1]);
    finish(&mut pacer, 2);
    pacer.tick(SECOND);
    assert_eq!(hand_out(&mut pacer), [2, 3], "two a second");
    for ms in 1..=40 {
        let done = pacer.outstanding();
        finish(&mut pacer, done);
        pacer.tick(SECOND + ms * 10);
        hand_out(&mut pacer);
    }
    assert!(pacer.outstanding() > 500, "{} at 2 in 10 µs and rising", pacer.outstanding());
}

#[test]
fn items_that_may_not_be_done_twice_are_handed_out_many_at_a_time() {
    for repeatable in [true, false] {
        let mut pacer = pacer(10, Limits::default());
        for index in 0..10_000 {
            pacer.admit(Item { repeatable, ..item(index, "a") });
        }
        // A pace at which the reserve is some hundred items.
        for ms in 1..=5 {
            assert!(!pacer.may_wait(), "there is room");
            hand_out(&mut pacer);
            for _ in 0..pacer.outstanding() {
                pacer.finished(PacingKey::of("a"), 0);
            }
            pacer.tick(ms * 2_500);
        }
        let all = hand_out(&mut pacer).len();
        assert!(all > 20, "{all}");
        let mut done = 0;
        while pacer.may_wait() {
            pacer.finished(PacingKey::of("a"), 0);
            done += 1;
        }
        if repeatable {
            assert_eq!(done, 0, "each is handed out at once");
        } else {
            assert_eq!(all - done, 10 + (all - 10) / 2, "half of the reserve is left");
        }
    }
}

#[test]
fn a_host_at_its_limit_keeps_no_other_from_going_and_order_is_that_of_the_input() {
    let mut pacer = pacer(100, Limits { per_key: some(2), ..Limits::default() });
    for index in 0..5 {
        pacer.admit(item(index, "a"));
    }
    for index in 5..8 {
        pacer.admit(item(index, "b"));
    }
    assert_eq!(hand_out(&mut pacer), [0, 1, 5, 6]);
    pacer.finished(PacingKey::of("b"), 0);
    pacer.finished(PacingKey::of("a"), 0);
    assert_eq!(hand_out(&mut pacer), [2, 7]);
}

#[test]
fn only_those_who_belong_to_others_are_treated_politely() {
    let mut pacer = pacer(100, Limits { polite: some(3), ..Limits::default() });
    for index in 0..5 {
        pacer.admit(item(index, "a"));
    }
    assert_eq!(hand_out(&mut pacer).len(), 5);
    assert!(!pacer.is_polite());
    for index in 5..10 {
        pacer.admit(item(index, "A"));
    }
    assert_eq!(hand_out(&mut pacer).len(), 3);
    assert!(pacer.is_polite());
}

#[test]
fn a_rate_is_kept_for_each_key_and_one_for_all() {
    let every = |ms| Some(Rate { interval: Duration::from_millis(ms), burst: NonZeroU32::MIN });
    let mut pacer = pacer(100, Limits { rate: every(100), ..Limits::default() });
    for index in 0..6 {
        pacer.admit(item(index, if index < 3 { "a" } else { "b" }));
    }
    pacer.tick(SECOND);
    assert_eq!(hand_out(&mut pacer), [0, 3]);
    assert_eq!(pacer.wakes_us(), Some(SECOND + 100_000));
    pacer.tick(SECOND + 100_000);
    assert_eq!(hand_out(&mut pacer), [1, 4]);

    let mut pacer = self::pacer(100, Limits { total_rate: every(100), ..Limits::default() });
    for index in 0..6 {
        pacer.admit(item(index, if index < 3 { "a" } else { "b" }));
    }
    pacer.tick(SECOND);
    assert_eq!(hand_out(&mut pacer), [0]);
    assert_eq!(pacer.wakes_us(), Some(SECOND + 100_000));
}

#[test]
fn a_key_of_which_nothing_is_left_for_a_moment_has_no_new_burst() {
    let rate = Rate { interval: Duration::from_millis(100), burst: NonZeroU32::new(2).unwrap() };
    let mut pacer = pacer(8, Limits { rate: Some(rate), ..Limits::default() });
    pacer.tick(7 * SECOND);
    // With one key alone, none is ever forgotten.
    pacer.admit(item(0, "other"));
    assert_eq!(hand_out(&mut pacer), [0]);
    let mut started = 0;
    for index in 1..=10 {
        pacer.admit(item(index, "host"));
        if let Some(item) = pacer.next() {
            started += 1;
            pacer.finished(item.key, 7 * SECOND);
        }
    }
    assert_eq!(started, 2, "the burst, and no more of it in no time");
    for ms in 1..=10 {
        let now_us = 7 * SECOND + ms * 100_000;
        pacer.tick(now_us);
        while let Some(item) = pacer.next() {
            pacer.finished(item.key, now_us);
        }
    }
    assert_eq!(pacer.waiting(), 0);
    pacer.tick(10 * SECOND);
    pacer.admit(item(11, "host"));
    let last = pacer.next().unwrap();
    pacer.tick(11 * SECOND);
    pacer.finished(last.key, 10 * SECOND);
    assert_eq!(pacer.keys.len(), 1, "whose burst is full again is forgotten");
}

#[test]
fn what_is_tried_again_in_a_group_takes_its_starts_before_others_of_its_keys() {
    let rate = Some(Rate { interval: Duration::from_secs(1), burst: NonZeroU32::MIN });
    let mut pacer = pacer(8, Limits { rate, ..Limits::default() });
    for index in 0..10 {
        pacer.admit(item(index, ["a", "b"][usize::try_from(index).unwrap() % 2]));
    }
    pacer.tick(10 * SECOND);
    let first = pacer.next().unwrap();
    assert_eq!(first.index, 0);
    // The other key half a second later, so that both never allow a start at the same time.
    pacer.tick(10 * SECOND + SECOND / 2);
    let mut group = vec![first, pacer.next().unwrap()];
    assert_eq!(pacer.next(), None);
    pacer.taken_back(2);
    let from_us = pacer.book_trial(&group);
    assert_eq!(from_us, 11 * SECOND + SECOND / 2);
    for now_us in [11 * SECOND, from_us] {
        pacer.tick(now_us);
        assert_eq!(hand_out(&mut pacer), [0; 0]);
    }
    pacer.start_trial(&mut group);
    assert_eq!(pacer.outstanding(), 2);
    for (now_us, index) in [(12 * SECOND, 2), (12 * SECOND + SECOND / 2, 3)] {
        pacer.tick(now_us);
        assert_eq!(hand_out(&mut pacer), [index]);
    }
    // Several of one key go at once, and the others wait for that.
    let mut group = vec![group[0].clone(), group[0].clone(), group[0].clone()];
    pacer.taken_back(2);
    let from_us = pacer.book_trial(&group);
    assert_eq!(from_us, 13 * SECOND);
    pacer.tick(from_us);
    pacer.start_trial(&mut group);
    pacer.tick(from_us + 2 * SECOND);
    assert_eq!(hand_out(&mut pacer), [5]);
    pacer.tick(from_us + 3 * SECOND);
    assert_eq!(hand_out(&mut pacer), [4, 7]);
}

#[test]
fn after_a_pause_one_goes_first_and_then_ever_more() {
    let longest_pause = Some(Duration::from_hours(1));
    let mut pacer = pacer(8, Limits { longest_pause, ..Limits::default() });
    for index in 0..40 {
        pacer.admit(item(index, "a"));
    }
    pacer.tick(SECOND);
    let mut out: Vec<_> = std::iter::from_fn(|| pacer.next()).collect();
    assert_eq!(out.len(), 8);
    let until_us = 3 * SECOND;
    let refused = out.remove(0);
    let begun = pacer.pause(refused, SECOND, Some(until_us), None);
    assert_eq!(begun, Pause::Begun { until_us });
    for item in out {
        assert_eq!(pacer.pause(item, SECOND, Some(until_us), None), Pause::GoesOn);
    }
    assert!(pacer.next().is_none());
    assert_eq!(pacer.wakes_us(), Some(until_us));
    assert_eq!(pacer.held(true).paused, [("a".to_owned(), until_us)]);
    pacer.tick(until_us);
    let key = PacingKey::of("a");
    for expected in [1, 2, 4, 8] {
        let out = hand_out(&mut pacer);
        assert_eq!(out.len(), expected);
        for _ in out {
            pacer.finished(key, until_us);
        }
    }
}

#[test]
fn after_some_pauses_it_is_known_how_much_goes_through() {
    let longest_pause = Some(Duration::from_hours(1));
    let mut pacer = pacer(1, Limits { longest_pause, ..Limits::default() });
    for index in 0..100 {
        pacer.admit(item(index, "a"));
    }
    let key = PacingKey::of("a");
    let mut told = Vec::new();
    // A burst comes first; then ten items between two pauses, which are 2 s apart.
    for (round, items) in (0..7).zip([40, 10, 10, 10, 10, 10, 9]) {
        let now_us = 2 * SECOND * round;
        pacer.tick(now_us);
        for _ in 0..items {
            let item = pacer.next().unwrap();
            pacer.finished(item.key, now_us);
        }
        let refused = pacer.next().unwrap();
        pacer.pause(refused, now_us, Some(now_us + SECOND), None);
        told.push(pacer.let_through(key));
    }
    let seen = LetThrough { items: 40, in_us: 8 * SECOND };
    assert_eq!(told, [None, None, None, None, Some(seen), None, None]);
}

#[test]
fn who_wants_to_be_left_alone_for_too_long_is_given_up_and_the_others_go_on() {
    let longest_pause = Some(Duration::from_secs(10));
    let mut pacer = pacer(8, Limits { longest_pause, ..Limits::default() });
    for index in 0..10 {
        pacer.admit(item(index, if index % 2 == 0 { "a" } else { "b" }));
    }
    let first = pacer.next().unwrap();
    let until_us = 11 * SECOND;
    let pause = pacer.pause(first, 0, Some(until_us), None);
    assert_eq!(pause, Pause::TooLong { until_us, is_new: true });
    assert_eq!(pacer.given_up(), (5, &[("a".into(), until_us)][..]));
    pacer.admit(item(10, "a"));
    assert_eq!(pacer.given_up().0, 6);
    assert_eq!(hand_out(&mut pacer), [1, 3, 5, 7, 9]);
}

#[test]
fn one_that_is_always_refused_keeps_no_other_from_going() {
    let longest_pause = Some(Duration::from_secs(4));
    let mut pacer = pacer(1, Limits { longest_pause, ..Limits::default() });
    for index in 0..30 {
        pacer.admit(item(index, "a"));
    }
    let (mut now_us, mut done) = (0, Vec::new());
    while pacer.given_up().0 == 0 {
        while let Some(item) = pacer.next() {
            if item.index == 0 {
                pacer.pause(item, now_us, None, None);
            } else {
                done.push(item.index);
                pacer.finished(item.key, now_us);
            }
        }
        now_us = pacer.wakes_us().unwrap_or(now_us);
        pacer.tick(now_us);
    }
    assert_eq!(done, (1..30).collect::<Vec<_>>());
    assert_eq!(pacer.given_up().0, 1, "the one");
}

#[test]
fn who_turns_out_to_be_somebody_elses_waits_with_them_and_its_own_key_goes_on() {
    let longest_pause = Some(Duration::from_mins(1));
    let mut pacer = pacer(4, Limits { longest_pause, ..Limits::default() });
    for index in 0..4 {
        pacer.admit(item(index, if index == 3 { "B" } else { "a" }));
    }
    let first = pacer.next().unwrap();
    let of = Paced { key: "B".into(), public: true };
    let until_us = 2 * SECOND;
    assert_eq!(pacer.pause(first, 0, Some(until_us), Some(&of)), Pause::Begun { until_us });
    assert_eq!(hand_out(&mut pacer), [1, 2]);
    assert_eq!(pacer.held(true).paused, [("B".to_owned(), until_us)]);
    pacer.tick(until_us);
    let both: Vec<_> = std::iter::from_fn(|| {
        let item = pacer.next()?;
        pacer.finished(item.key, until_us);
        Some((item.index, item.key, item.public))
    })
    .collect();
    let key = PacingKey::of("B");
    assert_eq!(both, [(0, key, true), (3, key, true)]);
    assert_eq!(pacer.outstanding(), 2, "those of its own key");
}

#[test]
fn who_never_stops_to_ask_for_pauses_is_given_up() {
    let longest_pause = Some(Duration::from_mins(1));
    for named_us in [None, Some(0)] {
        let mut pacer = pacer(8, Limits { longest_pause, ..Limits::default() });
        pacer.admit(item(0, "a"));
        let (mut now_us, mut pauses) = (0, 0);
        while let Some(item) = pacer.next() {
            pacer.pause(item, now_us, named_us.map(|us: u64| us + now_us), None);
            pauses += 1;
            if let Some(wakes_us) = pacer.wakes_us() {
                now_us = wakes_us;
                pacer.tick(now_us);
            }
        }
        assert_eq!(pacer.given_up().0, 1);
        assert!((5..10).contains(&pauses), "{pauses} pauses");
    }
}

#[test]
fn keys_of_which_nothing_is_left_are_forgotten() {
    let mut pacer = pacer(8, Limits::default());
    for index in 0..5_000 {
        pacer.admit(item(index, &format!("host-{index}")));
        let item = pacer.next().unwrap();
        pacer.finished(item.key, 0);
    }
    assert!(pacer.keys.len() <= 1, "{} keys", pacer.keys.len());
}

#[test]
fn those_that_are_the_last_are_named() {
    let mut pacer = pacer(8, Limits::default());
    pacer.admit(item(0, "a"));
    assert!(pacer.next().is_some());
    assert!(pacer.held(false).waits_for.is_empty());
    assert_eq!(pacer.held(true).waits_for, ["a"]);
}

#[test]
fn those_that_wait_for_their_next_try_are_named() {
    let mut pacer = pacer(8, Limits::default());
    for (index, host) in (0..).zip(["a", "b", "b"]) {
        pacer.admit(item(index, host));
    }
    while let Some(item) = pacer.next() {
        pacer.retry(Item { tries: 1, ..item }, 0);
    }
    assert_eq!(pacer.held(true).waits_for, ["b", "a"]);
    pacer.tick(SECOND);
    assert_eq!(pacer.held(true).waits_for, ["b", "a"]);
    while let Some(item) = pacer.next() {
        pacer.finished(item.key, SECOND);
    }
    assert_eq!(pacer.held(true).waits_for, [""; 0]);
    assert!(pacer.keys.len() <= 1, "{} keys", pacer.keys.len());
}

#[test]
fn a_key_is_named_whose_items_in_backoff_are_all_that_may_be_kept() {
    let mut pacer = pacer(8, Limits::default());
    let mut index = 0;
    while pacer.is_hungry() {
        pacer.admit(item(index, if index == 0 { "a" } else { "b" }));
        let item = pacer.next().unwrap();
        pacer.retry(Item { tries: 1, ..item }, 0);
        index += 1;
    }
    assert_eq!(pacer.retrying(), MOST_WAITING);
    assert_eq!(pacer.held(false).waits_for, ["b", "a"]);
    pacer.clear();
    assert_eq!(pacer.held(true).waits_for, [""; 0]);
}
