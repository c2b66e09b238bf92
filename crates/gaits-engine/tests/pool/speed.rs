//! What the engine itself costs an item: printed, not judged, since the machine may be busy.

use crate::scene::{BLOCKING, Live, Scene, Watch, works};
use crate::trial;
use gaits_core::{Record, Sink};
use gaits_engine::run;
use gaits_engine::source::List;
use gaits_engine::work::WorkSpec;
use gaits_engine::work::wait::WaitSpec;
use libtest_mimic::Trial;
use std::io;
use std::sync::Arc;

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("speed::of_items_that_take_no_time", of_no_time)]
}

struct Count(u64);

impl Sink for Count {
    fn write(&mut self, _: &Record) -> io::Result<()> {
        self.0 += 1;
        Ok(())
    }
}

fn of_no_time() {
    // More of them for a measurement: `GAITS_TEST_ITEMS=1000000 cargo test --release …`.
    let items = std::env::var("GAITS_TEST_ITEMS").ok().and_then(|n| n.parse().ok());
    let items: u64 = items.unwrap_or(20_000);
    for model in [
        "sequential",
        "threads:1",
        "threads:2",
        "processes:1",
        "processes:2",
        "async:50",
        "threads:2/async:50",
        "processes:2/async:50",
        "processes:2/threads:2",
        "async:50/threads:2",
    ] {
        for spec in [WaitSpec::Timer, WaitSpec::Blocking] {
            let scene = Scene::new(model, BLOCKING);
            let source = List::cycled(vec!["0".into()], items, Box::new(|_| Ok(())));
            let live = Live::start(
                scene.plan_of(WorkSpec::Wait(spec)),
                Box::new(source),
                |seen, control, plan, source| {
                    let mut sink = Count(0);
                    let mut watch = Watch(Arc::clone(seen));
                    run(plan, &works(), source, &mut [&mut sink], &mut watch, control)
                },
            );
            let end = live.end().end.unwrap();
            assert_eq!(end.ok, items);
            let us = end.wall_us as f64 / items as f64;
            eprintln!("{model:22} {spec:9?} {us:7.2} µs an item");
        }
    }
}
