//! The race from trials to text, with the text written by hand.

use super::*;
use crate::tally::tests::record;
use crate::{MachineLoad, OutcomesOf, Usage};
use gaits_core::{ErrorKind, Record};
use proptest::prelude::*;

const SETTINGS: Settings = Settings { margin: 0.02, precision: 0.05, confidence: 0.95 };

/// A trial whose items took `latency_us` and went well, but for the first `failed`, which were refused.
fn trial(model: &str, round: u32, wall_us: u64, items: u64, failed: u64) -> Trial {
    let (mut tally, mut outcomes) = (Tally::new(), OutcomesOf::new());
    for index in 0..items {
        let refused = (ErrorKind::Connect, "connection refused (os error 111)");
        let error = (index < failed).then_some(refused);
        let record = Record { index, ..record((1, 1), 1_000, error) };
        outcomes.add(&record);
        tally.add(&record);
    }
    Trial {
        model: model.to_owned(),
        round,
        wall_us,
        startup_us: 10,
        closing_us: 20,
        process_us: wall_us.saturating_add(3_000),
        missing_workers: 0,
        workers_died: 0,
        tally,
        outcomes: outcomes.finish(items),
        usage: Usage { cpu_us: wall_us / 100, peak_memory: 5_000_000, ..Usage::default() },
        machine: MachineLoad::default(),
        steady: None,
    }
}

fn about(items: u64, models: &[&str]) -> RaceInfo {
    let contenders =
        models.iter().map(|model| Contender::model((*model).to_owned(), Layout::new(1, 1, 1)));
    RaceInfo {
        work: "http".to_owned(),
        items,
        all_items: items,
        settings: SETTINGS,
        seed: 42,
        job: Job {
            holds_its_thread: false,
            is_http: true,
            cores: 2,
            server_here: true,
            arrivals_per_second: None,
            runs_programs: false,
        },
        whole_processes: false,
        contenders: contenders.collect(),
    }
}

/// One trial a round for each model, all well, with these wall times in milliseconds.
pub(crate) fn race(models: &[(&str, &[u64])]) -> Comparison {
    let trials = models.iter().flat_map(|(model, walls)| {
        (1..).zip(*walls).map(|(round, ms)| trial(model, round, ms * 1000, 10, 0))
    });
    let names: Vec<_> = models.iter().map(|(model, _)| *model).collect();
    Comparison::new(&trials.collect::<Vec<_>>(), about(10, &names))
}

fn order(comparison: &Comparison) -> Vec<&str> {
    comparison.entries().iter().map(|entry| entry.contender.model.as_str()).collect()
}

#[test]
fn the_faster_model_wins_although_all_rounds_differ() {
    // Each round is slower than the one before, for both.
    let slow = [1_000, 1_100, 1_215, 1_330, 1_460, 1_610, 1_770, 1_960, 2_150, 2_360];
    let fast = [500, 551, 605, 667, 731, 806, 885, 977, 1_077, 1_181];
    let race = race(&[("slow", &slow), ("fast", &fast)]);
    assert_eq!(order(&race), ["fast", "slow"]);
    assert_eq!(race.verdict().best, ["fast"]);
    let [first, second] = race.entries() else { panic!("{race:?}") };
    assert_eq!((&first.relation, &second.relation), (&Relation::Best, &Relation::Slower));
    let ratio = second.ratio_to_best.unwrap();
    assert!(ratio.low > 1.95 && ratio.high < 2.05, "{ratio:?}");
    assert!(race.is_precise());
    // The table's times have the ratio that the table shows.
    let times = [first, second].map(|entry| entry.typical_s.unwrap().estimate);
    assert!((times[1] / times[0] - ratio.estimate).abs() < 1e-9);
}

#[test]
fn equals_share_the_first_place() {
    let walls = [401, 402, 400, 401, 403, 401, 400, 402];
    let race = race(&[("a", &walls), ("b", &[402, 401, 401, 400, 402, 402, 401, 401])]);
    assert_eq!(race.verdict().best, ["a", "b"]);
    assert_eq!(race.verdict().sentence.english(), "a and b are equal within 2 %");
    assert!(race.entries().iter().all(|entry| entry.relation == Relation::Equal));
}

#[test]
fn noise_leaves_it_open_and_says_what_would_tell() {
    let race = race(&[("a", &[100, 130, 90, 110, 140, 95]), ("b", &[120, 100, 125, 90, 110, 130])]);
    assert!(race.verdict().best.is_empty());
    let sentence = race.verdict().sentence.english();
    assert!(sentence.starts_with("too few rounds to tell "), "{sentence}");
    assert!(sentence.contains("more"), "{sentence}");
    assert!(!race.is_precise());
}

