//! Where the limit is.

use super::*;

/// A server that does `most` requests at once and 10 ms on each: more wait for each other.
fn queue_of(most: u64, in_flight: u64) -> Time {
    answer(10 * MS * in_flight.max(most) / most)
}

/// The limit's name in JSON; none when no rule fits.
fn kind(why: &Why) -> Option<String> {
    let json = serde_json::to_value(why.limit.as_ref()?).unwrap();
    Some(json["kind"].as_str().unwrap().to_owned())
}

#[test]
fn a_server_that_only_takes_its_time() {
    let models = [sequential(answer(230 * MS)), event_loop("async:100", 100, answer(240 * MS))];
    let why = race(&models, &HTTP);
    assert_eq!(
        why.sentence.english(),
        "the limit is how long the server takes to answer: 100 % of the items' time is spent waiting for it, and with \
         100 in flight no longer than with one, so only the number in flight matters"
    );
    assert_eq!(why.of_model.as_deref(), Some("async:100"));
    assert_eq!(row(&why, "sequential"), Some("one in flight instead of 100"));
}

#[test]
fn a_server_that_takes_a_little_longer_is_told_neither_way() {
    let models = [sequential(answer(100 * MS)), event_loop("async:100", 100, answer(140 * MS))];
    let why = race(&models, &HTTP);
    assert_eq!(why.limit, None);
    assert_eq!(
        why.sentence.english(),
        "nothing stands out as the limit: async:100 kept the 2 cores busy for less than 1 % of the time; of the items' \
         time, it spent 100 % waiting for the server"
    );
}

#[test]
fn without_another_number_in_flight_nothing_is_said_of_the_server() {
    let time = answer(100 * MS);
    let models = [event_loop("async:100", 100, time), threads("threads:100", 100, time)];
    assert_eq!(race(&models, &HTTP).limit, None);
}

#[test]
fn a_server_whose_requests_wait_for_each_other() {
    // with 100 in flight only 40 come at once, and that is the only model beyond the server's limit
    let models = [
        sequential(queue_of(40, 1)),
        event_loop("async:10", 10, queue_of(40, 10)),
        event_loop("async:100", 100, queue_of(40, 100)),
    ];
    let why = race(&models, &HTTP);
    let queue = Limit::ServerQueue { few: 1, few_us: 10_000.0, many: 100, many_us: 25_000.0 };
    assert_eq!(why.limit, Some(queue));
    assert_eq!(
        why.sentence.english(),
        "the limit is the server's queue: an answer takes 10.0 ms with one in flight, and 25.0 ms with 100"
    );
}

#[test]
fn programs_use_the_cores_that_they_find_and_not_only_those_of_one_thread() {
    let job = Job { cores: 4, runs_programs: true, ..WAIT };
    let time = Time { other: 10 * MS, ..Time::default() };
    let race_of = |cpu_us: u64, at_once: u32| {
        let models = [sequential(time), event_loop("async", at_once, time)];
        race(&models.map(|model| Model { cpu_us, ..model }), &job)
    };
    // Four at once are on a core for half of their time.
    assert_eq!(kind(&race_of(5 * MS, 4)), None);
    assert_eq!(
        race_of(10 * MS, 8).sentence.english(),
        "the limit is the CPU: the work keeps the 4 cores busy for 100 % of the time"
    );
    assert_eq!(
        race_of(10 * MS, 2).sentence.english(),
        "the limit is the CPU: the work keeps 2 of 4 cores busy for 99 % of the time, and 2 programs at once cannot use \
         more"
    );
    // They have threads of their own.
    assert_eq!(kind(&race_of(15 * MS, 2)), None);
}

#[test]
fn a_server_that_is_just_quick_enough_has_no_queue() {
    let models = [sequential(queue_of(100, 1)), event_loop("async:100", 100, queue_of(100, 100))];
    assert_eq!(kind(&race(&models, &HTTP)).as_deref(), Some("server_time"));
}

