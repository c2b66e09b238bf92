//! Pictures of made-up runs, read again: where bars lie, what is kept, how large they become.

use super::lanes::{Lane, LanesBuilder};
use super::svg::MOST_BYTES;
use super::*;
use crate::compare::tests::race;
use crate::tally::tests::record;
use crate::{Layout, Tally};
use gaits_core::{Detail, ErrorKind, Record, Timing, Value, WorkerId};
use roxmltree::{Document, Node};

/// Where the plot of a timeline begins, and how wide it is, in the units of the picture.
const LEFT: f64 = 150.0;
const PLOT: f64 = 702.0;

/// An item that a worker did; it connects, waits and receives for so many microseconds, and computes for the rest.
fn request(slot: u32, started_us: u64, phases: [u64; 3], finished_us: u64) -> Record {
    let names = ["connect_us", "first_byte_us", "body_us"];
    let fields = names.into_iter().zip(phases).map(|(name, us)| (name.into(), Value::from(us)));
    Record {
        detail: Some(Detail::read("http", fields.collect())),
        worker: Some(WorkerId { pid: 10, tid: 11, slot }),
        timing: Timing { started_us, finished_us, ..Timing::default() },
        ..record((10, 11), 0, None)
    }
}

fn failed(record: Record) -> Record {
    let outcome = self::record((1, 1), 1, Some((ErrorKind::Timeout, "took too long"))).outcome;
    Record { outcome, ..record }
}

fn by(pid: u32, tid: u32, slot: u32, started_us: u64) -> Record {
    let worker = Some(WorkerId { pid, tid, slot });
    Record { worker, ..request(slot, started_us, [0, 10, 0], started_us + 10) }
}

fn lanes(records: impl IntoIterator<Item = Record>) -> Lanes {
    let mut builder = LanesBuilder::new();
    records.into_iter().for_each(|record| builder.add(&record));
    builder.finish()
}

fn run(model: &str, wall_us: u64, lanes: Lanes) -> PicturedRun {
    PicturedRun {
        model: model.to_owned(),
        round: 1,
        wall_us,
        inside: Inside::Items(Box::new(lanes)),
    }
}

fn picture(runs: Vec<PicturedRun>) -> Picture {
    let comparison = race(&[("a", &[100; 6]), ("b", &[200; 6])]);
    let race = Part::Race { question: None, comparison: Box::new(comparison), runs };
    Picture { parts: vec![race], notices: Vec::new() }
}

/// The horizontal lines of the paths of a class: where each begins, its height and its length.
fn strokes(svg: &str, class: &str) -> Vec<(f64, f64, f64)> {
    let document = Document::parse(svg).unwrap();
    let is_of = |node: &Node<'_, '_>| {
        node.attribute("class") == Some(class) && node.parent_element().is_some()
    };
    let paths = document.descendants().filter(is_of);
    let paths: Vec<String> =
        paths.filter_map(|path| path.attribute("d").map(str::to_owned)).collect();
    let moves = paths.iter().flat_map(|path| path.split('M').skip(1));
    moves
        .filter_map(|one| {
            let (place, length) = one.split_once('h')?;
            let (x, y) = place.split_once(' ')?;
            Some((x.parse().ok()?, y.parse().ok()?, length.parse().ok()?))
        })
        .collect()
}

fn texts(svg: &str) -> Vec<String> {
    let document = Document::parse(svg).unwrap();
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts
        .map(|text| {
            text.descendants().filter(Node::is_text).filter_map(|node| node.text()).collect()
        })
        .collect()
}

#[track_caller]
fn assert_near(one: f64, other: f64) {
    assert!((one - other).abs() < 0.02, "{one} and {other}");
}

