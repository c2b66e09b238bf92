//! Looks how far to go: one short run for each number of workers. What they give decides which numbers are measured, and for how long;
//! it is no part of what is measured.

use super::numbers::{Doubling, Numbered, Seen, Step, between, name};
use super::schedule::{FEWEST_ROUNDS, Known, LOOK_LEAST, items_of};
use super::{Ended, Planned, Sweep, SweepError, SweepObserver, SweepTime};
use crate::trial::{Elapsed, Entrant, RaceControl, Ran, Start, Trials};
use gaits_engine::plan::Model;
use gaits_report::Trial;
use gaits_report::scalability::{FailedShare, NoMore, Refused, measured};
use std::time::Duration;

/// The part of the budget that may be spent on it.
const SHARE: f64 = 1.0 / 3.0;
/// The part of the budget that one run has, if the share is enough for so many.
const RUNS: f64 = 40.0;
/// No run is longer.
const LONGEST: Duration = Duration::from_secs(1);

/// Looks how far to go.
pub(super) struct Looking<'a> {
    pub(super) sweep: &'a Sweep,
    pub(super) trials: Trials<'a>,
    pub(super) clock: Elapsed,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Looked {
    rng: fastrand::Rng,
    pub(super) models: Vec<Planned>,
    /// How many items were done.
    pub(super) items_done: u64,
    pub(super) some_failed: bool,
    pub(super) ended: Option<Ended>,
}

impl Looked {
    /// Whether not one item went well with the fewest workers of the model `at`: then nothing is measured, and nobody asked for more of it.
    fn is_hopeless(&mut self, at: usize, seen: Seen) -> bool {
        let model = &mut self.models[at];
        let is_hopeless = seen.failures.share() >= 1.0 && model.points.len() == 1;
        if is_hopeless {
            let workers = model.points[0].0.workers.into();
            model.no_more = Some(NoMore::Failures { workers, share: seen.failures.share() });
            self.ended = Some(Ended::AllFailed);
        }
        is_hopeless
    }
}

/// What one run gave.
enum Glance {
    /// What it showed.
    Seen(Seen, Known),
    /// Nothing was done in all the time that there is.
    TooSlow(Duration),
    Ended(Ended),
}