#[test]
fn a_rate_that_does_not_depend_on_the_number_in_flight() {
    let models = [
        sequential(queue_of(8, 1)),
        event_loop("async:10", 10, queue_of(8, 10)),
        event_loop("async:50", 50, queue_of(8, 50)),
        event_loop("async:100", 100, queue_of(8, 100)),
    ];
    let why = race(&models, &HTTP);
    assert_eq!(
        why.sentence.english(),
        "the limit is the server: it answers about 800 requests a second, whether 10 or 100 are in flight; that is a \
         queue or a rate limit, which look the same from here"
    );
}

#[test]
fn a_rate_that_still_rises_is_told_as_a_queue() {
    let models = [
        sequential(answer(10 * MS)),
        event_loop("async:10", 10, answer(11 * MS)),
        event_loop("async:50", 50, answer(30 * MS)),
        event_loop("async:100", 100, answer(50 * MS)),
    ];
    assert_eq!(kind(&race(&models, &HTTP)).as_deref(), Some("server_queue"));
}

#[test]
fn a_rate_that_even_one_at_a_time_reaches() {
    let models = [sequential(queue_of(1, 1)), event_loop("async:100", 100, queue_of(1, 100))];
    let why = race(&models, &HTTP);
    let Some(Limit::ServerRate { per_second, from: 1, to: 100 }) = why.limit else {
        panic!("{why:?}");
    };
    assert!((99.9..=100.0).contains(&per_second), "{per_second}");
}

#[test]
fn a_client_whose_cores_are_all_busy() {
    // 1,000 items of 1,900 µs of CPU each, in a second and on two cores
    let time = answer(100 * MS);
    let busy = |cpu_us| Model { cpu_us, ..threads("threads:100", 100, time) };
    let models = [sequential(time), busy(1900)];
    let why = race(&models, &HTTP);
    assert_eq!(
        why.sentence.english(),
        "the limit is the client's CPU: the client keeps the 2 cores busy for 95 % of the time"
    );
    assert_eq!(kind(&race(&[sequential(time), busy(1600)], &HTTP)).as_deref(), Some("server_time"));
}

#[test]
fn a_client_whose_one_thread_is_busy() {
    let time = answer(100 * MS);
    let busy = |cpu_us| Model { cpu_us, ..event_loop("async:100", 100, time) };
    let why = race(&[sequential(time), busy(950)], &HTTP);
    assert_eq!(
        why.sentence.english(),
        "the limit is the client's CPU: the client keeps one of 2 cores busy for 95 % of the time, and its one thread \
         cannot use more"
    );
    assert_eq!(kind(&race(&[sequential(time), busy(800)], &HTTP)).as_deref(), Some("server_time"));
}

#[test]
fn many_in_flight_that_the_clients_cpu_holds_up_are_no_queue_of_the_server() {
    // the event loop with 500 is busy, so that its answers seem to take longer; they say nothing of the server
    let models = [
        sequential(answer(100 * MS)),
        threads("threads:100", 100, answer(100 * MS)),
        Model { cpu_us: 1900, ..event_loop("async:500", 500, answer(950 * MS)) },
    ];
    let why = race(&models, &HTTP);
    assert_eq!(kind(&why).as_deref(), Some("server_time"), "{why:?}");
}

#[test]
fn work_that_needs_the_cpu() {
    let time = |us| Time { other: us, ..Time::default() };
    let one = Model { cpu_us: 1000, ..sequential(time(1000)) };
    let two = |us, cpu_us| Model { cpu_us, ..threads("threads:2", 2, time(us)) };
    let why = race(&[one.clone(), two(1000, 990)], &CPU);
    assert_eq!(
        why.sentence.english(),
        "the limit is the CPU: the work keeps the 2 cores busy for 99 % of the time"
    );
    // the same with a wait in it
    assert_eq!(race(&[one, two(1000, 700)], &CPU).limit, None);
}