#[test]
fn a_bar_begins_and_ends_where_its_item_did_on_the_axis_of_the_longest_run() {
    let short = lanes([request(0, 100_000, [50_000, 100_000, 50_000], 400_000)]);
    let long = lanes([request(0, 0, [0, 900_000, 0], 900_000)]);
    let svg = picture(vec![run("a", 500_000, short), run("b", 1_000_000, long)]).svg();
    let x = |us: f64| LEFT + us / 1e6 * PLOT;
    // The gap after a bar is taken from its end.
    // The first of each colour is that of the legend.
    let [_, (from, y, length)] = strokes(&svg, "bars c")[..] else { panic!("{svg}") };
    assert_near(from, x(100_000.0));
    assert_near(length, PLOT * 0.05);
    let [_, other, last] = strokes(&svg, "bars w")[..] else { panic!("{svg}") };
    assert_near(other.0, x(150_000.0));
    assert_near(other.2, PLOT * 0.1);
    assert_near(other.1, y);
    let computing = strokes(&svg, "bars p")[1];
    assert_near(computing.0, x(300_000.0));
    assert_near(computing.0 + computing.2, x(400_000.0) - 0.7);
    assert_near(last.0, x(0.0));
    assert_near(last.2, PLOT * 0.9 - 0.7);
    assert!(last.1 > y, "the runs stand above each other");
    for name in ["0.2 s", "0.4 s", "0.6 s", "0.8 s", "1.0 s"] {
        assert!(texts(&svg).iter().any(|text| text == name), "{name}: {:?}", texts(&svg));
    }
    assert!(texts(&svg).iter().any(|text| text == "a500 ms · 1 item · round 1"), "{svg}");
}

#[test]
fn items_that_failed_are_red_and_have_a_cross_where_they_ended() {
    let items =
        [request(0, 0, [0, 400_000, 0], 400_000), failed(request(0, 500_000, [0; 3], 900_000))];
    let svg = picture(vec![run("a", 1_000_000, lanes(items))]).svg();
    let [(from, _, length)] = strokes(&svg, "bars f")[..] else { panic!("{svg}") };
    assert_near(from, LEFT + PLOT * 0.5);
    assert_near(length, PLOT * 0.4 - 0.7);
    let cross = format!("M{} ", svg::tests::number(LEFT + PLOT * 0.9 - 3.0));
    assert_eq!(svg.matches(&cross).count(), 2, "the cross and what sets it off: {svg}");
}

#[test]
fn no_failure_is_lost_among_many_items_and_the_slowest_are_marked() {
    let items = (0..50_000_u64).map(|index| {
        let item =
            request((index % 40).try_into().unwrap(), index * 100, [0, 80, 0], index * 100 + 80);
        match index {
            // One of a lane of its own, and one of a lane that is not told apart.
            20_001 | 20_039 => failed(item),
            30_000 => request(0, index * 100, [0, 900_000, 0], index * 100 + 900_000),
            _ => item,
        }
    });
    let lanes = lanes(items);
    assert_eq!((lanes.failed, lanes.records), (2, 50_000));
    let shown = lanes.shown(6);
    let all = shown.lanes.iter().map(|(_, lane)| *lane).chain(&shown.rest);
    let marks: Vec<u64> = all.flat_map(|lane| lane.failures.moments()).collect();
    assert_eq!(marks, [2_000_180, 2_003_980]);
    assert_eq!(shown.lanes[0].1.slow.len(), 1);
    assert_eq!(shown.rest.unwrap().workers, 34);
    let svg = picture(vec![run("a", 5_000_000, lanes)]).svg();
    assert_eq!(strokes(&svg, "slow").len(), 1);
    assert!(texts(&svg).iter().any(|text| text == "and 24 more"), "{:?}", texts(&svg));
}

#[test]
fn what_could_be_huge_is_bounded_in_memory_and_in_the_file() {
    let mut builder = LanesBuilder::new();
    let mut items = [by(7, 7, 0, 0), failed(by(7, 7, 0, 0))];
    for index in 0..1_000_000_u64 {
        let worker = u32::try_from(index % 7_000).unwrap();
        let from = index * 37 % 90_000_000;
        let item = &mut items[usize::from(index % 3 == 0)];
        item.worker = Some(WorkerId { pid: worker % 20, tid: worker % 350, slot: worker % 50 });
        item.timing.started_us = from;
        item.timing.finished_us = from + 1 + index % 4_000;
        builder.add(item);
    }
    let lanes = builder.finish();
    assert_eq!(lanes.records, 1_000_000);
    let shown = lanes.shown(usize::MAX);
    assert!(shown.lanes.len() <= 64);
    let size = |lane: &Lane| {
        lane.bars.as_ref().map_or(0, Vec::len)
            + lane.activity.bins.len()
            + lane.failures.moments().count()
    };
    let kept: usize = shown.lanes.iter().map(|(_, lane)| size(lane)).sum();
    assert!(kept <= 64 * (200 + 1024 + 512), "{kept}");
    let runs = vec![run("a", 90_000_000, lanes)];
    let svg = picture(runs).svg();
    assert!(svg.len() <= MOST_BYTES && svg.contains("class=\"sums"), "{}", svg.len());
    Document::parse(&svg).unwrap();
}

