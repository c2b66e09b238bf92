use super::*;
use crate::tally::tests::record;
use gaits_core::{Detail, ErrorKind, Record, Value};
use proptest::prelude::*;

fn summary(tally: Tally, wall_us: u64) -> Summary {
    Summary {
        tally,
        wall_us,
        suspended_us: 0,
        startup_us: 0,
        closing_us: 0,
        model: "threads:2/async:50".to_owned(),
        layout: Layout::new(1, 2, 50),
        missing_workers: 0,
        total_items: None,
        interrupted: false,
        early_end: None,
        retries: 0,
        pauses: 0,
    }
}

#[test]
fn a_run_that_ended_early_says_why_and_what_is_left() {
    let mut tally = Tally::new();
    tally.add(&record((1, 1), 100, None));
    let error = (ErrorKind::HttpStatus, "401 Unauthorized");
    tally.add(&record((1, 1), 100, Some(error)));
    let early_end = Some(EarlyEnd::Advised {
        item: "http://x/2".into(),
        kind: ErrorKind::HttpStatus,
        message: "401 Unauthorized".into(),
    });
    let summary = Summary {
        early_end,
        total_items: Some(1000),
        retries: 312,
        pauses: 1,
        ..summary(tally, 100_000)
    };
    let text = summary.to_string();
    assert!(
        text.starts_with(
            "items      1 of 2 ok, 1 failed; stopped early: 998 of 1,000 were not done\n"
        ),
        "{text}"
    );
    assert!(text.contains("\nstopped    at http://x/2"), "{text}");
    assert!(
            text.contains("\nretries    312 tries failed and were followed by another; hosts asked 1 time to be left alone\n"),
            "{text}"
        );
}

#[test]
fn fields_that_were_missing_are_counted() {
    let mut tally = Tally::new();
    for number in 0..12 {
        let field = |name: &str, is_there| {
            (name.into(), if is_there { Value::Bool(true) } else { Value::Null })
        };
        let extract =
            vec![field("price", number % 3 > 0), field("name", number > 0), field("id", true)];
        tally.add(&Record { extract, ..record((1, 1), 100, None) });
    }
    tally.add(&record((1, 1), 100, Some((ErrorKind::Timeout, "too late"))));
    let text = summary(tally.clone(), 100_000).to_string();
    assert!(text.contains("\nmissing    price in 4 of 12 answers, name in 1\n"), "{text}");
    tally.merge(&tally.clone());
    assert_eq!((tally.extracted(), tally.missing()["price"]), (24, 8));
}

#[test]
fn attempts_that_were_no_retries_are_told_apart() {
    let mut tally = Tally::new();
    tally.add(&Record { attempts: 4, ..record((1, 1), 100, None) });
    let told = Summary { retries: 2, ..summary(tally, 100_000) }.to_string();
    assert!(told.contains("1 of 1 ok; 1 extra attempts\n"), "{told}");
    assert!(told.contains("2 tries failed and were followed by another\n"), "{told}");
}

#[test]
fn several_hosts_are_shown_the_worst_first() {
    let of = |url: &str, us, error| Record { item: url.into(), ..record((1, 1), us, error) };
    let told = |hosts: u64| {
        let mut tally = Tally::new();
        for host in 0..hosts {
            tally.add(&of(&format!("http://h{host}.example/"), 100_000 * (host + 1), None));
        }
        let error = Some((ErrorKind::Timeout, "too late"));
        tally.add(&of("http://h0.example/", 10, error));
        summary(tally, 100_000).to_string()
    };
    assert!(!told(1).contains("hosts"));
    let three = told(3);
    assert!(
            three.contains(
                "hosts      h0.example: 2 items, 1 failed, p50 100 ms, p99 100 ms\n           h2.example: 1 item, p50 300 ms, p99 300 ms\n           h1.example: 1 item, p50 200 ms, p99 200 ms\n"
            ),
            "{three}"
        );
    let many = told(20);
    assert!(many.contains("           h19.example: 1 item, p50 2.00 s, p99 2.00 s\n           18 others: 18 items\n"), "{many}");
    let more = told(2_000);
    assert!(more.contains("           more than 998 others: "), "{more}");
}

#[test]
fn what_passes_before_and_after_the_work_is_told_where_it_matters() {
    let mut tally = Tally::new();
    tally.add(&record((1, 1), 100, None));
    let told = |startup_us, closing_us| {
        Summary { startup_us, closing_us, ..summary(tally.clone(), 100_000) }.to_string()
    };
    let long = told(1_000, 4_000);
    assert!(long.contains("1.00 ms before the first item and 4.00 ms after the last"), "{long}");
    assert!(!told(1_000, 3_999).contains("before the first item"));
}

#[test]
fn of_an_unknown_model_nothing_is_made_up() {
    let text =
        Summary { model: Summary::UNKNOWN.to_owned(), ..summary(Tally::new(), 1) }.to_string();
    let model = text.lines().find(|line| line.starts_with("model"));
    assert_eq!(model.map(|line| line.split_whitespace().count()), Some(2), "{text}");
}

#[test]
fn missing_workers_are_told_beside_the_model() {
    let summary = Summary { missing_workers: 88, ..summary(Tally::new(), 5) };
    assert!(summary.to_string().contains("; 88 workers were missing\n"), "{summary}");
}

