use super::fitted::{Fitted, NoFit, explain};
use super::resample::Sample;
use super::*;
use crate::tally::tests::record;
use crate::{Layout, MachineLoad, OutcomesOf, Tally, Usage};
use fastrand::Rng;
use gaits_core::{Detail, ErrorKind, Record};
use proptest::prelude::*;

const NUMBERS: [u64; 8] = [1, 2, 4, 8, 16, 24, 32, 64];

/// One second of a run with `n` in flight and a throughput of `x`, in which items waited for the head of the response.
fn trial(model: &str, round: u32, measured: (f64, f64)) -> Trial {
    trial_in("first_byte_us", model, round, measured)
}

/// The same with items that were in this phase.
fn trial_in(phase: &str, model: &str, round: u32, (n, x): (f64, f64)) -> Trial {
    let mut tally = Tally::new();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small and positive"
    )]
    let (items, latency_us) = (x.round() as u64, (n / x * 1e6) as u64);
    let detail = Detail::read("http", vec![(phase.into(), latency_us.into())]);
    let one = Record { detail: Some(detail), ..record((1, 1), latency_us, None) };
    tally.extend((0..items).map(|_| one.clone()));
    Trial {
        model: model.to_owned(),
        round,
        wall_us: 1_000_000,
        startup_us: 0,
        closing_us: 0,
        process_us: 1_010_000,
        missing_workers: 0,
        workers_died: 0,
        tally,
        outcomes: OutcomesOf::new().finish(items),
        usage: Usage::default(),
        machine: MachineLoad::default(),
        steady: None,
    }
}

fn about(models: &[(&str, &[u64])]) -> SweepInfo {
    let models = models.iter().map(|(name, numbers)| SweptModel {
        name: (*name).to_owned(),
        points: numbers
            .iter()
            .map(|workers| SweptPoint {
                workers: *workers,
                model: format!("{name}:{workers}"),
                layout: Layout::new(1, 1, u32::try_from(*workers).unwrap()),
            })
            .collect(),
        no_more: None,
    });
    SweepInfo {
        work: "http".to_owned(),
        seed: 7,
        settings: SweepSettings::default(),
        job: Job {
            holds_its_thread: false,
            is_http: true,
            cores: 2,
            server_here: false,
            arrivals_per_second: None,
            runs_programs: false,
        },
        models: models.collect(),
        targets: Vec::new(),
        refused: None,
    }
}

/// Six rounds in which throughput is that of `curve`, but for 2 %.
fn trials(name: &str, curve: impl Fn(f64) -> f64) -> Vec<Trial> {
    trials_in("first_byte_us", name, curve)
}

fn trials_in(phase: &str, name: &str, curve: impl Fn(f64) -> f64) -> Vec<Trial> {
    let mut rng = Rng::with_seed(1);
    let mut trials = Vec::new();
    for round in 1..=6 {
        for workers in NUMBERS {
            let n = workers as f64;
            let noise = 1.0 + 0.02 * (rng.f64() - 0.5);
            let measured = (n, curve(n) * noise);
            trials.push(trial_in(phase, &format!("{name}:{workers}"), round, measured));
        }
    }
    trials
}

fn swept(curve: impl Fn(f64) -> f64) -> Scalability {
    Scalability::new(&trials("async", curve), about(&[("async", &NUMBERS)]))
}

/// A server that takes 50 ms and serves 20 at once.
fn queue(n: f64) -> f64 {
    (n / 0.05).min(400.0)
}

fn recommended(sweep: &Scalability) -> f64 {
    sweep.models()[0].recommended.unwrap().workers
}

#[test]
fn a_server_that_queues_is_told_by_its_limit_and_the_smallest_number_that_reaches_it() {
    let sweep = swept(queue);
    assert!((recommended(&sweep) - 24.0).abs() < 1e-9, "{sweep:?}");
    assert_eq!(
        sweep.sentence().english(),
        "24 workers: beyond that the server queues, and each waits longer"
    );
    let model = &sweep.models()[0];
    assert_eq!((model.trend, model.law), (Trend::Flat, None));
    let limit = model.limit.unwrap();
    assert_eq!(limit.kind, LimitKind::Unknown, "nobody has said that it is a rate limit");
    assert!((limit.knee.estimate - 20.0).abs() < 0.5, "{limit:?}");
    assert!(limit.rate.low < 402.0 && 398.0 < limit.rate.high, "{limit:?}");
    let text = sweep.render(Style::PLAIN, 120);
    assert!(text.starts_with("24 workers: beyond"), "{text}");
    assert!(text.contains("●") && text.contains("which is a kink"), "{text}");
}