#[test]
fn many_models_with_long_names_fit_into_the_file_as_well() {
    let many = || {
        lanes((0..8_000_u64).map(|index| {
            let slot = u32::try_from(index % 64).unwrap();
            let from = index * 7_919 % 1_000_000;
            request(
                slot,
                from,
                [index % 900, index % 1_100, index % 700],
                from + 100 + index % 3_000,
            )
        }))
    };
    let names: Vec<String> = (0..60).map(|n| format!("{n}{}", "<&>\"'long ".repeat(200))).collect();
    let walls = [[100_u64; 6]; 60];
    let models: Vec<(&str, &[u64])> =
        names.iter().map(String::as_str).zip(walls.iter().map(|walls| &walls[..])).collect();
    let part = || Part::Race {
        question: Some("why? ".repeat(500)),
        comparison: Box::new(race(&models)),
        runs: names.iter().take(20).map(|name| run(name, 1_000_000, many())).collect(),
    };
    let picture = Picture { parts: vec![part(), part()], notices: vec!["so ".repeat(9_000)] };
    let svg = picture.svg();
    assert!(svg.len() <= MOST_BYTES, "{}", svg.len());
    Document::parse(&svg).unwrap();
    assert!(svg.contains("class=\"sums w\""), "the timelines are there, only coarser");
    // It is high, and nothing stands beside it.
    assert!(texts(&svg).iter().all(|text| text.chars().count() < 200));
}

#[test]
fn whatever_texts_hold_the_picture_is_well_formed_and_says_it() {
    let evil = "</title><script>alert(1)</script>&\u{1b}[2J\u{0}\u{fffe}\"'";
    let runs = vec![
        PicturedRun { inside: Inside::Unknown(evil.to_owned()), ..run(evil, 7, lanes([])) },
        PicturedRun { inside: Inside::Program, ..run("sleep", 9, lanes([])) },
    ];
    let comparison = Box::new(race(&[(evil, &[100; 6]), ("b", &[200; 6])]));
    let part = Part::Race { question: Some(evil.to_owned()), comparison, runs };
    let picture = Picture { parts: vec![part], notices: vec![evil.to_owned()] };
    let svg = picture.svg();
    let document = Document::parse(&svg).unwrap();
    let root = document.root_element();
    assert_eq!((root.attribute("role"), root.attribute("width")), (Some("img"), Some("100%")));
    let child = |name| root.children().find(|node| node.has_tag_name(name)).unwrap();
    let [title, description] = ["title", "desc"].map(child);
    let ids =
        format!("{} {}", title.attribute("id").unwrap(), description.attribute("id").unwrap());
    assert_eq!(root.attribute("aria-labelledby"), Some(ids.as_str()));
    let shown = evil.replace(['\u{1b}', '\0', '\u{fffe}'], "\u{fffd}");
    assert!(title.text().unwrap().contains(&format!("{shown} is fastest: 2.00×")), "{svg}");
    assert!(description.text().unwrap().contains("b: 200 ms, 2.00× ("), "{svg}");
    // Nothing that runs, and nothing that is fetched.
    let names: std::collections::BTreeSet<&str> = document
        .descendants()
        .filter(Node::is_element)
        .map(|node| node.tag_name().name())
        .collect();
    let drawn = ["desc", "path", "rect", "style", "svg", "text", "title", "tspan"];
    assert_eq!(names.into_iter().collect::<Vec<_>>(), drawn);
    assert!(
        !svg.contains("url(")
            && !svg.contains("@import")
            && svg.contains("prefers-color-scheme:dark")
    );
    assert_eq!(svg.matches("://").count(), 1, "the name of the form: {svg}");
    assert!(!svg.contains("href"), "{svg}");
    assert_eq!(picture.not_drawn().collect::<Vec<_>>(), [(evil, evil)]);
}

