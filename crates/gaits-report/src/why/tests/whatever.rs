//! Whatever is measured, there are sentences, and every number in them is one.

use super::*;
use gaits_core::{ErrorKind, ItemError};
use proptest::prelude::*;

/// Any number, and often one at which rules turn over or sums overflow.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1), Just(u64::MAX), 0..2_000_u64, 0..10_000_000_u64, any::<u64>()]
}

fn small() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), Just(1), 0..200_u32, Just(u32::MAX)]
}

fn layout() -> impl Strategy<Value = Option<Layout>> {
    let some =
        (small(), small(), small(), small()).prop_map(|(processes, threads, in_flight, pool)| {
            Layout::new(processes, threads, in_flight).with_pool(pool)
        });
    proptest::option::of(some)
}

fn relation() -> impl Strategy<Value = Relation> {
    prop_oneof![
        Just(Relation::Best),
        Just(Relation::AsFast),
        Just(Relation::Unclear),
        Just(Relation::Unranked),
        any::<f64>().prop_map(|ratio| Relation::Slower { ratio }),
        (1.0..100.0_f64).prop_map(|ratio| Relation::Slower { ratio }),
    ]
}

prop_compose! {
    fn any_trial()(
        [wall_us, startup_us, closing_us, cpu_us, peak_memory] in proptest::array::uniform5(number()),
        [machine_us, others_us, stolen_us, cores] in proptest::array::uniform4(number()),
        waiting_us in proptest::option::of(number()),
        records in proptest::collection::vec(
            (proptest::array::uniform6(number()), any::<bool>(), any::<bool>()),
            0..8,
        ),
    ) -> Trial {
        let mut tally = Tally::new();
        for ([dns, connect, tls, first_byte, body, latency_us], reused, failed) in records {
            let time = Time { dns, connect, tls, first_byte, body, other: 0 };
            let connections = u64::from(!reused);
            let model = Model { connections, bytes: body, ..sequential(Time::default()) };
            let mut record = Model { time, ..model }.record_of(0, latency_us);
            if failed {
                record.outcome = Outcome::Failed(ItemError::new(ErrorKind::Timeout, "late"));
            }
            tally.add(&record);
        }
        Trial {
            model: String::new(),
            round: 1,
            wall_us,
            startup_us,
            closing_us,
            process_us: wall_us,
            missing_workers: 0,
            workers_died: 0,
            tally,
            outcomes: Outcomes::default(),
            usage: Usage { cpu_us, waiting_us, peak_memory, ..Usage::default() },
            machine: MachineLoad {
                wall_us: machine_us,
                cores,
                others_us,
                stolen_us,
                ..MachineLoad::default()
            },
            steady: None,
        }
    }
}

prop_compose! {
    fn any_job()(
        holds_its_thread: bool,
        is_http: bool,
        cores in number(),
        server_here: bool,
    ) -> Job {
        Job { holds_its_thread, is_http, cores, server_here, arrivals_per_second: None, runs_programs: false }
    }
}

/// The sentences of `why`, and no number in it that is none.
fn check(why: &Why) -> Result<(), TestCaseError> {
    let rows = why.rows.iter().map(|row| row.sentence.english());
    let checks = why.checks.iter().map(|doubt| doubt.sentence.english());
    for text in rows.chain(checks).chain([why.sentence.english()]) {
        let words = text.split(|c: char| !c.is_alphanumeric());
        let no_number =
            words.clone().any(|word| ["nan", "inf"].contains(&word.to_lowercase().as_str()));
        prop_assert!(!no_number && !text.contains(crate::units::NOTHING), "{}", text);
        prop_assert!(!text.is_empty() && !text.contains("Little"), "{}", text);
        prop_assert!(!text.contains(" 1 items") && !text.contains(" 1 cores"), "{}", text);
    }
    // JSON writes a number that is none as null; where there may be nothing else, that is one
    let json = serde_json::to_string(&(&why.rows, &why.checks)).unwrap();
    prop_assert!(!json.contains("null"), "{}", json);
    let limit = why.limit.as_ref().map(|limit| serde_json::to_string(limit).unwrap());
    prop_assert!(limit.is_none_or(|json| !json.contains("null")), "{:?}", why.limit);
    Ok(())
}

/// Models as they may come out of a race: the times are in proportion to each other, so that rules do fit.
fn likely_model() -> impl Strategy<Value = Model> {
    let in_flight = prop_oneof![3 => Just(1), 1 => 2..=20_u32];
    let shape = (1..=2_u32, 1..=4_u32, in_flight, prop_oneof![4 => Just(0), 1 => 1..=2_u32]);
    let phases = proptest::array::uniform6(
        prop_oneof![3 => Just(0), 1 => 1..20_000_u64, 1 => 10_000..15_000_u64],
    );
    let counts = proptest::array::uniform5(0..=100_u64);
    (shape, phases, counts, 1..300_u64, 0..40_000_u64).prop_map(
        |(shape, [dns, connect, tls, first_byte, body, other], percent, items, waiting_us)| {
            let (processes, threads, in_flight, pool) = shape;
            let workers = Layout::new(processes, threads, in_flight).with_pool(pool);
            let time = Time { dns, connect, tls, first_byte, body, other: other + 1 };
            let model = Model::new("threads:2", workers, time);
            let [cpu, startup, others, stolen, at_once] = percent;
            Model {
                items,
                at_once: if at_once < 60 {
                    model.at_once
                } else {
                    (model.at_once * at_once / 80).max(1)
                },
                startup_us: if startup < 70 { 0 } else { time.sum() * startup / 50 },
                cpu_us: time.sum() * cpu * cpu / 10_000,
                waiting_us: (waiting_us > 10_000).then_some(waiting_us),
                connections: items * stolen / 100,
                memory: 1_000_000 * (1 + others),
                others: others / 2,
                stolen: stolen / 10,
                ..model
            }
        },
    )
}

proptest! {
    #[test]
    fn there_are_sentences_for_what_is_likely(
        models in proptest::collection::vec(likely_model(), 1..6),
        job in (any::<bool>(), any::<bool>(), 1..=4_u64, any::<bool>()),
    ) {
        let (holds_its_thread, is_http, cores, server_here) = job;
        let job = Job { holds_its_thread, is_http, cores, server_here, arrivals_per_second: None, runs_programs: false };
        let why = race(&models, &job);
        check(&why)?;
    }

    #[test]
    fn there_are_sentences(
        models in proptest::collection::vec(
            (layout(), relation(), proptest::collection::vec(any_trial(), 0..4)),
            0..5,
        ),
        job in any_job(),
    ) {
        let trials = models.iter().map(|(.., trials)| trials.iter().collect());
        let trials = trials.collect::<Vec<Vec<_>>>();
        let subjects = models.iter().zip(&trials).map(|(&(workers, relation, _), trials)| {
            Subject { model: "threads:2", workers, relation, trials }
        });
        check(&explain(&subjects.collect::<Vec<_>>(), &job))?;
    }
}
