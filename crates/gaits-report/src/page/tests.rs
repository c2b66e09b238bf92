use super::*;
use crate::language::said;
use crate::tally::tests::{http, record};
use crate::{Comparison, Layout, Summary, Tally};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use gaits_core::{Detail, ErrorKind, Record, Timing, Value, WorkerId};
use std::io::Read as _;

fn written(page: &Page) -> String {
    let mut out = Vec::new();
    page.write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn summary(records: &[Record]) -> Summary {
    let mut tally = Tally::new();
    for record in records {
        tally.add(record);
    }
    Summary {
        tally,
        wall_us: 1_000_000,
        suspended_us: 0,
        startup_us: 0,
        closing_us: 0,
        model: "async:5".to_owned(),
        layout: Layout::new(1, 1, 5),
        missing_workers: 0,
        total_items: None,
        interrupted: false,
        early_end: None,
        retries: 0,
        pauses: 0,
    }
}

fn page_of(records: &[Record]) -> Page {
    let mut timeline = TimelineBuilder::new(TimelineBuilder::MOST_ITEMS);
    for record in records {
        timeline.add(record);
    }
    let timeline = timeline.finish().unwrap();
    let summary = Box::new(summary(records));
    let view = View::Run { name: "results.jsonl".to_owned(), summary, timeline };
    Page { views: vec![view], ..Page::default() }
}

/// What the bundle is told.
fn data(html: &str) -> serde_json::Value {
    serde_json::from_str(element(html, "data")).unwrap()
}

fn element<'a>(html: &'a str, id: &str) -> &'a str {
    let (_, rest) = html.split_once(&format!("id=\"{id}\">")).unwrap();
    rest.split_once("</script>").unwrap().0
}

/// The columns of the first timeline, as numbers, but for the texts.
fn columns(html: &str) -> (Vec<Vec<u64>>, Vec<u8>) {
    let packed = STANDARD.decode(element(html, "timeline-0")).unwrap();
    let mut bytes = Vec::new();
    GzDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
    let mut rest = &bytes[..];
    let mut raw = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (column, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        raw.push(column.to_vec());
        rest = after;
    }
    let texts = raw.pop().unwrap();
    (raw.iter().map(|column| numbers(column)).collect(), texts)
}

fn numbers(column: &[u8]) -> Vec<u64> {
    let (mut numbers, mut number, mut shift) = (Vec::new(), 0_u64, 0);
    for byte in column {
        number |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            numbers.push(number);
            (number, shift) = (0, 0);
        }
    }
    numbers
}

#[test]
fn every_item_is_there_by_lane_and_time_with_its_phases() {
    let detail = Detail::read(
        "http",
        [
            ("dns_us", 5_u64),
            ("connect_us", 10),
            ("first_byte_us", 70),
            ("body_us", 12),
            ("status", 200),
        ]
        .map(|(name, us)| (name.into(), Value::from(us)))
        .to_vec(),
    );
    let first = Record { index: 1, detail: Some(detail), ..record((7, 8), 100, None) };
    let second = Record { index: 0, item: "b".into(), ..record((7, 7), 40, None) };
    let failed = record((7, 7), 9, Some((ErrorKind::Timeout, "took too long")));
    let timing = Timing { queued_us: 50, started_us: 60, finished_us: 69, ..failed.timing };
    let failed = Record { index: 2, timing, ..failed };
    let html = written(&page_of(&[first, second, failed]));
    let about = &data(&html)["views"][0]["runs"][0]["about"];
    assert_eq!(about["lanes"], serde_json::json!([[0, [7, 7, 1]], [0, [7, 8, 2]]]));
    assert_eq!(about["kinds"], serde_json::json!(["timeout"]));
    assert_eq!(about["messages"], serde_json::json!(["took too long"]));
    assert_eq!(
        (&about["counts"]["records"], &about["drawn"], &about["every"]),
        (&3.into(), &3.into(), &1.into())
    );
    assert_eq!(about["end_us"], 105);
    let (columns, texts) = columns(&html);
    // Steps in zigzag: 0, 2, 1 and 5, 60, 5.
    assert_eq!(columns[0], [0, 4, 1]);
    assert_eq!(columns[1], [0, 0, 1]);
    assert_eq!(columns[2], [10, 110, 109]);
    // Connecting, waiting, receiving, computing. What is no request computes for its CPU time, and waits for the rest.
    assert_eq!(&columns[3..7], [vec![0, 0, 15], vec![33, 2, 70], vec![0, 0, 12], vec![7, 7, 3]]);
    assert_eq!(columns[10], [0, 1, 0]);
    assert_eq!(columns[12], [0, 0, 200]);
    assert_eq!(texts, b"bhttp://x/http://x/");
}

#[test]
fn no_item_can_end_the_element_that_it_stands_in() {
    let evil = "</script><script>alert(1)</script><!-- & \u{2028}";
    let item = Record { item: evil.into(), ..record((1, 1), 5, Some((ErrorKind::Panic, evil))) };
    let mut page = page_of(&[item]);
    page.notices = vec![Said::same(evil.to_owned())];
    page.command = Some(format!("gaits run '{evil}'"));
    if let View::Run { name, .. } = &mut page.views[0] {
        evil.clone_into(name);
    }
    let html = written(&page);
    assert!(!html.contains("<script>alert") && !html.contains("<!--"), "{html}");
    assert_eq!(html.matches("</script>").count(), 3);
    assert_eq!(data(&html)["notices"][0]["ko"], evil);
    assert!(html.contains("<title>gaits: &lt;/script&gt;"), "{html}");
}