#[test]
fn a_server_queues_only_if_its_answers_begin_later() {
    let said = |phase: &str| {
        let trials = trials_in(phase, "async", queue);
        let sweep = Scalability::new(&trials, about(&[("async", &NUMBERS)]));
        sweep.sentence().english().to_owned()
    };
    assert_eq!(
        said("body_us"),
        "24 workers: beyond that the network, or how fast the server sends, is the limit, and each body takes longer"
    );
    assert_eq!(
        said("connect_us"),
        "24 workers: beyond that throughput hardly grows, and each takes longer"
    );
}

#[test]
fn a_curve_that_falls_is_told_with_its_peak() {
    let law = Law { gamma: 100.0, alpha: 0.02, beta: 0.002 };
    let sweep = swept(|n| law.at(n));
    let model = &sweep.models()[0];
    assert_eq!((model.trend, model.limit), (Trend::Falling, None));
    let fitted = model.law.unwrap();
    let Peak::Shown { n, .. } = fitted.peak else { panic!("{fitted:?}") };
    assert!(n.low < 22.2 && 22.1 < n.high && (n.estimate - 22.1).abs() < 2.0, "{n:?}");
    assert!((16.0..=24.0).contains(&recommended(&sweep)), "{sweep:?}");
    assert!(
        sweep.sentence().english().ends_with("and throughput falls in the end"),
        "{}",
        sweep.sentence().english()
    );
    assert!(model.notes.iter().any(|note| note.english().contains("throughput is highest with ")));
}

#[test]
fn a_curve_that_grows_to_the_end_shows_no_peak() {
    let law = Law { gamma: 100.0, alpha: 0.01, beta: 1e-5 };
    let sweep = swept(|n| law.at(n));
    let model = &sweep.models()[0];
    assert_eq!(model.trend, Trend::Growing);
    assert_eq!(
        sweep.sentence().english(),
        "64 workers, the most that were tried: throughput still grows there, so more may be better"
    );
    // The law's peak, at 316, was never measured.
    assert!(!matches!(model.law.unwrap().peak, Peak::Shown { .. }), "{model:?}");
    assert!(model.notes.iter().any(|note| note.english().starts_with("the data ")), "{model:?}");
    let json = serde_json::to_value(&sweep).unwrap();
    assert!(json["models"][0]["law"]["peak_n"].is_null(), "{json}");
}

#[test]
fn busy_cores_are_named_as_the_limit() {
    let mut trials = trials("threads", |n| 50.0 * n.min(2.0));
    for trial in &mut trials {
        let workers: u64 = trial.model["threads:".len()..].parse().unwrap();
        trial.usage.cpu_us = 990_000 * workers.min(2);
    }
    let mut about = about(&[("threads", &NUMBERS)]);
    about.job = Job { holds_its_thread: true, is_http: false, ..about.job };
    for point in &mut about.models[0].points {
        point.layout = Layout::new(1, point.layout.in_flight, 1);
    }
    let sweep = Scalability::new(&trials, about);
    assert_eq!(
        sweep.sentence().english(),
        "2 workers: the 2 cores are busy, and more workers only share them"
    );
    assert_eq!(sweep.models()[0].limit.unwrap().kind, LimitKind::Cores);
}

#[test]
fn programs_are_not_held_up_by_the_one_thread_that_starts_them() {
    let mut trials = trials("async", |n| 50.0 * n.min(2.0));
    for trial in &mut trials {
        let workers: u64 = trial.model["async:".len()..].parse().unwrap();
        trial.usage.cpu_us = 490_000 * workers.min(2);
    }
    let mut about = about(&[("async", &NUMBERS)]);
    about.job = Job { runs_programs: true, is_http: false, ..about.job };
    let kind =
        |trials: &[Trial]| Scalability::new(trials, about.clone()).models()[0].limit.unwrap().kind;
    assert_eq!(kind(&trials), LimitKind::Unknown);
    for trial in &mut trials {
        trial.usage.cpu_us *= 2;
    }
    assert_eq!(kind(&trials), LimitKind::Cores);
}