#[test]
fn five_rounds_rank_nobody() {
    let race = race(&[("a", &[100, 101, 99, 100, 100]), ("b", &[250, 240, 260, 255, 245])]);
    assert!(race.verdict().best.is_empty());
    assert!(race.entries().iter().all(|entry| !entry.is_ranked() && entry.ratio_to_best.is_none()));
    let expected = "b took at least 2× as long as a each time; 5 rounds are too few to rank anything; it takes 6";
    assert_eq!(race.verdict().sentence.english(), expected);
    assert!(race.render(Style::PLAIN, 80).contains("at least 2×"));
}

#[test]
fn a_list_with_a_failing_item_ranks_and_a_model_that_fails_more_does_not() {
    let walls = [100, 101, 102, 100, 101, 99];
    let mut trials = Vec::new();
    for (model, factor, failed) in [("a", 1, 1), ("b", 2, 1), ("c", 1, 3)] {
        trials.extend(
            (1..)
                .zip(walls)
                .map(|(round, ms)| trial(model, round, ms * 1_000 * factor, 10, failed)),
        );
    }
    // It fails more in one round alone.
    trials.retain(|trial| trial.model != "c" || trial.round == 1);
    trials.extend((2..=6).map(|round| trial("c", round, 90_000, 10, 1)));
    let race = Comparison::new(&trials, about(10, &["a", "b", "c"]));
    assert_eq!(race.verdict().best, ["a"]);
    assert_eq!(order(&race), ["a", "b", "c"]);
    let Relation::NotRanked(reason) = &race.entries()[2].relation else { panic!("{race:?}") };
    assert_eq!(reason.name(), "other_outcomes");
    let text = race.render(Style::PLAIN, 200);
    let why = "c is not ranked: 2 items, the first of them item 2, ended with “connect” and not with “ok” as under the \
               others (connection refused (os error 111))";
    assert!(text.contains(why), "{text}");
    assert!(
        race.verdict().sentence.english().ends_with("; c is not ranked"),
        "{}",
        race.verdict().sentence.english()
    );
}

#[test]
fn where_all_items_fail_nobody_is_fast() {
    let mut trials = Vec::new();
    for round in 1..=6 {
        trials.push(trial("a", round, 100_000, 3, 3));
        trials.push(trial("b", round, 900_000, 3, 3));
    }
    let race = Comparison::new(&trials, about(3, &["a", "b"]));
    assert!(race.verdict().best.is_empty());
    let said = "all items failed under every model, so there is nothing to compare";
    assert_eq!(race.verdict().sentence.english(), said);
    let note = "a is not ranked: all of its items failed (connection refused (os error 111))";
    assert!(race.render(Style::PLAIN, 200).contains(note));
}

#[test]
fn a_model_without_all_its_workers_is_not_ranked_under_its_name() {
    let mut trials = Vec::new();
    for round in 1..=6 {
        trials.push(trial("threads:2", round, 200_000, 3, 0));
        trials.push(trial("async:2", round, 210_000, 3, 0));
        trials.push(Trial { missing_workers: 88, ..trial("threads:300", round, 100_000, 3, 0) });
    }
    let race = Comparison::new(&trials, about(3, &[]));
    assert_eq!(race.verdict().best, ["threads:2"]);
    let last = race.entries().last().unwrap();
    let degraded = NotRanked::Degraded { missing_workers: 88 };
    assert_eq!(last.relation, Relation::NotRanked(degraded));
    let note = "it ran with fewer workers than its name says: up to 88 were missing";
    assert!(race.render(Style::PLAIN, 200).contains(note));
}

#[test]
fn what_is_no_race_is_told_in_a_sentence() {
    let walls: &[u64] = &[100, 101, 99, 100, 102, 100];
    let alone = race(&[("a", walls)]);
    let said = "a ran alone, so there is nothing to compare it with";
    assert_eq!(alone.verdict().sentence.english(), said);
    let nothing = race(&[("a", &[0; 6]), ("b", walls)]);
    let said = "the work is over before the clock has moved: race on more items";
    assert_eq!(nothing.verdict().sentence.english(), said);
    let none = Comparison::new(&[], about(10, &["a", "b"]));
    assert_eq!(
        none.verdict().sentence.english(),
        "no round was complete: there is nothing to compare"
    );
    let empty = Comparison::new(&[], about(0, &["a"]));
    assert_eq!(
        empty.verdict().sentence.english(),
        "there were no items: there is nothing to compare"
    );
}

