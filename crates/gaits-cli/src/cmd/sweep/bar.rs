//! Shows how far a sweep has come.

use crate::cmd::trials::Bar;
use crate::talk::Notices;
use gaits::{
    Clock as _, MonotonicClock, Notice, Sweep, SweepObserver, SweepTime, Trial, TrialObserver,
};
use std::time::Duration;

/// Rounds that are planned where each point has a time.
const ROUNDS: u32 = 6;

/// Draws the bar, and says only what can't be left unsaid.
#[derive(Debug)]
pub(super) struct Watch {
    bar: Bar,
    /// Those of the run at hand.
    notices: Notices,
    clock: MonotonicClock,
    /// How long all of it takes, as far as that is known.
    whole: Duration,
    has_budget: bool,
    doing: String,
}

impl Watch {
    pub(super) fn new(sweep: &Sweep, bar: Bar) -> Self {
        let whole = match sweep.time {
            SweepTime::Budget(budget) => budget,
            SweepTime::EachPoint(each) => {
                each.mul_f64((sweep.workers.len().max(8) * sweep.models.len()) as f64)
            }
        };
        Self {
            bar,
            notices: Notices::default(),
            clock: MonotonicClock::start(),
            whole,
            has_budget: matches!(sweep.time, SweepTime::Budget(_)),
            doing: String::new(),
        }
    }

    fn spent(&self) -> Duration {
        Duration::from_micros(self.clock.now_us().saturating_sub(self.clock.stopped_us_since(0)))
    }

    fn draw(&self) {
        self.bar.draw(self.spent(), self.whole, &self.doing);
    }
}

impl SweepObserver for Watch {
    fn looked(&mut self, _: usize, round: Duration) {
        if !self.has_budget {
            self.whole = self.spent() + round * ROUNDS;
        }
    }
}

impl TrialObserver for Watch {
    fn trial_starts(&mut self, round: u32, name: &str, _: Option<Duration>) {
        self.doing = match round {
            0 => format!("looking how far to go, {name}"),
            round => format!("round {round}, {name}"),
        };
        self.draw();
    }

    fn wants_progress(&self) -> bool {
        self.bar.is_seen()
    }

    fn trial_goes_on(&mut self, _: u64) {
        self.draw();
    }

    fn trial_ended(&mut self, _: u32, _: &str, _: Option<&Trial>) {
        self.bar.say_rest(&mut self.notices);
        self.draw();
    }

    fn notice(&mut self, notice: Notice) {
        self.bar.say(&mut self.notices, notice);
    }
}