#[test]
fn items_that_hold_the_loop_are_not_kept_in_flight() {
    let mut rounds = Vec::new();
    for round in 1..=6 {
        for workers in NUMBERS {
            rounds.push(trial(&format!("async:{workers}"), round, (1.0, 20.0)));
        }
    }
    let sweep = Scalability::new(&rounds, about(&[("async", &NUMBERS)]));
    assert_eq!(sweep.sentence().english(), "1 worker: more are not kept in flight");
    assert_eq!(sweep.models()[0].law, None);
}

#[test]
fn a_rate_limit_is_called_so_only_if_the_server_says_it() {
    let mut about = about(&[("async", &NUMBERS[..3])]);
    about.refused =
        Some(Refused { model: "async".into(), workers: 8, item: "http://x/".into(), status: 429 });
    let all = trials("async", queue);
    let some: Vec<Trial> = all
        .into_iter()
        .filter(|trial| about.models[0].points.iter().any(|p| p.model == trial.model))
        .collect();
    let sweep = Scalability::new(&some, about.clone());
    assert_eq!(
        sweep.sentence().english(),
        "4 workers, the most that were tried: with 8 the server refused (status 429)"
    );
    let none = Scalability::new(&[], about);
    assert_eq!(
        none.sentence().english(),
        "no answer: the server refused (status 429) what 8 workers asked for; not what 4 workers did"
    );
}

#[test]
fn points_with_missing_workers_or_failures_are_left_out() {
    let mut trials = trials("async", queue);
    for trial in &mut trials {
        if trial.model == "async:64" {
            trial.missing_workers = 3;
        }
        if trial.model == "async:32" {
            trial.tally.extend(
                (0..20).map(|_| record((1, 1), 80_000, Some((ErrorKind::Timeout, "late")))),
            );
        }
    }
    let sweep = Scalability::new(&trials, about(&[("async", &NUMBERS)]));
    let states: Vec<PointState> =
        sweep.models()[0].points.iter().map(|point| point.state).collect();
    assert_eq!(states[6..], [PointState::Failing, PointState::Degraded { missing_workers: 3 }]);
    let notes = &sweep.models()[0].notes;
    assert!(
        notes.iter().any(|note| note.english().starts_with("with 64 workers, 3 of them could not")),
        "{notes:?}"
    );
    assert!(sweep.sentence().english().contains("with 32, "), "{}", sweep.sentence().english());
    // A list in which the same share always fails is as good as any.
    for trial in &mut trials {
        trial.missing_workers = 0;
        let failures = trial.tally.items() / 9;
        if trial.model != "async:32" {
            let gone = Some((ErrorKind::HttpStatus, "404"));
            trial.tally.extend((0..failures).map(|_| record((1, 1), 50_000, gone)));
        }
    }
    let sweep = Scalability::new(&trials, about(&[("async", &NUMBERS)]));
    assert!(sweep.models()[0].points.iter().all(Point::is_usable), "{sweep:?}");
}

#[test]
fn failures_are_more_only_if_that_is_no_chance() {
    let of = |failed, items| FailedShare { failed, items };
    for (more, before) in [
        (of(5, 100), of(0, 8)),
        (of(1, 20), of(0, 100)),
        (of(4, 8), of(0, 8)),
        (of(0, 0), of(0, 0)),
        (of(7, 7), of(7, 7)),
        (of(10_900, 1_000_000), of(1_000, 1_000_000)),
    ] {
        assert!(!more.are_more_than(before), "{more:?} {before:?}");
    }
    for (more, before) in
        [(of(8, 8), of(0, 8)), (of(3, 100), of(0, 1_000)), (of(50, 1_000), of(10, 1_000))]
    {
        assert!(more.are_more_than(before), "{more:?} {before:?}");
        assert!(!before.are_more_than(more), "{more:?} {before:?}");
    }
}

#[test]
fn a_list_with_dead_items_is_measured_with_all_numbers_of_workers() {
    let mut trials = trials("async", queue);
    // Of one worker's few items none is dead, by chance; of all others one in twenty.
    for trial in trials.iter_mut().filter(|trial| trial.model != "async:1") {
        let dead = trial.tally.items() / 19;
        let gone = Some((ErrorKind::HttpStatus, "404"));
        trial.tally.extend((0..dead).map(|_| record((1, 1), 50_000, gone)));
    }
    let sweep = Scalability::new(&trials, about(&[("async", &NUMBERS)]));
    assert!(sweep.models()[0].points.iter().all(Point::is_usable), "{sweep:?}");
}

