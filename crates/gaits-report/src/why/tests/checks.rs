//! What makes a measurement doubtful.

use super::*;

fn sentences(why: &Why) -> Vec<&str> {
    why.checks.iter().map(|doubt| doubt.sentence.english()).collect()
}

#[test]
fn a_sound_measurement_is_not_doubted() {
    let models = [sequential(answer(MS)), event_loop("async:100", 100, answer(MS))];
    assert_eq!(race(&models, &HTTP).checks, []);
}

#[test]
fn more_in_flight_than_there_can_be_is_a_contradiction() {
    let model = |at_once| Model { at_once, ..event_loop("async:100", 100, answer(MS)) };
    assert_eq!(
        sentences(&race(&[model(125)], &HTTP)),
        [
            "the times of async:100 cannot be right: by them 125 items were in flight on average, where 100 is the most"
        ]
    );
    // 1,000 items in 10 steps of 104 at most: 1,000 µs in which 1.04 times as many are in flight
    let close = Model { items: 1040, ..model(104) };
    assert_eq!(race(&[close], &HTTP).checks, []);
}

#[test]
fn others_on_the_machine() {
    let models = |others| [Model { others, ..sequential(answer(MS)) }];
    assert_eq!(
        sentences(&race(&models(20), &HTTP)),
        [
            "this machine was busy with something else: other programs took 20 % of its CPU, so times may be too long"
        ]
    );
    assert_eq!(race(&models(10), &HTTP).checks, []);
    // it may be the server
    let here = Job { server_here: true, ..HTTP };
    assert_eq!(race(&models(20), &here).checks, []);
    // but not if it takes as much when it is asked for a tenth
    let both = |others| {
        let [slow] = models(20);
        [slow, Model { others, ..event_loop("async:10", 10, answer(MS)) }]
    };
    assert_eq!(sentences(&race(&both(25), &here)).len(), 1);
    let [slow, fast] = both(25);
    assert_eq!(race(&[Model { others: 2, ..slow }, fast], &here).checks, []);
}

#[test]
fn a_host_that_takes_the_cpu_away() {
    let models = |stolen| [Model { stolen, ..sequential(answer(MS)) }];
    assert_eq!(
        sentences(&race(&models(4), &HTTP)),
        [
            "this is a virtual machine, and its host took 4 % of its CPU away, so times may be too long"
        ]
    );
    assert_eq!(race(&models(2), &HTTP).checks, []);
}

#[test]
fn a_machine_that_is_short_of_memory_or_busy_with_a_disk() {
    let models = |stalls| [Model { stalls, ..sequential(answer(MS)) }];
    assert_eq!(
        sentences(&race(&models([4, 0]), &HTTP)),
        [
            "this machine was short of memory: for 4 % of the time something waited until there was some, so times may \
             be too long"
        ]
    );
    assert_eq!(
        sentences(&race(&models([0, 30]), &HTTP)),
        ["a disk of this machine was busy: for 30 % of the time something waited for it"]
    );
    assert_eq!(race(&models([2, 20]), &HTTP).checks, []);
}

#[test]
fn waiting_for_a_core_although_there_is_one_for_each_thread() {
    let waits = |waiting_us| {
        let waiting_us = Some(waiting_us);
        [Model { cpu_us: 600, waiting_us, ..event_loop("async:10", 10, answer(10 * MS)) }]
    };
    let why = race(&waits(350 * MS), &HTTP);
    assert_eq!(
        sentences(&why),
        [
            "something else kept async:10 from running: for 37 % of the time in which its thread could run, it waited \
             for a core, with 2 cores for 1 thread"
        ]
    );
    assert_eq!(why.rows, []);
    assert_eq!(race(&waits(200 * MS), &HTTP).checks, []);
    // the server takes the cores, so that is no fault of the measurement, but still the reason
    let why = race(&waits(350 * MS), &Job { server_here: true, ..HTTP });
    assert_eq!((why.checks.len(), why.rows.len()), (0, 1));
}

#[test]
fn too_few_items_for_the_number_in_flight() {
    let models = |items| {
        let few = |model| Model { items, ..model };
        [few(sequential(answer(100 * MS))), few(event_loop("async:100", 100, answer(100 * MS)))]
    };
    let why = race(&models(60), &HTTP);
    assert_eq!(
        sentences(&why),
        [
            "async:100 had only 60 items, and could be at work on 100 at once: more items would show what that is worth"
        ]
    );
    // nothing is concluded from the number that was not reached
    assert_eq!((why.limit, why.rows.len()), (None, 0));
    let why = race(&models(100), &HTTP);
    assert_eq!((why.checks.len(), why.rows.len()), (0, 1));
}
