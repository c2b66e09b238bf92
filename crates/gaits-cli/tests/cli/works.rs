//! The works that need no server: `wait` and `cpu`, under the models that they tell apart.

use crate::harness::{Records, gaits};
use gaits_core::ErrorKind;
use gaits_work::cpu::CpuDetail;
use gaits_work::wait::WaitDetail;
use std::collections::BTreeSet;

/// From the start of the first item to the end of the last, in microseconds.
fn span_us(records: &Records) -> u64 {
    let timings = || records.iter().map(|record| record.timing);
    let started = timings().map(|timing| timing.started_us).min().unwrap();
    timings().map(|timing| timing.finished_us).max().unwrap() - started
}

/// The most items that were at it at the same time.
fn most_at_once(records: &Records) -> usize {
    let at = |us| {
        let at_it = |timing: gaits_core::Timing| timing.started_us <= us && us < timing.finished_us;
        records.iter().filter(|record| at_it(record.timing)).count()
    };
    records.iter().map(|record| at(record.timing.started_us)).max().unwrap_or(0)
}

#[test]
fn waits_one_after_the_other_take_their_sum() {
    let end = gaits("run wait 0.3 0.2 0.1 -m sequential").run().expect_exit(0);
    let records = end.records().expect_all_ok(3);
    assert!(span_us(&records) >= 600_000, "{records:?}");
    assert_eq!(most_at_once(&records), 1);
}

#[test]
fn waits_take_at_least_what_they_ask_for_under_every_model() {
    for model in [
        "sequential",
        "threads:3",
        "processes:3",
        "async",
        "threads:2/async:2",
        "processes:2/async:2",
        "processes:2/threads:2",
        "async:3/threads:3",
    ] {
        for blocking in ["", "--blocking"] {
            let end = gaits(&format!("run wait 0.03 0.02 0.01 -m {model} {blocking}")).run();
            let records = end.expect_exit(0).records().expect_all_ok(3);
            for (record, asked_us) in records.iter().zip([30_000, 20_000, 10_000]) {
                assert!(record.timing.latency_us() >= asked_us, "{model} {blocking}: {record:?}");
                let wait = WaitDetail::of(record).unwrap();
                assert_eq!(wait.asked_us, asked_us);
            }
        }
    }
}

#[test]
fn timers_on_an_event_loop_run_together() {
    // A second each: however busy the machine, they overlap.
    let end = gaits("run wait 1 1 1 -m async").run().expect_exit(0);
    assert_eq!(most_at_once(&end.records().expect_all_ok(3)), 3);
}

#[test]
fn blocking_waits_hold_up_the_event_loop() {
    let end = gaits("run wait 0.3 0.2 0.1 --blocking -m async").run().expect_exit(0);
    let records = end.records().expect_all_ok(3);
    assert!(span_us(&records) >= 600_000, "{records:?}");
    assert_eq!(most_at_once(&records), 1);
}

#[test]
fn blocking_waits_run_together_on_threads_and_processes_and_off_an_event_loop() {
    // Long enough that the last worker begins before the first has ended, however busy the machine.
    let waits = "run wait 6 6 6 --blocking -m";
    let models = ["threads:3", "processes:3", "processes:3/async", "async:3/threads:3"];
    let running = models.map(|model| gaits(&format!("{waits} {model}")).start());
    for (model, running) in models.into_iter().zip(running) {
        let records = running.finish().expect_exit(0).records().expect_all_ok(3);
        assert_eq!(most_at_once(&records), 3, "{model}: {records:?}");
        let tids: BTreeSet<u32> = records.iter().map(|record| record.worker.unwrap().tid).collect();
        assert_eq!(tids.len(), 3, "{model}: {records:?}");
    }
}

#[test]
fn one_length_serves_for_many_waits() {
    let end = gaits("run wait --for 2ms --count 50 -m async").run().expect_exit(0);
    let records = end.records().expect_all_ok(50);
    assert!(records.iter().all(|record| record.timing.latency_us() >= 2_000), "{records:?}");
}

#[test]
fn a_count_takes_the_waits_over_and_over() {
    let end = gaits("run wait 0.001 0.002 --count 5 -m async").run().expect_exit(0);
    let records = end.records().expect_all_ok(5);
    let items: Vec<&str> = records.iter().filter_map(|record| record.item.as_text()).collect();
    assert_eq!(items, ["0.001", "0.002", "0.001", "0.002", "0.001"]);
}

#[test]
fn waits_have_units() {
    let end = gaits("run wait 0.01s 20ms 0.03 1000us").run().expect_exit(0);
    let records = end.records().expect_all_ok(4);
    let asked: Vec<_> = records.iter().map(|r| WaitDetail::of(r).unwrap().asked_us).collect();
    assert_eq!(asked, [10_000, 20_000, 30_000, 1_000]);
    gaits("compare wait 1ms -m async --rounds 1 --json").run().expect_exit(0);
}

#[test]
fn a_wait_that_is_no_number_is_a_failed_record() {
    let end = gaits("run wait 0 soon -1 1e9 NaN").run().expect_exit(1);
    let bad = Some(ErrorKind::InvalidItem);
    assert_eq!(end.records().expect_items(5).kinds(), [None, bad, bad, bad, bad]);
}

#[test]
fn no_waits_are_refused() {
    gaits("run wait").run().expect_refused("no waits");
    gaits("run wait --count 5").run().expect_refused("no waits");
    gaits("run wait 1 --for 1s").run().expect_refused("cannot be used with");
    gaits("run wait --for soon").run().expect_refused("`soon` is not a duration");
    gaits("run wait --for 100h").run().expect_refused("--for: `360000` is not between");
    gaits("run wait --for -1s").run().expect_refused("");
}

#[test]
fn product_is_exact_under_every_model() {
    for model in [
        "sequential",
        "threads:2",
        "processes:2",
        "async",
        "async/threads:2",
        "threads:2/async:2",
        "processes:2/async:2",
        "processes:2/threads:2",
    ] {
        let command = format!("run cpu product --n 30 --count 2 -m {model}");
        let records = gaits(&command).run().expect_exit(0).records().expect_all_ok(2);
        for record in records.iter() {
            let detail = CpuDetail::of(record).unwrap();
            // CPython: see the oracle beside the function.
            let sha256 = "8212ca591d052648422c93b4b840ef0f35d067efa1472b45efca4d74a958fecd";
            assert_eq!((detail.bits, &*detail.sha256), (259_370, sha256), "{model}");
        }
    }
}

#[test]
fn the_size_of_the_product_has_bounds() {
    gaits("run cpu product --n 2 --count 1").run().expect_exit(0).records().expect_all_ok(1);
    for n in ["0", "101", "-1", "many"] {
        gaits("run cpu product --n").arg(n).run().expect_refused("--n");
    }
}

#[test]
fn a_run_needs_a_work_that_there_is() {
    gaits("run").run().expect_refused("WORK");
    gaits("run htpp http://127.0.0.1/").run().expect_refused("'http'");
    gaits("run cpu").run().expect_refused("FUNCTION");
    gaits("run cpu prodcut").run().expect_refused("'product'");
    gaits("fecth http://127.0.0.1/").run().expect_refused("'fetch'");
}

#[test]
fn options_may_stand_before_the_work_and_after_it() {
    gaits("run -m sequential -q wait 0").run().expect_exit(0).expect_stderr("");
    gaits("run wait 0 -m sequential -q").run().expect_exit(0).expect_stderr("");
}