#[test]
fn a_bar_of_the_race_is_as_long_as_the_model_takes_and_ties_are_bracketed() {
    let bars = |comparison: Comparison| {
        let part =
            Part::Race { question: None, comparison: Box::new(comparison), runs: Vec::new() };
        let svg = Picture { parts: vec![part], notices: Vec::new() }.svg();
        let document = Document::parse(&svg).unwrap();
        let is_bar = |node: &Node<'_, '_>| {
            node.has_tag_name("rect") && node.attribute("class").unwrap().starts_with("takes")
        };
        let bars: Vec<(String, f64)> = document
            .descendants()
            .filter(is_bar)
            .map(|bar| {
                let class = bar.attribute("class").unwrap().to_owned();
                (class, bar.attribute("width").unwrap().parse().unwrap())
            })
            .collect();
        (bars, svg)
    };
    let (two, svg) = bars(race(&[("a", &[100; 6]), ("b", &[300; 6])]));
    assert_eq!((two[0].0.as_str(), two[1].0.as_str()), ("takes first", "takes"));
    assert!((two[1].1 / two[0].1 - 3.0).abs() < 0.001, "{two:?}");
    assert!(!svg.contains("class=\"bracket\"") && svg.contains(">a is fastest: 3.00×"), "{svg}");
    let walls: [&[u64]; 2] =
        [&[1000, 1001, 1002, 1000, 1001, 1003], &[1001, 1000, 1003, 1001, 1000, 1002]];
    let (_, svg) = bars(race(&[("a", walls[0]), ("b", walls[1]), ("c", &[2000; 6])]));
    assert!(svg.contains("class=\"bracket\"") && svg.contains("= equal within 2 %"), "{svg}");
}

#[test]
fn lanes_are_named_by_what_tells_them_apart_and_threads_come_before_slots() {
    let names = |records: Vec<Record>, most: usize| {
        let lanes = lanes(records);
        let shown = lanes.shown(most);
        let names: Vec<String> = shown.lanes.into_iter().map(|(name, _)| name).collect();
        (names.join(", "), shown.rest.map(|rest| rest.workers))
    };
    assert_eq!(names(vec![by(7, 7, 0, 0), by(7, 7, 0, 20)], 4), ("one at a time".into(), None));
    let loops = (0..6).map(|n| by(70 - n % 2, 70 - n % 2, n / 2, u64::from(n)));
    assert_eq!(
        names(loops.collect(), 4).0,
        "process 1 slot 0, process 1 slot 1, process 2 slot 0, process 2 slot 1"
    );
    let threads = || (0..8).map(|n| by(7, 100 + n, 0, 0));
    let five = "thread 1, thread 2, thread 3, thread 4, thread 5";
    assert_eq!(names(threads().collect(), 5), (five.into(), Some(3)));
    // A line for one more is a line for it.
    assert_eq!(names(threads().take(6).collect(), 5), (format!("{five}, thread 6"), None));
    let unseen = Record { worker: None, ..failed(by(7, 7, 0, 5)) };
    assert_eq!(names(vec![by(7, 7, 0, 0), unseen], 4).0, "one at a time, no worker");
}

#[test]
fn a_later_run_of_a_file_is_drawn_behind_the_first_on_the_same_lanes() {
    let mut builder = LanesBuilder::new();
    builder.add(&by(7, 7, 0, 90));
    builder.begin_run();
    builder.add(&by(8, 8, 0, 20));
    let lanes = builder.finish();
    assert_eq!(lanes.end_us, 130);
    let shown = lanes.shown(4);
    let bars = shown.lanes[0].1.bars.as_ref().unwrap();
    assert_eq!(bars.iter().map(|bar| bar.started_us).collect::<Vec<_>>(), [90, 120]);
    assert_eq!(shown.lanes.len(), 1);
}

