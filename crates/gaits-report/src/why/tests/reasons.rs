//! Why single models are as fast, as slow or as large as they are.

use super::*;

fn cpu(name: &'static str, workers: Layout, at_once: u64, us: u64, cpu_us: u64) -> Model {
    Model { at_once, cpu_us, ..Model::new(name, workers, Time { other: us, ..Time::default() }) }
}

#[test]
fn fewer_in_flight_explain_a_slower_model() {
    let models = |few_us| {
        [event_loop("async:6", 6, answer(few_us)), event_loop("async:100", 100, answer(100 * MS))]
    };
    let why = race(&models(100 * MS), &HTTP);
    assert_eq!(row(&why, "async:6"), Some("6 in flight instead of 100"));
    // it is slower than that alone would make it
    assert_eq!(row(&race(&models(130 * MS), &HTTP), "async:6"), None);
}

#[test]
fn the_same_speed_with_a_ninth_of_the_memory() {
    let models = |large| {
        let time = Time { first_byte: 99 * MS, body: MS, ..Time::default() };
        let lean = Model { memory: 8_000_000, ..event_loop("async:100", 100, time) };
        [lean, Model { memory: large, ..threads("threads:100", 100, time) }]
    };
    let why = race(&models(72_000_000), &HTTP);
    assert_eq!(
        row(&why, "async:100"),
        Some(
            "99 % of the time is spent waiting for the server: one thread with 100 in flight does what 100 threads do, \
             with a ninth of the memory"
        )
    );
    assert_eq!(row(&why, "threads:100"), None);
    assert_eq!(race(&models(15_000_000), &HTTP).rows, []);
}

#[test]
fn a_slower_model_does_not_do_the_same_with_less_memory() {
    let lean = event_loop("async:100", 100, answer(110 * MS));
    let large = Model { memory: 90_000_000, ..threads("threads:100", 100, answer(100 * MS)) };
    assert_eq!(race(&[lean, large], &HTTP).rows, []);
}

#[test]
fn more_workers_than_cores_add_nothing_to_work_that_needs_the_cpu() {
    let two = cpu("threads:2", Layout::new(1, 2, 1), 2, 1000, 990);
    let eight = |us, cpu_us| cpu("threads:8", Layout::new(1, 8, 1), 8, us, cpu_us);
    let text = "the work needs the CPU and there are 2 cores: more than 2 workers add nothing";
    let why = race(&[two.clone(), eight(4000, 990)], &CPU);
    assert_eq!(row(&why, "threads:8"), Some(text));
    assert_eq!(row(&why, "threads:2"), None);
    // the work also waits, and eight are faster
    let why = race(&[cpu("threads:2", Layout::new(1, 2, 1), 2, 1000, 600), eight(2500, 600)], &CPU);
    assert_eq!(row(&why, "threads:8"), None);
    // as many workers as there are cores
    let four = Job { cores: 8, ..CPU };
    assert_eq!(row(&race(&[two, eight(1000, 990)], &four), "threads:8"), None);
    // on one core
    let one = Job { cores: 1, ..CPU };
    let why = race(&[cpu("threads:2", Layout::new(1, 2, 1), 2, 1000, 495)], &one);
    assert_eq!(
        row(&why, "threads:2"),
        Some("the work needs the CPU and there is one core: more than one worker adds nothing")
    );
}

#[test]
fn work_that_needs_the_cpu_gains_by_cores() {
    let one = |us, cpu_us| cpu("sequential", Layout::new(1, 1, 1), 1, us, cpu_us);
    let two = cpu("processes:2", Layout::new(2, 1, 1), 2, 1000, 1000);
    let why = race(&[one(1000, 1000), two.clone()], &CPU);
    assert_eq!(
        row(&why, "sequential"),
        Some("the work needs the CPU, and it uses one core instead of 2")
    );
    // the best has more workers than there are cores
    let eight = cpu("processes:8", Layout::new(8, 1, 1), 8, 4000, 1000);
    assert_eq!(
        row(&race(&[one(1000, 1000), eight], &CPU), "sequential"),
        Some("the work needs the CPU, and it uses one core instead of 2")
    );
    // it is 2.6 times as slow, which a core less does not explain
    assert_eq!(row(&race(&[one(1300, 1300), two], &CPU), "sequential"), None);
}

#[test]
fn an_event_loop_does_one_at_a_time_if_the_work_holds_its_thread() {
    let best = cpu("processes:2", Layout::new(2, 1, 1), 2, 1000, 1000);
    let held = cpu("async:100", Layout::new(1, 1, 100), 1, 1000, 1000);
    let both = cpu("threads:2/async:50", Layout::new(1, 2, 50), 2, 1000, 1000);
    let why = race(&[best.clone(), held.clone(), both], &CPU);
    let text = "an item holds its thread, so the event loop does one at a time: 100 may be in flight, but on average it \
                had 1.00";
    assert_eq!(row(&why, "async:100"), Some(text));
    assert_eq!(
        row(&why, "threads:2/async:50"),
        Some(
            "an item holds its thread, so each of the 2 event loops does one at a time: 50 may be in flight, but on \
             average each had 1.00"
        )
    );
    // with fewer items than it may have in flight, too
    let few = [best.clone(), held].map(|model| Model { items: 20, ..model });
    assert_eq!(row(&race(&few, &CPU), "async:100"), Some(text));
    // handed to a pool, items do not hold the event loop
    let pool = Layout::new(1, 1, 100).with_pool(2);
    let why = race(&[best, cpu("async:100/threads:2", pool, 2, 1000, 1000)], &CPU);
    assert_eq!(row(&why, "async:100/threads:2"), None);
}