fn fetched(tid: u32, latency_us: u64, reused: bool) -> Record {
    let fields = [
        ("status", Value::Integer(200)),
        ("bytes", Value::Integer(50)),
        ("decoded_bytes", Value::Integer(50)),
        ("reused", Value::Bool(reused)),
    ];
    let fields = fields.map(|(name, value)| (name.into(), value)).to_vec();
    let detail = Some(Detail::read("http", fields));
    Record { detail, ..record((7, tid), latency_us, None) }
}

#[test]
fn a_run_that_went_well() {
    let mut tally = Tally::new();
    for place in 0..1200 {
        tally.add(&fetched(8 + place % 2, 230_000, place >= 100));
    }
    assert_eq!(
        summary(tally, 2_760_000).to_string(),
        "\
items        1,200 of 1,200 ok
wall time    2.76 s, 435 ok items/s
bytes        60.0 kB, 21.7 kB/s
latency      p50 230 ms, p90 230 ms, p99 230 ms, max 230 ms
connections  100 items over new ones, 1,100 over kept ones
model        threads:2/async:50: 1 process × 2 threads × 50 in flight
in flight    100 on average, seen in 1 process on 2 threads
"
    );
}

#[test]
fn time_in_which_it_was_stopped_makes_it_not_slower() {
    let mut tally = Tally::new();
    for place in 0..100 {
        tally.add(&fetched(8, 230_000, place > 0));
    }
    let told = Summary { suspended_us: 30_000_000, ..summary(tally, 40_000_000) }.to_string();
    for wanted in [
        "wall time    40.0 s, 30.0 s of it stopped by Ctrl-Z, 10.0 ok items/s\n",
        ", 500 B/s\n",
        "max 230 ms, with the time in which it was stopped\n",
    ] {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
}

#[test]
fn a_run_in_which_all_failed_says_so_first() {
    let mut tally = Tally::new();
    for _ in 0..9 {
        let refused = (ErrorKind::Connect, "127.0.0.1:9: connection refused\n(os error 111)");
        tally.add(&record((7, 7), 90, Some(refused)));
    }
    let summary = summary(tally, 300_000);
    assert_eq!(
        summary.to_string(),
        "\
items      0 of 9 ok, 9 failed
failed     connect 9: 127.0.0.1:9: connection refused (os error 111)
wall time  300 ms, 0 ok items/s, 30.0 items/s with those that failed
latency    p50 90 µs, p90 90 µs, p99 90 µs, max 90 µs, all of failed items
model      threads:2/async:50: 1 process × 2 threads × 50 in flight
in flight  0.0027 on average, seen in 1 process on 1 thread
"
    );
    assert!(summary.render(Style::COLOR).contains("\x1b[1;31m0 of 9 ok, 9 failed\x1b[0m"));
}

#[test]
fn many_kinds_of_failure_take_few_lines() {
    let mut tally = Tally::new();
    tally.add(&record((7, 7), 5000, None));
    for (times, kind) in ErrorKind::ALL.iter().enumerate().take(6) {
        for _ in 0..=times {
            tally.add(&record((7, 7), 10, Some((*kind, "so it is"))));
        }
    }
    let summary = Summary { total_items: Some(100), interrupted: true, ..summary(tally, 0) };
    assert_eq!(
        summary.to_string(),
        "\
items      1 of 22 ok, 21 failed; interrupted: 78 of 100 were not done
failed     timeout 6: so it is
           tls 5: so it is
           connect_timeout 4: so it is
           connect 3, dns 2, invalid_item 1
wall time  0 µs
latency    p50 5.00 ms, p90 5.00 ms, p99 5.00 ms, max 5.00 ms, of the items that were ok
model      threads:2/async:50: 1 process × 2 threads × 50 in flight
in flight  – on average, seen in 1 process on 1 thread
"
    );
}

#[test]
fn a_run_of_nothing_is_no_success() {
    assert_eq!(
        summary(Tally::new(), 12).to_string(),
        "\
items      none was done
wall time  12 µs, 0 ok items/s
latency    –
model      threads:2/async:50: 1 process × 2 threads × 50 in flight
in flight  0 on average, seen in 0 processes on 0 threads
"
    );
}

proptest! {
    #[test]
    fn no_number_is_nonsense_and_no_text_long(
        outcomes in proptest::collection::vec(
            (any::<u64>(), proptest::option::of(proptest::sample::select(ErrorKind::ALL))), 0..40
        ),
        wall_us: u64,
        interrupted: bool,
        total_items: Option<u64>,
    ) {
        let mut tally = Tally::new();
        for (latency_us, kind) in outcomes {
            let latency_us = latency_us / 2; // leaves room to start after 0
            tally.add(&record((7, 7), latency_us, kind.map(|kind| (kind, "\x1b[2Jno\nway"))));
        }
        let summary = Summary { total_items, interrupted, ..summary(tally, wall_us) };
        let text = summary.to_string();
        let bare = text.replace("in flight", "").replace("invalid", "").to_lowercase();
        prop_assert!(!bare.contains("nan") && !bare.contains("inf"), "{}", text);
        prop_assert!(!text.contains('\x1b'));
        prop_assert!(text.lines().count() <= 11, "{}", text);
        prop_assert_eq!(text.contains("failed"), summary.tally.failed() > 0);
    }
}