#[test]
fn the_table_fits_the_terminal_and_drops_what_is_needed_least() {
    let walls = |factor: u64| [1_000, 1_010, 990, 1_005, 1_000, 995].map(|ms| ms * factor);
    let race = race(&[
        ("processes:2/threads:16", &walls(3)),
        ("threads:2/async:100", &walls(1)),
        ("sequential", &walls(20)),
    ]);
    for width in [60, 80, 100, 120, 200] {
        let text = race.render(Style::PLAIN, width);
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= width, "{widest} of {width}:\n{text}");
        for needed in ["threads:2/async:100", "fastest", "3.00× (", "20.0× (", "sequential"] {
            assert!(text.contains(needed), "{needed} at {width}:\n{text}");
        }
    }
    assert!(race.render(Style::PLAIN, 200).contains("one at a time"));
    assert!(!race.render(Style::PLAIN, 80).contains("one at a time"));
}

#[test]
fn on_a_very_narrow_terminal_each_model_has_two_lines() {
    let race = race(&[("threads:2/async:100", &[100; 8]), ("sequential", &[200; 8])]);
    let text = race.render(Style::PLAIN, 40);
    assert!(text.lines().all(|line| line.chars().count() <= 40), "{text}");
    assert!(
        text.contains("\nthreads:2/async:100\n  100 ms  fastest\nsequential\n  200 ms  2.00×"),
        "{text}"
    );
}

#[test]
fn workers_that_died_are_told_beside_the_table() {
    let mut trials: Vec<Trial> =
        (1..=6).map(|round| trial("processes:2", round, 1_000, 5, 0)).collect();
    trials[3].workers_died = 2;
    let comparison = Comparison::new(&trials, about(5, &["processes:2"]));
    let text = comparison.render(Style::PLAIN, 200);
    assert!(text.contains("processes:2: 2 worker processes died and were replaced"), "{text}");
}

#[test]
fn a_table_to_the_letter() {
    let walls = |factor: u64| [100, 101, 99, 100, 100, 100].map(|ms| ms * factor);
    let race = race(&[("sequential", &walls(10)), ("async:10", &walls(1))]);
    let expected = "\
http: 10 items, 6 rounds, seed 42

model        takes  against the best                     items/s      CPU   memory
async:10    100 ms  fastest            █▋                    100  1.00 ms  5.00 MB
sequential  1.00 s  10.0× (10.0–10.0)  ████████████████     10.0  10.0 ms  5.00 MB

async:10 is fastest: 10.0× (10.0–10.0) as fast as sequential

";
    let text = race.render(Style::PLAIN, 90);
    let why = text.strip_prefix(expected).unwrap_or_else(|| panic!("{text}"));
    assert!(why.starts_with("nothing stands out as the limit: "), "{text}");
}

#[test]
fn json_has_numbers_and_words_that_stay() {
    let race =
        race(&[("a", &[100, 101, 99, 100, 102, 100]), ("b", &[200, 203, 198, 201, 204, 199])]);
    let json = serde_json::to_value(&race).unwrap();
    assert_eq!(
        (&json["version"], &json["seed"], &json["rounds"]),
        (&2.into(), &42.into(), &6.into())
    );
    assert_eq!(json["verdict"]["best"], serde_json::json!(["a"]));
    assert_eq!(json["verdict"]["sentence"], race.verdict().sentence.english());
    let [a, b] = json["models"].as_array().unwrap().as_slice() else { panic!("{json}") };
    assert_eq!(
        (&a["name"], &a["relation"], &b["relation"]),
        (&"a".into(), &"best".into(), &"slower".into())
    );
    assert_eq!(
        (&a["processes"], &a["threads"], &a["in_flight"]),
        (&1.into(), &1.into(), &1.into())
    );
    let at = |value: &serde_json::Value, name: &str| value[name].as_f64().unwrap();
    assert!((at(&b["ratio_to_best"], "estimate") - 2.0).abs() < 0.02, "{json}");
    assert!(at(&b["ratio_to_best"], "low") < at(&b["ratio_to_best"], "high"), "{json}");
    assert!((at(&a["wall_s"], "median") - 0.1).abs() < 0.001, "{json}");
    assert!(at(&a["wall_s"], "low") <= at(&a["wall_s"], "high"), "{json}");
    // Of 60 latencies there is no 99th percentile.
    assert!(a["latency_s"]["p99"].is_null() && a["latency_s"]["p90"].is_f64(), "{json}");
    assert_eq!(
        (&a["items"], &a["ok"], &a["failed"]),
        (&60.into(), &60.into(), &serde_json::json!({}))
    );
    assert!(a["reason"].is_null(), "{json}");
}