#[test]
fn a_server_that_shares_the_machine() {
    let shared = |others| {
        let few = Model { cpu_us: 8, others: 1, ..sequential(answer(MS)) };
        [few, Model { cpu_us: 8, others, ..event_loop("async:100", 100, answer(MS)) }]
    };
    let here = Job { server_here: true, ..HTTP };
    assert_eq!(
        race(&shared(50), &here).sentence.english(),
        "the limit is the CPU of this machine: the client took 40 % of its 2 cores and other programs, \
         perhaps the server, 49 %"
    );
    assert_eq!(kind(&race(&shared(40), &here)).as_deref(), Some("server_time"));
    // a hundredth of the requests, and as much CPU: that is not the server
    let mut unrelated = shared(50);
    unrelated[0].others = 50;
    assert_eq!(kind(&race(&unrelated, &here)).as_deref(), Some("server_time"));
    // elsewhere, what others take is none of the server's
    assert_eq!(kind(&race(&shared(50), &HTTP)).as_deref(), Some("server_time"));
}

#[test]
fn name_look_ups() {
    let models = |dns| {
        let time = Time { dns, first_byte: 100 * MS - dns, ..Time::default() };
        [sequential(time), event_loop("async:100", 100, time)]
    };
    assert_eq!(
        race(&models(35 * MS), &HTTP).sentence.english(),
        "the limit is name look-ups: they take 35 % of the items' time"
    );
    assert_eq!(kind(&race(&models(25 * MS), &HTTP)).as_deref(), Some("server_time"));
}

#[test]
fn opening_connections() {
    let models = |connect, tls| {
        let time = Time { connect, tls, first_byte: 100 * MS - connect - tls, ..Time::default() };
        let all_new = Model { connections: 1000, ..event_loop("async:100", 100, time) };
        [sequential(time), all_new]
    };
    assert_eq!(
        race(&models(15 * MS, 20 * MS), &HTTP).sentence.english(),
        "the limit is opening connections: that takes 35 % of the items' time, with 1,000 connections for 1,000 items"
    );
    assert_eq!(kind(&race(&models(10 * MS, 15 * MS), &HTTP)).as_deref(), Some("server_time"));
}

#[test]
fn receiving_bodies() {
    let models = |body| {
        let time = Time { first_byte: 100 * MS - body, body, ..Time::default() };
        let large = |model| Model { bytes: 1_000_000, ..model };
        [large(sequential(time)), large(event_loop("async:100", 100, time))]
    };
    assert_eq!(
        race(&models(60 * MS), &HTTP).sentence.english(),
        "the limit is the network, or how fast the server sends: receiving bodies takes 60 % of the items' time, at \
         1.00 GB/s in all"
    );
    assert_eq!(race(&models(45 * MS), &HTTP).limit, None);
}

#[test]
fn starting_and_ending_the_workers() {
    let models = |startup_us| {
        [Model { startup_us, closing_us: 20 * MS, ..threads("threads:100", 100, answer(10 * MS)) }]
    };
    assert_eq!(
        race(&models(90 * MS), &HTTP).sentence.english(),
        "the limit is starting and ending the workers: that takes 52 % of the time, and less of it the more items \
         there are"
    );
    assert_eq!(race(&models(70 * MS), &HTTP).limit, None);
}

#[test]
fn items_that_wait_for_something_else() {
    let time = Time { other: 50 * MS, ..Time::default() };
    let models = |cpu_us| {
        let model = |model| Model { cpu_us, items: 100, ..model };
        [model(sequential(time)), model(threads("threads:2", 2, time))]
    };
    assert_eq!(
        race(&models(15 * MS), &WAIT).sentence.english(),
        "the limit is a wait for something other than the CPU: items need a core for 30 % of their time, and with 2 in \
         flight each takes no longer than with one, so only the number in flight matters"
    );
    assert_eq!(race(&models(25 * MS), &WAIT).limit, None);
}

#[test]
fn items_that_get_in_each_others_way_do_not_only_wait() {
    let time = |other| Time { other, ..Time::default() };
    let models = [sequential(time(10 * MS)), threads("threads:100", 100, time(20 * MS))];
    assert_eq!(race(&models, &WAIT).limit, None);
}

