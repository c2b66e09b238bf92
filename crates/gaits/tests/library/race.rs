//! Races: which models run when, what an observer learns, and how a race is stopped.

use crate::scene::{program, waits};
use gaits::cpu::{self, CpuSpec};
use gaits::{
    Model, Race, RaceControl, RaceError, RaceObserver, SessionScope, Trial, WorkSpec, models_for,
    set_up,
};

fn race(models: &[&str], rounds: u32) -> Race {
    Race {
        about: "waits".into(),
        work: waits(),
        session: SessionScope::default(),
        items: vec!["0".into()],
        count: 20,
        models: models.iter().map(|model| model.parse().unwrap()).collect(),
        rounds,
        seed: 7,
    }
}

/// Keeps what it is told, and interrupts the race once it has been told so much.
#[derive(Default)]
struct Log {
    told: Vec<(u32, Model, &'static str)>,
    interrupt_after: Option<(usize, RaceControl)>,
}

impl Log {
    fn note(&mut self, round: u32, model: Model, what: &'static str) {
        self.told.push((round, model, what));
        if let Some((after, control)) = &self.interrupt_after
            && self.told.len() == *after
        {
            control.interrupt();
        }
    }

    fn order(&self) -> Vec<(u32, String)> {
        let starts = self.told.iter().filter(|(_, _, what)| *what == "starts");
        starts.map(|(round, model, _)| (*round, model.to_string())).collect()
    }
}

impl RaceObserver for Log {
    fn trial_starts(&mut self, round: u32, model: Model) {
        self.note(round, model, "starts");
    }

    fn trial_ended(&mut self, round: u32, model: Model, trial: Option<&Trial>) {
        if let Some(trial) = trial {
            assert_eq!((trial.round, &trial.model), (round, &model.to_string()));
            assert_eq!(trial.tally.ok(), 20);
        }
        self.note(round, model, if trial.is_some() { "ended" } else { "stopped" });
    }
}

#[test]
fn every_model_runs_once_in_every_round_and_the_round_that_warms_up_is_not_compared() {
    let models = ["sequential", "threads:2", "async:4"];
    let mut log = Log::default();
    let race = race(&models, 2);
    let outcome = race.run(&program(), &mut log, &RaceControl::new()).unwrap();
    assert!(!outcome.interrupted);
    assert_eq!(log.told.len() as u64, 2 * race.runs());
    for pair in log.told.chunks(2) {
        assert_eq!((pair[0].0, pair[0].1, "ended"), (pair[1].0, pair[1].1, pair[1].2));
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

#[test]
fn the_same_seed_gives_the_same_order() {
    let order = |seed| {
        let mut log = Log::default();
        let race = Race { seed, ..race(&["sequential", "threads:2", "async:4"], 3) };
        race.run(&program(), &mut log, &RaceControl::new()).unwrap();
        log.order()
    };
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
}

#[test]
fn an_interrupted_race_compares_the_rounds_that_were_complete() {
    let control = RaceControl::new();
    // Two models: the ninth event is the start of the first run of round 2.
    let mut log = Log { interrupt_after: Some((9, control.clone())), ..Log::default() };
    let outcome =
        race(&["sequential", "threads:2"], 5).run(&program(), &mut log, &control).unwrap();
    assert!(outcome.interrupted);
    assert_eq!(outcome.comparison.about().rounds, 1);
    assert!(outcome.comparison.entries().iter().all(|entry| entry.rounds() == 1));
    assert_eq!(log.told.len(), 10);
    let (round, _, what) = log.told[9];
    assert_eq!((round, what), (2, "stopped"));
}

#[test]
fn models_that_make_no_race_are_refused_before_anything_runs() {
    let mut log = Log::default();
    let none = race(&[], 1).run(&program(), &mut log, &RaceControl::new());
    assert!(matches!(none, Err(RaceError::NoModels)), "{none:?}");
    let models = ["async:3", "threads:2", "async:3"];
    let twice = race(&models, 1).run(&program(), &mut log, &RaceControl::new()).unwrap_err();
    assert_eq!(twice.to_string(), "async:3 takes part twice");
    assert!(log.told.is_empty());
}

#[test]
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
