//! The race from trials to text, with the text written by hand.

use super::*;
use crate::tally::tests::record;
use crate::{MachineLoad, OutcomesOf, Usage};
use gaits_core::{ErrorKind, Record};
use proptest::prelude::*;

const SETTINGS: Settings = Settings { margin: 0.02, precision: 0.05 };

/// A trial in which all of `items` took `latency_us` and went well.
fn trial(model: &str, round: u32, wall_us: u64, items: u64, latency_us: u64) -> Trial {
    let mut tally = Tally::new();
    for _ in 0..items {
        tally.add(&record((1, 1), latency_us, None));
    }
    let mut outcomes = OutcomesOf::new();
    for index in 0..items {
        outcomes.add(&Record { index, ..record((1, 1), latency_us, None) });
    }
    Trial {
        model: model.to_owned(),
        round,
        wall_us,
        startup_us: 0,
        closing_us: 0,
        process_us: wall_us,
        missing_workers: 0,
        tally,
        outcomes: outcomes.finish(items),
        usage: Usage { cpu_us: wall_us / 100, ..Usage::default() },
        machine: MachineLoad::default(),
    }
}

/// The same in which the last `failed` were refused.
fn failing(mut trial: Trial, failed: u64) -> Trial {
    let items = trial.tally.items();
    trial.tally = Tally::new();
    for _ in failed..items {
        trial.tally.add(&record((1, 1), 100, None));
    }
    for _ in 0..failed {
        let refused = (ErrorKind::Connect, "connection refused (os error 111)");
        trial.tally.add(&record((1, 1), 100, Some(refused)));
    }
    trial
}

fn about(items: u64, rounds: u32, contenders: &[(&str, &str)]) -> RaceInfo {
    let contender = |&(model, workers): &(&str, &str)| Contender {
        model: model.to_owned(),
        workers: workers.to_owned(),
    };
    let contenders = contenders.iter().map(contender).collect();
    RaceInfo {
        work: "http".to_owned(),
        items,
        all_items: items,
        rounds,
        settings: SETTINGS,
        seed: 42,
        contenders,
    }
}

/// One trial a round for each model, all well, with these wall times in milliseconds.
fn race(models: &[(&str, &[u64])]) -> Comparison {
    let trials = models.iter().flat_map(|(model, walls)| {
        (1..).zip(*walls).map(|(round, ms)| trial(model, round, ms * 1000, 10, 1000))
    });
    let rounds = models.iter().map(|(_, walls)| walls.len()).max().unwrap_or(0);
    Comparison::new(trials.collect(), about(10, u32::try_from(rounds).unwrap(), &[]))
}

fn ratios(comparison: &Comparison) -> Vec<Option<f64>> {
    let ratio = |entry: &Entry| match entry.standing {
        Standing::Ranked { to_fastest, .. } => to_fastest.map(|ratio| ratio.median),
        _ => None,
    };
    comparison.entries().iter().map(ratio).collect()
}

#[test]
fn the_table_shows_who_is_fastest_and_who_failed() {
    let mut trials = Vec::new();
    for (round, jitter) in [(1, 0), (2, 9_000), (3, 4_000)] {
        trials.push(trial("sequential", round, 23_400_000 + jitter, 100, 231_400));
        trials.push(trial("async:100", round, 236_000 + jitter, 100, 232_000));
        trials.push(trial("threads:2/async:50", round, 310_000 + jitter, 100, 260_000));
        trials.push(failing(trial("processes:2/async:50", round, 90_000 + jitter, 100, 1), 3));
    }
    let contenders = [
        ("sequential", "one at a time"),
        ("async:100", "100 in flight"),
        ("threads:2/async:50", "2 threads × 50 in flight"),
        ("processes:2/async:50", "2 processes × 50 in flight"),
    ];
    let comparison = Comparison::new(trials, about(100, 3, &contenders));
    let expected = "\
http: 100 items, 3 rounds, seed 42

                                     median wall    times
model                 workers          (min–max)  fastest  items/s     p50     p99   CPU s  failed
async:100             100 in flight       240 ms     1.00      417  232 ms  232 ms  0.0024       0
                                       (236–245)
threads:2/async:50    2 threads ×         314 ms     1.31      318  260 ms  260 ms  0.0031       0
                      50 in flight     (310–319)
sequential            one at a time       23.4 s     97.5     4.27  231 ms  231 ms   0.234       0
                                     (23.4–23.4)
processes:2/async:50  2 processes ×      94.0 ms        –    1,032  100 µs  100 µs  0.0009       9
                      50 in flight   (90.0–99.0)

processes:2/async:50 is not ranked: failed 9 of 300: connect 9 (connection refused (os error 111))

fastest: async:100, 97.5 times as fast as sequential (95.5–99.2 in 3 rounds); not ranked, for items
that failed or were not done: processes:2/async:50
";
    assert_eq!(comparison.render(Style::PLAIN), expected);
}