#[test]
fn a_point_whose_rounds_differ_wildly_has_no_throughput() {
    let mut rounds = vec![trial("async:8", 1, (8.0, 20.0)), trial("async:8", 2, (8.0, 400.0))];
    for workers in [1, 2, 4] {
        let n = f64::from(workers);
        let name = format!("async:{workers}");
        rounds.extend([1, 2].map(|round| trial(&name, round, (n, queue(n) + f64::from(round)))));
    }
    let sweep = Scalability::new(&rounds, about(&[("async", &[1, 2, 4, 8])]));
    let last = &sweep.models()[0].points[3];
    assert_eq!((last.state, last.throughput, last.range), (PointState::Unsteady, None, None));
    let json = serde_json::to_value(&sweep).unwrap();
    assert_eq!(json["models"][0]["points"][3]["rounds"], 2, "{json}");
    assert!(
        sweep.sentence().english().contains("with 8, rounds differ too much"),
        "{}",
        sweep.sentence().english()
    );
}

#[test]
fn the_largest_number_that_keeps_a_target_is_named() {
    let mut about = about(&[("async", &NUMBERS)]);
    about.targets = vec!["p99 < 70ms".parse().unwrap()];
    let sweep = Scalability::new(&trials("async", queue), about.clone());
    assert!((recommended(&sweep) - 24.0).abs() < 1e-9, "{}", sweep.sentence().english());
    assert!(
        sweep.sentence().english().starts_with("24 workers keep p99 < 70ms: with 32 it is p99 8"),
        "{}",
        sweep.sentence().english()
    );
    about.targets = vec!["p99 < 10ms".parse().unwrap()];
    let none = Scalability::new(&trials("async", queue), about);
    assert!(
        none.sentence()
            .english()
            .starts_with("no number of workers that was tried surely keeps p99 < 10ms"),
        "{}",
        none.sentence().english()
    );
    assert!(!none.has_answer());
}

#[test]
fn models_stand_beside_each_other() {
    let mut all = trials("async", queue);
    all.extend(trials("threads", |n| 0.5 * queue(n)));
    let sweep = Scalability::new(&all, about(&[("threads", &NUMBERS), ("async", &NUMBERS)]));
    assert!(
        sweep.sentence().english().starts_with("async with 24 workers: "),
        "{}",
        sweep.sentence().english()
    );
    let text = sweep.render(Style::PLAIN, 100);
    assert!(text.contains("○ async: 24 workers") && text.contains("● threads: "), "{text}");
}

#[test]
fn points_from_elsewhere_have_a_law_with_intervals() {
    let sweep = Scalability::of_points("specsdm91.csv", &law::tests::SPECSDM91, 1);
    let fitted = sweep.models()[0].law.unwrap();
    let Peak::Shown { n, x } = fitted.peak else { panic!("{fitted:?}") };
    assert!((n.estimate - 96.52).abs() < 0.1 && (x.estimate - 1884.0).abs() < 2.0, "{fitted:?}");
    assert!(n.low < n.estimate && n.estimate < n.high && n.high.is_finite(), "{fitted:?}");
    assert!((recommended(&sweep) - 72.0).abs() < 1e-9);
    assert_eq!(
        sweep.sentence().english(),
        "n = 72: beyond that throughput gains little, and then falls"
    );
}

#[test]
fn a_peak_below_what_was_measured_is_none() {
    for points in [
        [(1.0, 100.0), (2.0, 85.0), (4.0, 78.0), (8.0, 75.0), (16.0, 72.0), (32.0, 68.0)],
        [(4.0, 100.0), (8.0, 85.0), (16.0, 60.0), (32.0, 38.0), (64.0, 21.0), (128.0, 11.0)],
    ] {
        let sweep = Scalability::of_points("p.csv", &points, 1);
        let model = &sweep.models()[0];
        assert_eq!(model.law.unwrap().peak, Peak::Below, "{model:?}");
        let said = |note: &Said| note.english() == "throughput falls from the fewest in flight on";
        assert!(model.notes.iter().any(said), "{model:?}");
        let json = serde_json::to_value(&sweep).unwrap();
        let law = &json["models"][0]["law"];
        assert_eq!(law["peak"], "below_measured");
        assert!(law["peak_n"].is_null() && law["intervals"]["peak_x"].is_null(), "{law}");
    }
    assert_eq!(Law { gamma: 1.0, alpha: 1.0, beta: 0.1 }.peak(), None);
}

