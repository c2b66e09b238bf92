//! Races: which models run when, what an observer learns, and how a race is stopped. The processes of trials are this very
//! binary, so it has a `main` of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use gaits::cpu::{self, CpuSpec};
use gaits::wait::{self, WaitSpec};
use gaits::{
    Entrant, Extent, OtherProgram, Program, Race, RaceControl, RaceError, RaceObserver,
    SessionScope, Settings, Subject, TRIAL_VERB, Trial, TrialCommand, TrialError, TrialObserver,
    WORKER_VERB, WorkSpec, WorkerCommand, models_for, set_up, trial_main, why, worker_main,
};
use libtest_mimic::{Arguments, Failed};
use std::io::BufReader;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let works = gaits::works();
    match std::env::args().nth(1).as_deref() {
        Some(WORKER_VERB) => return worker_main(&works),
        Some(TRIAL_VERB) => {
            let program = Program { works, worker: WorkerCommand::this_binary() };
            return trial_main(&program, None, BufReader::new(std::io::stdin()), std::io::stdout());
        }
        _ => {}
    }
    let test = |name: &str, body: fn()| {
        libtest_mimic::Trial::test(name, move || {
            body();
            Ok::<(), Failed>(())
        })
    };
    let tests = vec![
        test(
            "every_model_runs_once_in_every_round_and_the_round_that_warms_up_is_not_compared",
            every_model_runs_once_in_every_round_and_the_round_that_warms_up_is_not_compared,
        ),
        test("the_seed_decides_the_order", the_seed_decides_the_order),
        test(
            "an_interrupted_race_compares_the_rounds_that_were_complete",
            an_interrupted_race_compares_the_rounds_that_were_complete,
        ),
        test(
            "models_that_make_no_race_are_refused_before_anything_runs",
            models_that_make_no_race_are_refused_before_anything_runs,
        ),
        test(
            "work_that_holds_its_thread_races_on_a_pool_and_other_work_does_not",
            work_that_holds_its_thread_races_on_a_pool_and_other_work_does_not,
        ),
        test(
            "a_slow_model_makes_all_race_on_fewer_items",
            a_slow_model_makes_all_race_on_fewer_items,
        ),
        test("what_takes_for_ever_is_given_up", what_takes_for_ever_is_given_up),
        test(
            "what_takes_for_ever_beside_a_program_is_given_up",
            what_takes_for_ever_beside_a_program_is_given_up,
        ),
        test("each_trial_is_accounted_for", each_trial_is_accounted_for),
        test("a_race_does_no_more_items_than_it_may", a_race_does_no_more_items_than_it_may),
        test(
            "all_that_warms_up_counts_for_what_a_race_may_do",
            all_that_warms_up_counts_for_what_a_race_may_do,
        ),
        test(
            "too_small_a_budget_is_told_with_what_it_takes",
            too_small_a_budget_is_told_with_what_it_takes,
        ),
        test(
            "with_a_rate_of_arrival_the_wait_for_a_worker_counts",
            with_a_rate_of_arrival_the_wait_for_a_worker_counts,
        ),
        test("a_trial_that_dies_is_told", a_trial_that_dies_is_told),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

/// The work `wait`, by timer.
fn waits() -> WorkSpec {
    WorkSpec::new(wait::NAME, WaitSpec::Timer.settings().unwrap())
}

/// 20 waits of `seconds`.
fn on(seconds: &str) -> Subject {
    Subject {
        about: "waits".into(),
        work: waits(),
        job: why::Job {
            holds_its_thread: false,
            is_http: false,
            cores: 2,
            server_here: false,
            arrivals_per_second: None,
            runs_programs: false,
        },
        arrival: None,
        session: SessionScope::default(),
        items: vec![seconds.into()],
        local_ports: Vec::new(),
        count: 20,
    }
}

fn race(models: &[&str], rounds: u32) -> Race {
    Race {
        subject: on("0"),
        entrants: models.iter().map(|model| Entrant::Model(model.parse().unwrap())).collect(),
        warm_ups: 1,
        extent: Extent::Rounds(rounds),
        most_items: None,
        settings: Settings::default(),
        seed: 7,
        trial: TrialCommand::this_binary(),
        records: None,
    }
}

fn within(seconds: u64) -> Extent {
    Extent::Budget(Duration::from_secs(seconds))
}

/// Keeps what it is told, and interrupts the race once it has been told so much.
#[derive(Default)]
struct Log {
    told: Vec<(u32, String, &'static str)>,
    interrupt_after: Option<(usize, RaceControl)>,
}

impl Log {
    fn note(&mut self, round: u32, model: &str, what: &'static str) {
        self.told.push((round, model.to_owned(), what));
        if let Some((after, control)) = &self.interrupt_after
            && self.told.len() == *after
        {
            control.interrupt();
        }
    }

    fn order(&self) -> Vec<(u32, String)> {
        let starts = self.told.iter().filter(|(_, _, what)| *what == "starts");
        starts.map(|(round, model, _)| (*round, model.clone())).collect()
    }
}

impl RaceObserver for Log {}

impl TrialObserver for Log {
    fn trial_starts(&mut self, round: u32, model: &str, _: Option<Duration>) {
        self.note(round, model, "starts");
    }

    fn trial_ended(&mut self, round: u32, model: &str, trial: Option<&Trial>) {
        if let Some(trial) = trial {
            assert_eq!((trial.round, &trial.model), (round, &model.to_owned()));
            assert_eq!(trial.tally.ok(), 20);
        }
        self.note(round, model, if trial.is_some() { "ended" } else { "stopped" });
    }
}

fn every_model_runs_once_in_every_round_and_the_round_that_warms_up_is_not_compared() {
    let models = ["sequential", "threads:2", "async:4"];
    let mut log = Log::default();
    let race = race(&models, 2);
    let outcome = race.run(&mut log, &RaceControl::new()).unwrap();
    assert!(!outcome.interrupted);
    assert_eq!(log.told.len(), 2 * 3 * models.len());
    for pair in log.told.chunks(2) {
        assert_eq!((pair[0].0, &pair[0].1, "ended"), (pair[1].0, &pair[1].1, pair[1].2));
    }
    let mut runs = log.order();
    runs.sort();
    let mut expected: Vec<_> =
        (0..3).flat_map(|round| models.map(|model| (round, model.to_owned()))).collect();
    expected.sort();
    assert_eq!(runs, expected);
    assert_eq!(outcome.comparison.entries().len(), 3);
    for entry in outcome.comparison.entries() {
        assert_eq!(entry.rounds(), 2);
        assert_eq!(entry.tally.ok(), 40);
    }
}

fn the_seed_decides_the_order() {
    let order = |seed| {
        let mut log = Log::default();
        let race = Race { seed, ..race(&["sequential", "threads:2", "async:4"], 3) };
        race.run(&mut log, &RaceControl::new()).unwrap();
        log.order()
    };
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
}

fn an_interrupted_race_compares_the_rounds_that_were_complete() {
    let control = RaceControl::new();
    // Two models: the ninth event is the start of the first run of round 2.
    let mut log = Log { interrupt_after: Some((9, control.clone())), ..Log::default() };
    let outcome = race(&["sequential", "threads:2"], 5).run(&mut log, &control).unwrap();
    assert!(outcome.interrupted);
    assert_eq!(outcome.comparison.rounds(), 1);
    assert!(outcome.comparison.entries().iter().all(|entry| entry.rounds() == 1));
    assert_eq!(log.told.len(), 10);
    let (round, _, what) = &log.told[9];
    assert_eq!((*round, *what), (2, "stopped"));
}

fn models_that_make_no_race_are_refused_before_anything_runs() {
    let mut log = Log::default();
    let none = race(&[], 1).run(&mut log, &RaceControl::new());
    assert!(matches!(none, Err(RaceError::NoModels)), "{none:?}");
    let models = ["async:3", "threads:2", "async:3"];
    let twice = race(&models, 1).run(&mut log, &RaceControl::new()).unwrap_err();
    assert_eq!(twice.to_string(), "async:3 takes part twice");
    assert!(log.told.is_empty());
}

fn work_that_holds_its_thread_races_on_a_pool_and_other_work_does_not() {
    let forms = |work: &WorkSpec| {
        let work = set_up(&gaits::works(), work).unwrap();
        let models = models_for(&*work).unwrap();
        models.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let product = CpuSpec::Product { n: 5 }.settings().unwrap();
    let has_pool =
        |models: &[String]| models.iter().any(|model| model.contains("async:100/threads"));
    let (blocking, other) = (forms(&WorkSpec::new(cpu::NAME, product)), forms(&waits()));
    assert!(has_pool(&blocking) && !has_pool(&other), "{blocking:?} {other:?}");
    for models in [blocking, other] {
        assert_eq!(models[0], "sequential");
        assert!(models.contains(&"async:100".to_owned()), "{models:?}");
    }
}

fn a_slow_model_makes_all_race_on_fewer_items() {
    // One after another, six rounds of all would take two minutes.
    let slow = Race {
        subject: Subject { count: 400, ..on("0.05") },
        extent: within(10),
        ..race(&["sequential", "async:400"], 0)
    };
    let outcome = slow.run(&mut (), &RaceControl::new()).unwrap();
    let about = outcome.comparison.about();
    assert_eq!(about.all_items, 400);
    assert!((6..60).contains(&about.items), "{} items", about.items);
    let rounds = outcome.comparison.rounds();
    assert!(rounds >= 6, "{rounds} rounds");
    for trial in &outcome.trials {
        assert_eq!(trial.tally.ok(), about.items, "{trial:?}");
    }
}

fn each_trial_is_accounted_for() {
    let models = ["sequential", "threads:3", "processes:2", "async:4", "processes:2/threads:2"];
    let outcome = race(&models, 1).run(&mut (), &RaceControl::new()).unwrap();
    for (model, processes, threads) in
        [("sequential", 1, 1), ("threads:3", 1, 3), ("processes:2", 3, 2), ("async:4", 1, 1)]
    {
        let trial = outcome.trials.iter().find(|trial| trial.model == model).unwrap();
        let usage = trial.usage;
        assert_eq!(usage.processes, processes, "{model}: {usage:?}");
        assert!(usage.threads >= threads, "{model}: {usage:?}");
        assert!(usage.cpu_us > 0 && usage.waiting_us.is_some(), "{model}: {usage:?}");
        assert!(usage.peak_memory > processes * 500_000, "{model}: {usage:?}");
        assert!(trial.wall_us > 0 && trial.process_us >= trial.wall_us, "{model}: {trial:?}");
        let work_us = trial.wall_us - (trial.startup_us + trial.closing_us);
        let longest_us = trial.tally.latency().max_us().unwrap();
        assert!(longest_us <= work_us, "{model}: no item takes longer than all: {trial:?}");
        assert_eq!(trial.outcomes.each().collect::<Vec<_>>(), ["ok"; 20], "{model}");
    }
}

fn a_race_does_no_more_items_than_it_may() {
    let few =
        Race { most_items: Some(500), extent: within(5), ..race(&["async:4", "threads:2"], 0) };
    assert_eq!(few.warm_up_items(), 20);
    let outcome = few.run(&mut (), &RaceControl::new()).unwrap();
    let done: u64 = outcome.trials.iter().map(|trial| trial.tally.items()).sum();
    assert!(done + 40 <= 500, "{done}");
    assert_eq!(outcome.comparison.about().items, 20);
    let cut = Race { most_items: Some(140), ..few.clone() };
    let outcome = cut.run(&mut (), &RaceControl::new()).unwrap();
    assert_eq!((outcome.comparison.about().items, outcome.comparison.rounds()), (10, 6));
    let none = Race { most_items: Some(50), ..few };
    let refused = none.run(&mut (), &RaceControl::new()).unwrap_err();
    assert!(matches!(refused, RaceError::TooManyItems { most: 50, needs: 280 }), "{refused:?}");
}

fn all_that_warms_up_counts_for_what_a_race_may_do() {
    struct Done(u64);
    impl RaceObserver for Done {}
    impl TrialObserver for Done {
        fn trial_ended(&mut self, _: u32, _: &str, trial: Option<&Trial>) {
            self.0 += trial.unwrap().tally.items();
        }
    }
    let mut done = Done(0);
    let rounds = Race { warm_ups: 10, most_items: Some(219), ..race(&["sequential"], 1) };
    let refused = rounds.run(&mut done, &RaceControl::new()).unwrap_err();
    assert!(matches!(refused, RaceError::TooManyItems { most: 219, needs: 220 }), "{refused:?}");
    let extent = within(5);
    let few = Race { warm_ups: 3, most_items: Some(140), extent, ..race(&["async:4"], 0) };
    // A seventh of 140 is 20, for three runs.
    assert_eq!(few.warm_up_items(), 6);
    few.run(&mut done, &RaceControl::new()).unwrap();
    assert!((6 * 3 + 6 * 20..=140).contains(&done.0), "{}", done.0);
}

fn too_small_a_budget_is_told_with_what_it_takes() {
    let slow = Race {
        subject: on("0.5"),
        extent: Extent::Budget(Duration::from_secs(1)),
        ..race(&["sequential", "async:2"], 0)
    };
    let refused = slow.run(&mut (), &RaceControl::new()).unwrap_err();
    let RaceError::Budget { needs } = refused else { panic!("{refused:?}") };
    assert!((4..20).contains(&needs.as_secs()), "{needs:?}");
}

fn with_a_rate_of_arrival_the_wait_for_a_worker_counts() {
    // One every 20 ms, and each takes 60 ms: one worker falls behind by 40 ms an item, twenty do not.
    let open = Race {
        subject: Subject { arrival: Some(Duration::from_millis(20)), ..on("0.06") },
        ..race(&["sequential", "async:20"], 1)
    };
    let outcome = open.run(&mut (), &RaceControl::new()).unwrap();
    let longest = |model: &str| {
        let trial = outcome.trials.iter().find(|trial| trial.model == model).unwrap();
        assert_eq!(trial.tally.ok(), 20);
        // However late it was started, it was at work for as long as ever.
        let at_work = trial.tally.mean_in_flight(trial.wall_us).unwrap() * trial.wall_us as f64;
        assert!(at_work >= 20.0 * 60_000.0, "{model}: {at_work}");
        trial.tally.latency().max_us().unwrap()
    };
    let (one, many) = (longest("sequential"), longest("async:20"));
    assert!(one >= 19 * 40_000 + 60_000, "{one}");
    assert!((60_000..one).contains(&many), "{many}");
    let wall_us = outcome.trials.iter().map(|trial| trial.wall_us).min().unwrap();
    assert!(wall_us >= 19 * 20_000 + 60_000, "{wall_us}");
}

fn what_takes_for_ever_is_given_up() {
    let endless = Race {
        subject: on("3600"),
        extent: Extent::Budget(Duration::from_secs(1)),
        ..race(&["sequential", "processes:2"], 0)
    };
    let refused = endless.run(&mut (), &RaceControl::new()).unwrap_err();
    assert!(matches!(refused, RaceError::Budget { .. }), "{refused:?}");
}

fn what_takes_for_ever_beside_a_program_is_given_up() {
    struct Bar;
    impl RaceObserver for Bar {}
    impl TrialObserver for Bar {
        fn wants_progress(&self) -> bool {
            true
        }
    }
    let mut endless = Race {
        subject: on("3600"),
        extent: Extent::Budget(Duration::from_millis(500)),
        ..race(&["sequential"], 0)
    };
    endless.entrants.push(Entrant::Program(OtherProgram {
        name: "true".into(),
        command: "true".into(),
        prepare: None,
        cleanup: None,
    }));
    // With a progress bar the run is watched anyway.
    let observers: [&mut dyn RaceObserver; 2] = [&mut (), &mut Bar];
    for observer in observers {
        let refused = endless.run(observer, &RaceControl::new()).unwrap_err();
        assert!(matches!(refused, RaceError::Budget { .. }), "{refused:?}");
    }
}

fn a_trial_that_dies_is_told() {
    let trial = TrialCommand { program: "false".into(), args: Vec::new() };
    let died = Race { trial, ..race(&["sequential"], 1) }.run(&mut (), &RaceControl::new());
    let error = died.unwrap_err();
    let RaceError::Trial(TrialError::Failed { message, .. }) = &error else { panic!("{error:?}") };
    assert_eq!(message, "its process exited with status 1");
    let trial = TrialCommand { program: "/no/such/program".into(), args: Vec::new() };
    let none = Race { trial, ..race(&["sequential"], 1) }.run(&mut (), &RaceControl::new());
    assert!(matches!(none, Err(RaceError::Trial(TrialError::Process { .. }))), "{none:?}");
}