impl Looking<'_> {
    /// Looks at all models; `rng` draws where in the list each run begins.
    pub(super) fn look(
        &self,
        rng: fastrand::Rng,
        observer: &mut dyn SweepObserver,
        control: &RaceControl,
    ) -> Result<Looked, SweepError> {
        let mut looked = Looked { rng, ..Looked::default() };
        for (at, model) in self.sweep.models.iter().enumerate() {
            let planned = Planned { name: name(*model), points: Vec::new(), no_more: None };
            looked.models.push(planned);
            let named = self.sweep.named(*model)?;
            if named.is_empty() {
                self.double(*model, at, &mut looked, observer, control)?;
            } else {
                self.take(&named, at, &mut looked, observer, control)?;
            }
            if looked.ended.is_some() {
                break;
            }
        }
        Ok(looked)
    }

    /// Takes the numbers of workers that were named.
    fn take(
        &self,
        named: &[Numbered],
        at: usize,
        looked: &mut Looked,
        observer: &mut dyn SweepObserver,
        control: &RaceControl,
    ) -> Result<(), SweepError> {
        for numbered in named {
            match self.glance(*numbered, looked, observer, control)? {
                Glance::Seen(seen, known) => {
                    looked.models[at].points.push((*numbered, known));
                    if looked.is_hopeless(at, seen) {
                        return Ok(());
                    }
                }
                Glance::TooSlow(passed) => return Err(too_slow(passed)),
                Glance::Ended(ended) => {
                    looked.ended = Some(ended);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Doubles the number of workers for as long as that tells something, and adds numbers in between.
    fn double(
        &self,
        model: Model,
        at: usize,
        looked: &mut Looked,
        observer: &mut dyn SweepObserver,
        control: &RaceControl,
    ) -> Result<(), SweepError> {
        let mut doubling = Doubling::of(model);
        let mut throughputs: Vec<(u32, f64)> = Vec::new();
        let no_more = loop {
            let Some(numbered) = doubling.next() else { break Some(NoMore::CanHave) };
            if throughputs.len() > 1 && self.is_spent(at) {
                break Some(NoMore::Time);
            }
            if throughputs.len() > 1 && !self.can_afford(numbered, looked) {
                break Some(NoMore::Requests);
            }
            match self.glance(numbered, looked, observer, control)? {
                Glance::Seen(seen, known) => {
                    let step = doubling.step(numbered.workers, seen);
                    if let Step::Refuse(why) = step {
                        break Some(why);
                    }
                    throughputs.push((numbered.workers, seen.throughput));
                    looked.models[at].points.push((numbered, known));
                    if looked.is_hopeless(at, seen) {
                        return Ok(());
                    }
                    if step == Step::Enough {
                        break None;
                    }
                }
                Glance::TooSlow(passed) if throughputs.is_empty() => return Err(too_slow(passed)),
                Glance::TooSlow(_) => break Some(NoMore::Time),
                Glance::Ended(ended) => {
                    looked.ended = Some(ended);
                    return Ok(());
                }
            }
        };
        looked.models[at].no_more = no_more;
        for numbered in between(model, &throughputs, self.sweep.settings.within) {
            if self.can_afford(numbered, looked) {
                let points = &mut looked.models[at].points;
                let place = points.partition_point(|(one, _)| one.workers < numbered.workers);
                // The next larger number shows what it will be like.
                let Some((_, next)) = points.get(place) else { continue };
                let known = Known { workers: numbered.workers, ..*next };
                points.insert(place, (numbered, known));
            }
        }
        Ok(())
    }

    /// Whether the models up to this have had their part of the time.
    fn is_spent(&self, at: usize) -> bool {
        let SweepTime::Budget(budget) = self.sweep.time else { return false };
        let part = (at + 1) as f64 / self.sweep.models.len() as f64;
        self.clock.read() + self.time() > budget.mul_f64(SHARE * part)
    }

    /// Whether there are items enough for a number of workers, beside those that are planned.
    fn can_afford(&self, numbered: Numbered, looked: &Looked) -> bool {
        let Some(most) = self.sweep.most_items else { return true };
        let planned = looked.models.iter().flat_map(|model| &model.points);
        let planned: u64 = planned.map(|(one, _)| self.sweep.items_of(one.workers)).sum();
        let own = self.sweep.items_of(numbered.workers);
        // Models that come later need their part as well.
        let later = (self.sweep.models.len() - looked.models.len()) as u64;
        let later = later * (FEWEST_ROUNDS + 1) * 2 * items_of(1);
        looked.items_done + own + FEWEST_ROUNDS * (planned + own) + later <= most
    }

    /// How long one run starts new items.
    fn time(&self) -> Duration {
        let time = match self.sweep.time {
            SweepTime::Budget(budget) => {
                let named = self.sweep.numbers().len() * self.sweep.models.len();
                let runs = RUNS.max(named as f64 / SHARE);
                budget.div_f64(runs)
            }
            SweepTime::EachPoint(each) => each / 6,
        };
        time.clamp(LOOK_LEAST, LONGEST)
    }

    fn glance(
        &self,
        numbered: Numbered,
        looked: &mut Looked,
        observer: &mut dyn SweepObserver,
        control: &RaceControl,
    ) -> Result<Glance, SweepError> {
        let Numbered { workers, model } = numbered;
        let time = self.time();
        let most = self.sweep.subject.count;
        let start = Start {
            entrant: &Entrant::Model(model),
            round: 0,
            first: self.sweep.first(&mut looked.rng),
            items: self.sweep.most_items.map_or(most, |_| self.sweep.items_of(workers)),
            limit: Some(time),
            abandon: Some(self.sweep.abandon(self.clock, time)),
            expected: Some(time),
            steady: true,
        };
        Ok(match self.trials.run(start, observer, control)? {
            Ran::Whole(trial) => {
                looked.items_done += trial.tally.items();
                looked.some_failed |= trial.tally.failed() > 0;
                match seen(&trial, workers) {
                    Some((seen, known)) => Glance::Seen(seen, known),
                    None => Glance::TooSlow(Duration::from_micros(trial.process_us)),
                }
            }
            Ran::TooSlow { passed_us, .. } => Glance::TooSlow(Duration::from_micros(passed_us)),
            Ran::Interrupted => Glance::Ended(Ended::Interrupted),
            Ran::Refused(why) => Glance::Ended(Ended::Refused(Refused {
                model: looked.models.last().map_or_else(String::new, |model| model.name.clone()),
                workers: workers.into(),
                item: why.item,
                status: why.status,
            })),
        })
    }
}

/// A sweep in whose first run nothing was done in time.
fn too_slow(passed: Duration) -> SweepError {
    SweepError::Budget { needs: passed * 8 }
}

/// What a run showed; none if nothing was done.
fn seen(trial: &Trial, workers: u32) -> Option<(Seen, Known)> {
    let (n, throughput) = measured(trial)?;
    let fixed_us =
        trial.process_us.saturating_sub(trial.wall_us) + trial.startup_us + trial.closing_us;
    let failures = FailedShare::of(&trial.tally);
    let seen = Seen { throughput, failures, missing_workers: trial.missing_workers };
    let known = Known {
        workers,
        item: Duration::from_secs_f64((n / throughput).min(1e9)),
        fixed: Duration::from_micros(fixed_us),
    };
    Some((seen, known))
}