#[test]
fn too_few_points_and_points_without_a_law_say_so() {
    let of = |points: &[(f64, f64)]| Scalability::of_points("p.csv", points, 1);
    let one = of(&[(4.0, 10.0)]);
    assert_eq!(
        one.sentence().english(),
        "no answer: one point, n = 4, says nothing of more or fewer; it takes two or more"
    );
    assert!(!one.has_answer());
    let three = of(&[(1.0, 10.0), (2.0, 19.0), (4.0, 30.0)]);
    assert!(three.models()[0].law.is_none() && three.has_answer());
    assert!(
        three.models()[0].notes.iter().any(|note| note.english().contains("it takes 4 or more"))
    );
    let wild = of(&[(1.0, 50.0), (2.0, 5.0), (4.0, 80.0), (8.0, 3.0), (16.0, 70.0), (32.0, 4.0)]);
    assert!(wild.models()[0].law.is_none());
    assert!(
        wild.models()[0].notes.iter().any(|note| note.english().starts_with("no law fits")),
        "{wild:?}"
    );
    let zero = of(&[(1.0, 0.0), (2.0, 0.0), (4.0, 0.0), (8.0, 0.0)]);
    assert_eq!(zero.sentence().english(), "no answer: throughput is 0 in all points");
}

/// How often intervals hold what is true, where rounds have 3 % noise: a short form of `examples/scalability.rs`.
#[test]
fn intervals_hold_what_is_true_about_as_often_as_they_say() {
    let truth = Law { gamma: 20.0, alpha: 0.02, beta: 5e-4 };
    let (peak, _) = truth.peak().unwrap();
    let mut rng = Rng::with_seed(3);
    let (mut alpha, mut beta, mut at_peak) = (0, 0, 0);
    let sweeps = 40;
    for seed in 0..sweeps {
        let samples: Vec<Sample> = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]
            .iter()
            .map(|n| sample(*n, truth, 0.03, 6, &mut rng))
            .collect();
        let Fitted::Law(fitted) = explain(&samples, seed, 0.95) else { continue };
        let holds =
            |of: crate::stats::Interval, truth: f64| u32::from(of.low <= truth && truth <= of.high);
        alpha += holds(fitted.alpha, truth.alpha);
        beta += holds(fitted.beta, truth.beta);
        if let Peak::Shown { n, .. } = fitted.peak {
            at_peak += holds(n, peak);
        }
    }
    // Of 40, 38 on average; fewer than 34 come once in a hundred.
    assert!(alpha >= 34 && beta >= 34 && at_peak >= 34, "{alpha} {beta} {at_peak} of {sweeps}");
}

/// A point of the law with log-normal noise in each of `rounds`.
fn sample(n: f64, law: Law, noise: f64, rounds: usize, rng: &mut Rng) -> Sample {
    let mut normal = || {
        let (radius, angle) =
            ((-2.0 * (1.0 - rng.f64()).ln()).sqrt(), std::f64::consts::TAU * rng.f64());
        radius * angle.cos()
    };
    let rounds: Vec<(f64, f64)> =
        (0..rounds).map(|_| (n, law.at(n) * (noise * normal()).exp())).collect();
    let log = rounds.iter().map(|(_, x)| x.ln()).sum::<f64>() / rounds.len() as f64;
    Sample { n, x: log.exp(), rounds }
}

#[test]
fn what_was_in_flight_decides_whether_there_is_a_curve() {
    let flat: Vec<Sample> = (0..6).map(|_| Sample { n: 1.0, x: 5.0, rounds: Vec::new() }).collect();
    assert_eq!(explain(&flat, 1, 0.95), Fitted::None(NoFit::NoSpread));
}

fn keys(value: &serde_json::Value) -> Vec<String> {
    let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
    keys.sort();
    keys
}