#[test]
fn the_schema_names_what_is_printed() {
    let race =
        race(&[("a", &[100, 101, 99, 100, 102, 100]), ("b", &[200, 203, 198, 201, 204, 199])]);
    let json = serde_json::to_value(&race).unwrap();
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../../../docs/compare.schema.json")).unwrap();
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let keys =
        |value: &serde_json::Value| sorted(value.as_object().unwrap().keys().cloned().collect());
    for (shown, named) in [(&json, "race"), (&json["models"][1], "model")] {
        let of = &schema["$defs"][named];
        assert_eq!(keys(shown), keys(&of["properties"]), "{named}");
        let required = of["required"].as_array().unwrap().iter();
        let required = required.map(|name| name.as_str().unwrap().to_owned()).collect();
        assert_eq!(keys(shown), sorted(required), "{named}");
    }
    let relations = schema["$defs"]["model"]["properties"]["relation"]["enum"].as_array().unwrap();
    assert!(relations.contains(&json["models"][0]["relation"]), "{json}");
    assert_eq!(json["version"], schema["$defs"]["race"]["properties"]["version"]["const"]);
}

prop_compose! {
    fn any_trial()(
        model in "[a-d]",
        round in 0..9_u32,
        wall_us in prop_oneof![Just(0), 1..5_u64, any::<u64>(), 1_000..1_100_u64],
        items in 0..4_u64,
        failed in 0..4_u64,
    ) -> Trial {
        trial(&model, round, wall_us, items, if failed == 3 { items.min(1) } else { 0 })
    }
}

proptest! {
    #[test]
    fn whatever_was_measured_makes_sense(
        trials in proptest::collection::vec(any_trial(), 0..40),
        items in 0..3_u64,
        width in 1..200_usize,
    ) {
        let race = Comparison::new(&trials, about(items, &["a", "b"]));
        let ranked = race.entries().iter().filter(|entry| entry.is_ranked()).count();
        for (place, entry) in race.entries().iter().enumerate() {
            prop_assert_eq!(entry.is_ranked(), place < ranked, "the ranked come first");
            prop_assert_eq!(entry.is_ranked(), entry.ratio_to_best.is_some());
            if let Some(ratio) = entry.ratio_to_best {
                prop_assert!(ratio.low <= ratio.estimate && ratio.estimate <= ratio.high);
            }
        }
        prop_assert!(!race.verdict().sentence.english().is_empty());
        let json = serde_json::to_string(&race).unwrap();
        for text in [race.render(Style::PLAIN, width), race.render(Style::COLOR, width), json] {
            let bare = text.replace("in flight", "").replace("infl", "").to_lowercase();
            prop_assert!(!bare.contains("nan") && !bare.contains("inf"), "{}", text);
        }
        prop_assert!(!race.render(Style::PLAIN, width).contains('\x1b'));
    }
}

#[test]
fn races_are_held_against_each_other_only_where_the_same_work_was_done() {
    let of = |failed: u64, rounds: u32, wall_us: u64| {
        let trials =
            (1..=rounds).map(|round| trial("a", round, wall_us + u64::from(round), 10, failed));
        Comparison::new(&trials.collect::<Vec<_>>(), about(10, &["a"]))
    };
    let said = |then: &Comparison, now: &Comparison| {
        let changes = changes(then, now);
        changes.iter().map(|change| change.in_words(0.02)).collect::<Vec<_>>().join("; ")
    };
    let good = of(0, 6, 500_000);
    assert!(said(&good, &of(0, 6, 100_000)).ends_with(", faster"));
    assert_eq!(
        said(&good, &of(10, 6, 1_000)),
        "a: 500 ms then, 1.00 ms now; no ratio, since now all of its items failed"
    );
    let some = said(&of(5, 6, 1_000), &good);
    assert!(
        some.ends_with("no ratio, since 30 of 60 items failed then, and 0 of 60 now"),
        "{some}"
    );
    // The same share of them in more rounds is the same work.
    assert!(said(&of(5, 6, 500_000), &of(5, 8, 100_000)).ends_with(", faster"));
    let few = said(&of(0, 1, 500_000), &good);
    assert_eq!(few, "a: 500 ms then, 500 ms now; too few rounds to tell more");
    assert!(
        said(&of(0, 0, 1), &good).starts_with("a: did not run then, 500 ms now; no ratio, since")
    );
}