#[test]
fn the_policy_of_the_page_lets_nothing_in_but_its_own_script_and_style() {
    let html = written(&page_of(&[]));
    let (_, rest) = html.split_once("http-equiv=\"Content-Security-Policy\" content=\"").unwrap();
    let policy = rest.split_once('"').unwrap().0;
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    let own = html.len() - element(&html, "data").len() - element(&html, "timeline-0").len();
    assert!(own <= 400_000, "{own} bytes before data");
    // A doctype and the names of elements aside, nothing in it names another place.
    for part in ["src=", "href=\"http", "@import", "url("] {
        assert!(!html.contains(part), "{part}");
    }
}

#[test]
fn of_no_records_it_says_so() {
    let html = written(&page_of(&[]));
    assert!(html.contains("there is no record in it"), "{html}");
    let view = &data(&html)["views"][0];
    assert_eq!(view["runs"][0]["about"]["drawn"], 0);
    assert_eq!(view["summary"]["p50_us"], serde_json::Value::Null);
    assert_eq!(view["more"][0]["latency"], serde_json::json!([]));
}

#[test]
fn times_that_can_not_be_are_counted_and_not_drawn() {
    let at = |started_us, finished_us| Record {
        timing: Timing { started_us, finished_us, ..Timing::default() },
        ..record((1, 1), 0, None)
    };
    let html = written(&page_of(&[at(5, 9), at(9, 5), at(0, u64::MAX)]));
    let about = &data(&html)["views"][0]["runs"][0]["about"];
    assert_eq!(
        (&about["counts"]["records"], &about["counts"]["impossible"]),
        (&3.into(), &2.into())
    );
    assert_eq!((&about["drawn"], &about["end_us"]), (&1.into(), &9.into()));
}

#[test]
fn phases_that_do_not_fit_into_their_item_are_cut_off() {
    let detail = http(Some(200), false, u64::MAX / 4);
    let html = written(&page_of(&[Record { detail: Some(detail), ..record((1, 1), 100, None) }]));
    assert_eq!(&columns(&html).0[3..7], [[100], [0], [0], [0]]);
}

#[test]
fn an_item_that_no_worker_saw_has_a_lane_of_its_own() {
    let unseen = record((1, 1), 3, Some((ErrorKind::InvalidItem, "no scheme")));
    let html = written(&page_of(&[Record { worker: None, ..unseen }]));
    let about = &data(&html)["views"][0]["runs"][0]["about"];
    assert_eq!(about["lanes"], serde_json::json!([[0, null]]));
}

#[test]
fn runs_of_one_file_stand_one_behind_the_other() {
    let mut timeline = TimelineBuilder::new(100);
    timeline.add(&record((1, 1), 95, None));
    timeline.begin_run();
    let again = Record { index: 1, ..record((2, 2), 45, None) };
    timeline.add(&Record { worker: Some(WorkerId { pid: 2, tid: 2, slot: 0 }), ..again });
    let timeline = timeline.finish().unwrap();
    let summary = Box::new(summary(&[]));
    let view = View::Run { name: "results.jsonl".to_owned(), summary, timeline };
    let html = written(&Page { views: vec![view], ..Page::default() });
    let about = &data(&html)["views"][0]["runs"][0]["about"];
    assert_eq!(
        (&about["offsets_us"], &about["end_us"]),
        (&serde_json::json!([0, 100]), &150.into())
    );
}

#[test]
fn a_sweep_is_taken_from_json() {
    // The tests of the bundle draw the same one.
    let text = include_str!("../../../../page/test/sweep.json");
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    let sweep = Sweep::from_json(value.clone()).unwrap();
    let [model] = &sweep.models[..] else { panic!("{sweep:?}") };
    assert_eq!((model.points[5].high, model.points[6].p99_us), (Some(1580.0), None));
    assert_eq!((model.recommended, model.law.unwrap().alpha), (Some(32.0), 0.012));
    let html = written(&Page { views: vec![View::Sweep(sweep)], ..Page::default() });
    let view = &data(&html)["views"][0];
    assert_eq!((&view["kind"], &view["sentence"]), (&value["kind"], &value["sentence"]));
    assert_eq!(view["models"][0]["law"], value["models"][0]["law"]);
    assert!(html.contains("<p>32 workers are enough"), "{html}");
    assert!(Sweep::from_json(serde_json::json!({"kind": "sweep"})).is_err());
    assert!(
        Sweep::from_json(serde_json::json!({"kind": "race", "models": [], "sentence": ""}))
            .is_err()
    );
}

#[test]
fn a_race_is_told_as_json_tells_it() {
    let about = crate::RaceInfo {
        work: "a wait <of> 1 ms".to_owned(),
        items: 1,
        all_items: 1,
        settings: crate::stats::Settings::default(),
        seed: 5,
        job: crate::why::Job {
            holds_its_thread: false,
            is_http: false,
            cores: 2,
            server_here: false,
            arrivals_per_second: None,
            runs_programs: false,
        },
        whole_processes: false,
        contenders: Vec::new(),
    };
    let comparison = Box::new(Comparison::new(&[], about));
    let told = serde_json::to_value(&*comparison).unwrap();
    let view = View::Race {
        question: Some(Said::of(|language| said!(language, "which?", "어느 것?"))),
        comparison,
        runs: Vec::new(),
    };
    let html = written(&Page { views: vec![view], ..Page::default() });
    assert_eq!(data(&html)["views"][0]["comparison"], told);
    assert!(
        html.contains("<h2>which?</h2>\n<h2 lang=\"ko\">어느 것?</h2>")
            && html.contains("a wait &lt;of&gt; 1 ms"),
        "{html}"
    );
}