#[test]
fn starting_and_ending_processes_takes_its_time() {
    let processes = |startup_us| Model {
        startup_us,
        closing_us: 10 * MS,
        ..Model::new("processes:10", Layout::new(10, 1, 1), answer(MS))
    };
    let why = race(&[processes(25 * MS)], &HTTP);
    assert_eq!(
        row(&why, "processes:10"),
        Some("26 % of the time goes into starting and ending its workers: 35.0 ms")
    );
    assert_eq!(row(&race(&[processes(20 * MS)], &HTTP), "processes:10"), None);
}

#[test]
fn threads_of_a_program_that_take_turns() {
    let program = |cpu_us, waiting_us, threads| {
        let model = Model { cpu_us, waiting_us: Some(waiting_us), ..sequential(answer(MS)) };
        let trials = model.trials().into_iter().map(|mut trial| {
            trial.usage.threads = threads;
            trial.usage.processes = 1;
            trial
        });
        let trials: Vec<Trial> = trials.collect();
        let trials: Vec<&Trial> = trials.iter().collect();
        let subject = Subject {
            model: "python3 threads.py",
            workers: None,
            relation: Relation::Best,
            trials: &trials,
        };
        explain(&[subject], &CPU)
    };
    // 1,000 items of 1 ms: 950 ms on a core of the second that it takes.
    assert_eq!(
        row(&program(950, 0, 11), "python3 threads.py"),
        Some(
            "its 11 threads kept one core busy and no more: they take turns, as under an interpreter's lock"
        )
    );
    // So it is where others have the core meanwhile.
    assert!(row(&program(600, 350 * MS, 11), "python3 threads.py").is_some());
    assert_eq!(row(&program(1_500, 0, 11), "python3 threads.py"), None);
    assert_eq!(row(&program(700, 0, 11), "python3 threads.py"), None);
    assert_eq!(row(&program(950, 0, 1), "python3 threads.py"), None);
}

#[test]
fn a_model_that_items_arrive_too_fast_for() {
    // it finishes 100 a second
    let models = [sequential(answer(10 * MS))];
    let arriving = |per_second| Job { arrivals_per_second: Some(per_second), ..HTTP };
    let why = race(&models, &arriving(200.0));
    assert_eq!(
        row(&why, "sequential"),
        Some(
            "items arrive faster than it finishes them, 200/s against 100/s, so each waits longer than the one before"
        )
    );
    assert!(!matches!(why.limit, Some(Limit::Arrival { .. })));
    let why = race(&models, &arriving(100.0));
    assert_eq!(row(&why, "sequential"), None);
    assert_eq!(why.limit, Some(Limit::Arrival { per_second: 100.0 }));
    assert_eq!(row(&race(&models, &HTTP), "sequential"), None);
}

#[test]
fn threads_wait_for_a_core_if_there_are_too_few() {
    // ten threads wait for 550 ms in the second that it all takes, and run for 600 ms together
    let waits = |waiting_us| {
        let model = threads("threads:10", 10, answer(10 * MS));
        [Model { cpu_us: 600, waiting_us: Some(waiting_us), ..model }]
    };
    assert_eq!(
        row(&race(&waits(550 * MS), &HTTP), "threads:10"),
        Some(
            "for 48 % of the time in which one of its threads could run, it waited for a core: 2 cores for 10 threads"
        )
    );
    // it is a smaller share
    assert_eq!(row(&race(&waits(200 * MS), &HTTP), "threads:10"), None);
    // it is a large share of what hardly matters: a thread waits for 4 % of the time
    let little = waits(400 * MS).map(|model| Model { cpu_us: 10, ..model });
    assert_eq!(row(&race(&little, &HTTP), "threads:10"), None);
    // the kernel does not tell
    let unknown = waits(550 * MS).map(|model| Model { waiting_us: None, ..model });
    assert_eq!(row(&race(&unknown, &HTTP), "threads:10"), None);
}

#[test]
fn fewer_are_in_flight_than_there_could_be() {
    let held = |at_once| Model { at_once, ..event_loop("async:100", 100, answer(10 * MS)) };
    let why = race(&[held(40)], &HTTP);
    assert_eq!(
        row(&why, "async:100"),
        Some("on average it had only 40.0 in flight, where 100 were possible")
    );
    assert_eq!(row(&race(&[held(80)], &HTTP), "async:100"), None);
    // 101 items are one and a hundred; that the last is alone is not the model's fault
    let few = Model { items: 101, ..held(100) };
    assert_eq!(row(&race(&[few], &HTTP), "async:100"), None);
}

#[test]
fn a_model_that_opens_a_connection_for_each_request() {
    let kept = event_loop("async:100", 100, answer(100 * MS));
    let anew = |connect, connections| {
        let time = Time { connect, ..answer(100 * MS) };
        Model { connections, ..threads("threads:100", 100, time) }
    };
    let why = race(&[kept.clone(), anew(30 * MS, 1000)], &HTTP);
    assert_eq!(
        row(&why, "threads:100"),
        Some("it opens 1,000 connections for 1,000 items, where async:100 opens 100")
    );
    // opened, but not often
    assert_eq!(row(&race(&[kept.clone(), anew(30 * MS, 400)], &HTTP), "threads:100"), None);
    // it is slower, but not by that
    let time = Time { connect: 5 * MS, ..answer(125 * MS) };
    let other = Model { time, ..anew(0, 1000) };
    assert_eq!(row(&race(&[kept, other], &HTTP), "threads:100"), None);
    // all of them do
    let all = Model { connections: 1000, ..event_loop("async:100", 100, answer(100 * MS)) };
    assert_eq!(row(&race(&[all, anew(30 * MS, 1000)], &HTTP), "threads:100"), None);
}