#[test]
fn the_schema_names_what_is_printed() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../../../docs/sweep.schema.json")).unwrap();
    let law = serde_json::to_value(Scalability::of_points("p", &law::tests::SPECSDM91, 1)).unwrap();
    let mut about = about(&[("async", &NUMBERS)]);
    about.refused = Some(Refused { model: "x".into(), workers: 1, item: "y".into(), status: 503 });
    let limit = serde_json::to_value(Scalability::new(&trials("async", queue), about)).unwrap();
    let (of_law, of_limit) = (&law["models"][0], &limit["models"][0]);
    for (shown, named) in [
        (&limit, "sweep"),
        (&limit["refused"], "refused"),
        (of_limit, "model"),
        (&of_limit["points"][0], "point"),
        (&of_law["law"], "law"),
        (&of_law["law"]["intervals"], "law_intervals"),
        (&of_limit["limit"], "limit"),
        (&of_limit["limit"]["intervals"], "limit_intervals"),
        (&of_law["law"]["intervals"]["gamma"], "ends"),
    ] {
        let of = if named == "sweep" { &schema } else { &schema["$defs"][named] };
        assert_eq!(keys(shown), keys(&of["properties"]), "{named}");
        let mut required: Vec<String> = of["required"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        required.sort();
        assert_eq!(keys(shown), required, "{named}");
    }
    assert_eq!(limit["version"], schema["properties"]["version"]["const"]);
    assert_eq!((&limit["kind"], &limit["sentence"]), (&"sweep".into(), &of_limit["sentence"]));
    assert_eq!(of_limit["recommended"], 24);
    for (shown, named) in [(of_limit, "trend"), (&of_limit["points"][0], "state")] {
        let of = if named == "trend" { "model" } else { "point" };
        let names = schema["$defs"][of]["properties"][named]["enum"].as_array().unwrap();
        assert!(names.contains(&shown[named]), "{named}");
    }
}

proptest! {
    // Each makes thousands of fits.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whatever_was_measured_makes_sense(
        points in proptest::collection::vec((1..200_u64, 1..5_u32, 0..60_u64, 0..3_u64), 0..30),
        width in 1..150_usize,
        with_target: bool,
    ) {
        let mut numbers: Vec<u64> = points.iter().map(|(workers, ..)| *workers).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let trials: Vec<Trial> = points.iter().map(|(workers, round, items, failed)| {
            let mut trial = trial(&format!("async:{workers}"), *round, (*workers as f64, *items as f64 + 0.001));
            let failed = (0..*failed).map(|_| record((1, 1), 5, Some((ErrorKind::Timeout, "late"))));
            trial.tally.extend(failed);
            trial
        }).collect();
        let mut about = about(&[("async", &numbers)]);
        if with_target {
            about.targets = vec!["p50 < 1s".parse().unwrap()];
        }
        let sweep = Scalability::new(&trials, about);
        prop_assert!(!sweep.sentence().english().is_empty());
        if let Some(Recommended { workers, range: Some((low, high)) }) = sweep.models()[0].recommended {
            prop_assert!(low <= workers && workers <= high);
        }
        let json = serde_json::to_string(&sweep).unwrap();
        for text in [sweep.render(Style::PLAIN, width), sweep.render(Style::COLOR, width), sweep.markdown(), json] {
            let bare = text.replace("in flight", "").replace("in_flight", "").to_lowercase();
            prop_assert!(!bare.contains("nan") && !bare.contains("inf"), "{}", text);
        }
        prop_assert!(!sweep.render(Style::PLAIN, width).contains('\x1b'));
    }

    #[test]
    fn whatever_comes_from_elsewhere_makes_sense(
        xs in proptest::collection::vec(prop_oneof![Just(0.0), 0.0..1e99_f64, 1.0..100.0_f64], 1..12),
        first in 0.1..5.0_f64,
        step in 1.01..3.0_f64,
    ) {
        let points: Vec<(f64, f64)> =
            xs.iter().enumerate().map(|(at, x)| (first * step.powi(i32::try_from(at).unwrap()), *x)).collect();
        let sweep = Scalability::of_points("p.csv", &points, 1);
        if let Some(fitted) = sweep.models()[0].law {
            for of in [fitted.gamma, fitted.alpha, fitted.beta] {
                prop_assert!(of.low <= of.estimate && of.estimate <= of.high && of.high.is_finite());
            }
        }
        let json = serde_json::to_string(&sweep).unwrap();
        for text in [sweep.render(Style::PLAIN, 90), sweep.markdown(), json] {
            let bare = text.replace("in flight", "").replace("in_flight", "").to_lowercase();
            prop_assert!(!bare.contains("nan") && !bare.contains("inf"), "{}", text);
        }
    }
}