#[test]
fn one_odd_trial_changes_nothing() {
    let model = event_loop("async:100", 100, answer(100 * MS));
    let slow = Time { dns: 900 * MS, ..answer(100 * MS) };
    let odd = Model { time: slow, ..model.clone() }.trial(3);
    let (few, mut many) = (sequential(answer(100 * MS)).trials(), model.trials());
    many[2] = odd;
    let (few, many) = (few.iter().collect::<Vec<_>>(), many.iter().collect::<Vec<_>>());
    let subject = |model, in_flight, relation, trials| Subject {
        model,
        workers: Some(Layout::new(1, 1, in_flight)),
        relation,
        trials,
    };
    let slower = Relation::Slower { ratio: 100.0 };
    let subjects =
        [subject("async:100", 100, Relation::Best, &many), subject("sequential", 1, slower, &few)];
    assert_eq!(kind(&explain(&subjects, &HTTP)).as_deref(), Some("server_time"));
}

#[test]
fn without_a_model_that_did_the_work_there_is_nothing_to_explain() {
    let trials = sequential(answer(MS)).trials();
    let trials = trials.iter().collect::<Vec<_>>();
    let workers = Some(Layout::new(1, 1, 1));
    let relation = Relation::Unranked;
    let failed = Subject { model: "sequential", workers, relation, trials: &trials };
    for subjects in [&[failed][..], &[]] {
        let why = explain(subjects, &HTTP);
        assert_eq!((why.limit, why.shares), (None, None));
        assert_eq!(
            why.sentence.english(),
            "no model did all the work, so there is nothing to explain"
        );
    }
}

#[test]
fn more_in_flight_than_is_concluded_from_may_show_a_queue() {
    // The server does five at once; async:50 has too few items for its number to count, and its answers take far longer.
    let few = |model: Model, items| Model { items, ..model };
    let models = [
        few(sequential(queue_of(5, 1)), 31),
        few(event_loop("async:5", 5, queue_of(5, 5)), 31),
        few(Model { at_once: 31, ..event_loop("async:50", 50, queue_of(5, 31)) }, 31),
    ];
    assert_ne!(kind(&race(&models, &HTTP)).as_deref(), Some("server_time"));
    assert_eq!(kind(&race(&models[..2], &HTTP)).as_deref(), Some("server_time"));
}

#[test]
fn a_rate_that_is_no_rate_is_no_limit() {
    // Ten times as fast as anything is done.
    let models = [event_loop("async:100", 100, answer(20 * MS))];
    let arriving = Job { arrivals_per_second: Some(1e6), ..HTTP };
    assert_ne!(kind(&race(&models, &arriving)).as_deref(), Some("arrival"));
}

#[test]
fn a_server_that_is_seen_is_not_blamed_for_what_others_take() {
    let here = Job { server_here: true, ..HTTP };
    let model = |cpu_us, others, server| {
        [Model { cpu_us, others, server, ..event_loop("async:10", 10, answer(10 * MS)) }]
    };
    // 600 ms of the second, so 30 % of the cores.
    let busy = race(&model(600, 60, Some(58)), &here);
    assert_eq!(
        busy.sentence.english(),
        "the limit is the CPU of this machine: the client took 30 % of its 2 cores and the server 58 %"
    );
    let idle = race(&model(600, 60, Some(2)), &here);
    assert_ne!(kind(&idle).as_deref(), Some("shared_cpu"));
    assert!(
        idle.checks[0].sentence.english().contains("other programs took 58 % of its CPU"),
        "{idle:?}"
    );
    // The client may use two of eight cores, and the server may have had others.
    let allowed = model(600, 60, Some(58)).map(|model| Model { machine_cores: 8, ..model });
    assert_ne!(kind(&race(&allowed, &here)).as_deref(), Some("shared_cpu"));
    // Where the server can't be seen, a client that does next to nothing shares its cores with nobody.
    assert_eq!(kind(&race(&model(600, 60, None), &here)).as_deref(), Some("shared_cpu"));
    assert_ne!(kind(&race(&model(20, 95, None), &here)).as_deref(), Some("shared_cpu"));
}