#[test]
fn the_longest_of_the_default_models_fit_a_hundred_columns() {
    use crate::Layout;
    let models = [
        ("sequential", Layout::new(1, 1, 1)),
        ("processes:64/threads:32", Layout::new(64, 32, 1)),
        ("processes:64/async:100", Layout::new(64, 1, 100)),
        ("threads:32/async:100", Layout::new(1, 32, 100)),
        ("async:100/threads:32", Layout::new(1, 1, 100).with_pool(32)),
    ];
    let trials = (1..4).flat_map(|round| {
        let wall_us = 101_234_000 + u64::from(round) * 71_234_000;
        models.iter().map(move |(model, _)| trial(model, round, wall_us, 100, 41_234))
    });
    let named = models.map(|(model, layout)| (model, layout.brief()));
    let named = named.iter().map(|(m, l)| (*m, l.as_str())).collect::<Vec<_>>();
    let comparison = Comparison::new(trials.collect(), about(100, 3, &named));
    for line in comparison.render(Style::PLAIN).lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn in_color_the_lines_are_marked_whole() {
    let trials =
        vec![trial("a", 1, 10, 2, 1), trial("b", 1, 90, 2, 1), failing(trial("c", 1, 5, 2, 1), 1)];
    let comparison = Comparison::new(trials, about(2, 1, &[]));
    let text = comparison.render(Style::COLOR);
    let start = |name| text.lines().find(|line| line.contains(name)).unwrap_or_default();
    assert!(start("a  ").starts_with("\x1b[32ma "), "the fastest is green:\n{text}");
    assert!(start("b  ").starts_with("b "), "another has no color:\n{text}");
    assert!(start("c  ").starts_with("\x1b[1;31mc "), "what failed is red:\n{text}");
}

#[test]
fn the_fastest_is_compared_with_sequential_and_else_with_the_slowest() {
    let walls: &[(&str, &[u64])] =
        &[("async:9", &[10, 11, 12]), ("threads:9", &[40, 41, 42]), ("sequential", &[30, 33, 36])];
    assert_eq!(
        race(walls).conclusion(),
        "fastest: async:9, 3.00 times as fast as sequential (3.00–3.00 in 3 rounds)"
    );
    assert_eq!(
        race(&walls[..2]).conclusion(),
        "fastest: async:9, 3.73 times as fast as threads:9 (3.50–4.00 in 3 rounds)"
    );
}

#[test]
fn when_sequential_wins_it_is_compared_with_the_next() {
    assert_eq!(
        race(&[("sequential", &[10, 10]), ("async:9", &[20, 20]), ("threads:9", &[50, 50])])
            .conclusion(),
        "fastest: sequential, 2.00 times as fast as async:9 (2.00–2.00 in 2 rounds)"
    );
}

#[test]
fn what_cannot_be_told_apart_is_said_so() {
    assert_eq!(
        race(&[
            ("async:9", &[100, 103, 101, 99, 102]),
            ("threads:9", &[101, 100, 106, 100, 104]),
            ("sequential", &[1000, 1030, 1010, 990, 1020]),
        ])
        .conclusion(),
        "async:9 and threads:9 cannot be told apart in 5 rounds: round by round the second took 0.971 to \
         1.050 times as long as the first; async:9 is 10.0 times as fast as sequential (10.0–10.0 in 5 rounds)"
    );
    // every round says the same, but the machine's drift is larger than the difference
    assert_eq!(
        race(&[("async:9", &[100, 110]), ("threads:9", &[105, 112])]).conclusion(),
        "async:9 and threads:9 cannot be told apart in 2 rounds: their wall times overlap"
    );
    assert_eq!(
        race(&[("a", &[10, 12]), ("b", &[12, 10]), ("c", &[11, 12])]).conclusion(),
        "a, b and c cannot be told apart in 2 rounds: round by round the others took 0.833 to 1.20 times \
         as long as the first"
    );
}

#[test]
fn one_round_is_called_one_round() {
    assert_eq!(
        race(&[("async:9", &[100]), ("sequential", &[300])]).conclusion(),
        "fastest: async:9, 3.00 times as fast as sequential; one round cannot show how sure that is"
    );
}

#[test]
fn a_model_that_failed_is_not_ranked_however_fast() {
    let trials = vec![
        trial("sequential", 1, 9000, 4, 10),
        failing(trial("async:9", 1, 10, 4, 10), 1),
        trial("threads:9", 1, 20, 3, 10),
    ];
    let contenders = [("processes:9", ""), ("async:9", "")];
    let comparison = Comparison::new(trials, about(4, 1, &contenders));
    let standings = comparison.entries().iter().map(|e| (e.contender.model.as_str(), e.standing));
    assert_eq!(
        standings.collect::<Vec<_>>(),
        [
            ("sequential", Standing::Ranked { rank: 1, to_fastest: Some(Ratio::ONE), tied: false }),
            ("processes:9", Standing::NotRun),
            ("async:9", Standing::Failed),
            ("threads:9", Standing::Incomplete),
        ]
    );
    assert_eq!(
        comparison.conclusion(),
        "sequential is the only model that did all the work: 9.00 ms in 1 round; not ranked, for items \
         that failed or were not done: processes:9, async:9 and threads:9"
    );
}

#[test]
fn when_all_failed_there_is_no_winner() {
    let trials =
        vec![failing(trial("a", 1, 10, 9, 1), 9), failing(trial("sequential", 1, 20, 9, 1), 2)];
    let comparison = Comparison::new(trials, about(9, 1, &[]));
    assert!(!comparison.has_winner());
    assert_eq!(ratios(&comparison), [None, None]);
    assert_eq!(
        comparison.conclusion(),
        "no model finished the work: a failed 9 of 9: connect 9; sequential failed 2 of 9: connect 2"
    );
}

#[test]
fn nothing_to_compare_is_said_so() {
    let none = |trials, about| Comparison::new(trials, about).conclusion().to_owned();
    assert_eq!(none(vec![], about(9, 1, &[])), "no model ran: there is nothing to compare");
    assert_eq!(
        none(vec![trial("a", 1, 5, 0, 0)], about(0, 1, &[])),
        "there were no items: there is nothing to compare"
    );
    assert_eq!(
        race(&[("a", &[7, 9])]).conclusion(),
        "a ran alone, so there is nothing to compare it with: 8.00 ms (7.00–9.00) in 2 rounds"
    );
}

#[test]
fn no_time_at_all_gives_no_ratio() {
    let comparison = race(&[("a", &[0, 0]), ("b", &[1, 2])]);
    assert_eq!(ratios(&comparison), [Some(1.0), None]);
    assert_eq!(comparison.conclusion(), "fastest: a, which took no measurable time");
}

#[test]
fn the_ratio_pairs_rounds_and_leaves_out_what_has_no_partner() {
    // the third round was slow for both; the second ran in only one of them
    let walls = [(1, 20), (3, 60)];
    let base = [(1, 10), (2, 99), (3, 30)];
    let ratio = Ratio::paired(&walls, &base);
    assert_eq!(ratio, Some(Ratio { median: 2.0, min: 2.0, max: 2.0 }));
}

#[test]
fn json_names_its_units() {
    let trials = vec![trial("a", 1, 1000, 2, 500), failing(trial("b", 1, 10, 2, 1), 2)];
    let comparison = Comparison::new(trials, about(2, 1, &[("a", "one at a time")]));
    let json = serde_json::to_value(&comparison).unwrap();
    let expected = serde_json::json!({
        "format_version": 1, "work": "http", "items": 2, "rounds": 1, "seed": 42,
        "conclusion": "a is the only model that did all the work: 1.00 ms in 1 round; \
                       not ranked, for items that failed or were not done: b",
        "models": [
            {"model": "a", "workers": "one at a time", "ranked": true, "rank": 1,
             "tied_with_fastest": false, "not_ranked_because": null,
             "ratio_to_fastest": {"median": 1.0, "min": 1.0, "max": 1.0},
             "wall_us": {"median": 1000, "min": 1000, "max": 1000, "rounds": [1000]},
             "cpu_us": 10, "items_per_second": 2000.0,
             "latency_us": {"p50": 500, "p90": 500, "p99": 500, "max": 500},
             "items": 2, "ok": 2, "failed": {}},
            {"model": "b", "workers": "", "ranked": false, "rank": null,
             "tied_with_fastest": false, "not_ranked_because": "failed 2 of 2: connect 2",
             "ratio_to_fastest": null,
             "wall_us": {"median": 10, "min": 10, "max": 10, "rounds": [10]},
             "cpu_us": 0, "items_per_second": 0.0,
             "latency_us": {"p50": null, "p90": null, "p99": null, "max": null},
             "items": 2, "ok": 0, "failed": {"connect": 2}},
        ],
    });
    assert_eq!(json, expected);
}

prop_compose! {
    fn any_trial()(
        model in "[a-d]",
        round in 0..4_u32,
        wall_us in prop_oneof![Just(0), 1..5_u64, any::<u64>()],
        items in 0..4_u64,
        failed in 0..4_u64,
        latency_us in any::<u64>(),
    ) -> Trial {
        let trial = trial(&model, round, wall_us, items, latency_us);
        if failed == 3 { failing(trial, items.min(1)) } else { trial }
    }
}

#[test]
fn a_model_without_all_its_workers_is_not_ranked_under_its_name() {
    let full = trial("threads:2", 1, 200, 3, 10);
    let short = Trial { missing_workers: 88, ..trial("threads:300", 1, 100, 3, 10) };
    let about = about(3, 1, &[]);
    let comparison = Comparison::new(vec![full, short], about);
    let [first, last] = comparison.entries() else { panic!("{comparison:?}") };
    assert!(first.is_ranked() && first.contender.model == "threads:2");
    assert_eq!(last.standing, Standing::Degraded { missing_workers: 88 });
    let note = "ran with fewer workers than its name says: 88 missing";
    assert!(comparison.render(Style::PLAIN).contains(note));
}

proptest! {
    #[test]
    fn whatever_was_measured_makes_sense(
        trials in proptest::collection::vec(any_trial(), 0..12),
        items in 0..3_u64,
        rounds in 0..4_u32,
    ) {
        let comparison = Comparison::new(trials, about(items, rounds, &[("a", "one at a time")]));
        let mut last = None;
        for (place, entry) in comparison.entries().iter().enumerate() {
            let Standing::Ranked { rank, to_fastest, .. } = entry.standing else {
                prop_assert!(entry.why_unranked().is_some());
                continue;
            };
            prop_assert_eq!(rank as usize, place + 1, "the ranked come first, in order");
            prop_assert_eq!(entry.tally.ok(), items * entry.rounds() as u64);
            if rank == 1 {
                prop_assert_eq!(to_fastest, Some(Ratio::ONE));
            }
            let wall = entry.wall_us.map(|wall| wall.median);
            prop_assert!(last <= wall);
            last = wall;
        }
        let json = serde_json::to_string(&comparison).unwrap();
        for text in [comparison.render(Style::PLAIN), comparison.render(Style::COLOR), json] {
            let bare = text.replace("in flight", "").to_lowercase();
            prop_assert!(!bare.contains("nan") && !bare.contains("inf"), "{}", text);
        }
        prop_assert!(!comparison.render(Style::PLAIN).contains('\x1b'));
    }
}