#[test]
fn times_that_cannot_be_are_counted_and_not_drawn() {
    let mut backwards = by(7, 7, 0, 50);
    backwards.timing.finished_us = 10;
    let mut endless = by(7, 7, 0, 50);
    endless.timing.finished_us = u64::MAX;
    let lanes = lanes([backwards, endless, by(7, 7, 0, 0)]);
    assert_eq!((lanes.records, lanes.impossible, lanes.end_us), (3, 2, 10));
    let text = picture(vec![run("async:1", 10, lanes)]).timeline(Style::PLAIN, 80);
    assert!(text.contains("3 items, 2 with times that can't be, round 1"), "{text}");
}

fn timeline(style: Style, width: usize) -> String {
    let busy =
        (0..10).map(|n| request(0, n * 100_000, [30_000, 40_000, 30_000], n * 100_000 + 100_000));
    let idle = (0..5).map(|n| request(1, n * 200_000, [0, 80_000, 0], n * 200_000 + 80_000));
    let fails = [failed(request(1, 950_000, [0; 3], 990_000))];
    let items = lanes(busy.chain(idle).chain(fails));
    let program = PicturedRun { inside: Inside::Program, ..run("sleep", 500_000, lanes([])) };
    picture(vec![run("async:2", 1_000_000, items), program]).timeline(style, width)
}

#[test]
fn a_timeline_in_letters_to_the_letter() {
    let lines = [
        "async:2  1.00 s, 16 items, 1 failed, round 1",
        "  slot 0       CRCRCRCRCRCRCRCRCRCR",
        "  slot 1       WW  WW  WW  WW  WW x",
        "sleep  500 ms, round 1",
        "  the process  ===========",
        "               |0        |0.5 s",
        "each row is a worker, and what it",
        "did: the second sign where that took",
        "most of the column",
        "c C connecting, w W waiting, r R receiving, x failed, = a whole program",
    ];
    let text = timeline(Style::PLAIN, 36);
    assert_eq!(text.lines().collect::<Vec<_>>(), lines, "{text}");
}

#[test]
fn on_a_terminal_blocks_tell_how_busy_and_colours_with_what() {
    let text = timeline(Style::COLOR, 36);
    assert!(text.contains("\u{1b}[94m█▅\u{1b}[0m"), "{text}");
    assert!(text.contains("\u{1b}[1;31mx\u{1b}[0m"), "{text}");
    assert!(!timeline(Style::PLAIN, 36).contains('\u{1b}'));
    for width in [0, 1, 30, 80, 500] {
        let text = timeline(Style::PLAIN, width);
        let longest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(longest <= width.clamp(90, 230), "{longest} of {width}: {text}");
    }
}

#[test]
fn names_cannot_command_the_terminal() {
    let evil = "\u{1b}]0;x\u{7}\nname";
    let broken =
        PicturedRun { inside: Inside::Unknown(evil.to_owned()), ..run(evil, 7, lanes([])) };
    let text = picture(vec![broken]).timeline(Style::PLAIN, 80);
    assert_eq!(text, "]0;x name  7 µs, not drawn: ]0;x name, round 1\n");
}

#[test]
fn a_results_file_says_what_it_adds_up_to() {
    let records = [by(7, 7, 0, 0), failed(by(7, 7, 0, 500_000))];
    let mut tally = Tally::new();
    for record in &records {
        tally.add(record);
    }
    let summary = Summary {
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
    };
    let name = "results.jsonl".to_owned();
    let part = Part::Results { name, summary: Box::new(summary), lanes: Box::new(lanes(records)) };
    let svg = Picture { parts: vec![part], notices: Vec::new() }.svg();
    let said = texts(&svg);
    for text in [
        "results.jsonl",
        "2 items in 1.00 s, 2.00 a second; 1 failed (timeout 1).",
        "async:51.00 s · 2 items · 1 failed",
    ] {
        assert!(said.iter().any(|said| said == text), "{text}: {said:?}");
    }
}
