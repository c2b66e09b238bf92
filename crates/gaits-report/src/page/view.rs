//! The parts of a page and what the bundle is told of each.

use super::Sweep;
use super::timeline::{About, Timeline};
use crate::language::{Language, Said, said};
use crate::{Comparison, Latency, Relation, Summary, Tally, units};
use gaits_core::ErrorKind;
use serde::Serialize;

/// One part of a page.
#[derive(Debug)]
pub enum View {
    /// Models raced against each other.
    Race {
        /// What was asked, where there were several questions.
        question: Option<Said>,
        /// What came of it.
        comparison: Box<Comparison>,
        /// The runs whose items are drawn.
        runs: Vec<DrawnRun>,
    },
    /// One run.
    Run {
        /// What it is called, such as the name of its file.
        name: String,
        /// What it adds up to.
        summary: Box<Summary>,
        /// Its items.
        timeline: Timeline,
    },
    /// One model over many numbers of workers.
    Sweep(Sweep),
}

/// A run of a race whose items are drawn.
#[derive(Debug)]
pub struct DrawnRun {
    /// Its model.
    pub model: String,
    /// Its round.
    pub round: u32,
    /// How long it took, in microseconds.
    pub wall_us: u64,
    /// Its items.
    pub timeline: Timeline,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Data<'a> {
    Race {
        question: Option<&'a Said>,
        comparison: &'a Comparison,
        said: SaidOfRace<'a>,
        is_http: bool,
        more: Vec<Sums<'a>>,
        runs: Vec<RunData<'a>>,
    },
    Run {
        name: &'a str,
        sentence: Said,
        summary: Box<SummaryData<'a>>,
        more: Vec<Sums<'a>>,
        runs: Vec<RunData<'a>>,
    },
    Sweep(&'a Sweep),
}

/// The sentences of a race. Its JSON has them as well, in English.
#[derive(Serialize)]
pub(super) struct SaidOfRace<'a> {
    verdict: &'a Said,
    why: &'a Said,
    remarks: Vec<Said>,
}

impl<'a> SaidOfRace<'a> {
    fn of(comparison: &'a Comparison) -> Self {
        let why = comparison.why();
        let rows = why.rows.iter().map(|row| row.sentence.of_what(&row.model));
        let checks = why.checks.iter().map(|doubt| doubt.sentence.clone());
        let entries = comparison.entries().iter();
        let details = entries.filter_map(|entry| match &entry.relation {
            Relation::NotRanked(reason) => Some(reason.detail()?.of_what(&entry.contender.model)),
            _ => None,
        });
        Self {
            verdict: &comparison.verdict().sentence,
            why: &why.sentence,
            remarks: rows.chain(checks).chain(details).collect(),
        }
    }
}

/// What is drawn of a model beside its row in the table.
#[derive(Serialize)]
pub(super) struct Sums<'a> {
    model: &'a str,
    /// The latency that each of the shares did not exceed, in microseconds.
    latency: Vec<(u64, f64)>,
    /// How many items the latencies are of.
    latencies: u64,
    /// Whether they are those of failed items, since none went well.
    of_failed: bool,
    at_work_us: u64,
    cpu_us: u64,
    queued_us: u64,
    connect_us: u64,
    waiting_us: u64,
    receiving_us: u64,
}

#[derive(Serialize)]
pub(super) struct RunData<'a> {
    model: &'a str,
    round: Option<u32>,
    wall_us: u64,
    about: &'a About,
    /// The number of the element that holds the columns.
    timeline: usize,
}

#[derive(Serialize)]
pub(super) struct SummaryData<'a> {
    model: &'a str,
    layout: String,
    items: u64,
    ok: u64,
    failed: Vec<(ErrorKind, u64, &'a str)>,
    wall_us: u64,
    bytes: u64,
    retries: u64,
    pauses: u64,
    p50_us: Option<u64>,
    p90_us: Option<u64>,
    p99_us: Option<u64>,
    max_us: Option<u64>,
    mean_in_flight: Option<f64>,
    items_per_second: Option<f64>,
    connections_opened: u64,
    processes: usize,
    threads: usize,
}

impl View {
    pub(super) fn question(&self) -> Option<&Said> {
        match self {
            Self::Race { question, .. } => question.as_ref(),
            Self::Run { .. } | Self::Sweep(_) => None,
        }
    }

    pub(super) fn work(&self) -> &str {
        match self {
            Self::Race { comparison, .. } => &comparison.about().work,
            Self::Run { name, .. } => name,
            Self::Sweep(_) => "sweep",
        }
    }

    /// What it says, in words.
    pub(super) fn sentence(&self) -> Said {
        match self {
            Self::Race { comparison, .. } => comparison.verdict().sentence.clone(),
            Self::Run { summary, .. } => Said::of(|language| sentence(language, summary)),
            Self::Sweep(sweep) => sweep.sentence.clone(),
        }
    }

    /// What the bundle is told; columns are appended to `packed`.
    pub(super) fn data<'a>(&'a self, packed: &mut Vec<&'a [u8]>) -> Data<'a> {
        match self {
            Self::Race { question, comparison, runs } => {
                let entries = comparison.entries().iter();
                let runs = runs.iter().map(|run| {
                    RunData::of(&run.model, Some(run.round), run.wall_us, &run.timeline, packed)
                });
                Data::Race {
                    question: question.as_ref(),
                    comparison,
                    said: SaidOfRace::of(comparison),
                    is_http: comparison.about().job.is_http,
                    runs: runs.collect(),
                    more: entries.map(|e| Sums::of(&e.contender.model, &e.tally)).collect(),
                }
            }
            Self::Run { name, summary, timeline } => Data::Run {
                name,
                sentence: Said::of(|language| sentence(language, summary)),
                more: vec![Sums::of(&summary.model, &summary.tally)],
                runs: vec![RunData::of(&summary.model, None, summary.wall_us, timeline, packed)],
                summary: Box::new(SummaryData::of(summary)),
            },
            Self::Sweep(sweep) => Data::Sweep(sweep),
        }
    }
}

impl<'a> RunData<'a> {
    fn of(
        model: &'a str,
        round: Option<u32>,
        wall_us: u64,
        timeline: &'a Timeline,
        packed: &mut Vec<&'a [u8]>,
    ) -> Self {
        packed.push(&timeline.data);
        Self { model, round, wall_us, about: &timeline.about, timeline: packed.len() - 1 }
    }
}

impl<'a> Sums<'a> {
    fn of(model: &'a str, tally: &Tally) -> Self {
        let (latency, of_failed) = shown(tally);
        let phases = tally.phases();
        Self {
            model,
            latency: curve(latency),
            latencies: latency.count(),
            of_failed,
            at_work_us: tally.at_work_us(),
            cpu_us: tally.cpu_us(),
            queued_us: phases.queued_us,
            connect_us: phases.dns_us + phases.connect_us + phases.tls_us,
            waiting_us: phases.first_byte_us,
            receiving_us: phases.body_us,
        }
    }
}

/// The latencies of the items that went well; of those that failed only where none did.
fn shown(tally: &Tally) -> (&Latency, bool) {
    let only_failed = tally.latency().count() == 0 && tally.failed_latency().count() > 0;
    (if only_failed { tally.failed_latency() } else { tally.latency() }, only_failed)
}

/// A distribution as a curve: (microseconds, share), denser at the slow end.
fn curve(latency: &Latency) -> Vec<(u64, f64)> {
    let even = (0..=200).map(|part| f64::from(part) / 200.0);
    let tail = [0.997, 0.998, 0.999, 0.9995, 0.9999];
    let mut shares: Vec<f64> = even.chain(tail).collect();
    shares.sort_by(f64::total_cmp);
    let points = shares.into_iter();
    points.filter_map(|share| Some((latency.quantile_us(share)?, share))).collect()
}

impl<'a> SummaryData<'a> {
    fn of(summary: &'a Summary) -> Self {
        let tally = &summary.tally;
        let (latency, _) = shown(tally);
        let kinds = tally.failures_by_count().into_iter();
        Self {
            model: &summary.model,
            layout: summary.layout.to_string(),
            items: tally.items(),
            ok: tally.ok(),
            failed: kinds.map(|(kind, f)| (kind, f.count, f.message.as_str())).collect(),
            wall_us: summary.wall_us,
            bytes: tally.bytes(),
            retries: summary.retries,
            pauses: summary.pauses,
            p50_us: latency.p50_us(),
            p90_us: latency.p90_us(),
            p99_us: latency.p99_us(),
            max_us: latency.max_us(),
            mean_in_flight: tally.mean_in_flight(summary.wall_us),
            items_per_second: units::per_second(tally.items(), summary.wall_us),
            connections_opened: tally.connections_opened(),
            processes: tally.processes(),
            threads: tally.threads(),
        }
    }
}

/// What one run comes to.
pub(crate) fn sentence(language: Language, summary: &Summary) -> String {
    let tally = &summary.tally;
    if tally.items() == 0 {
        return said!(
            language,
            "there is no record in it: nothing was done",
            "기록이 없습니다. 한 일이 없습니다",
        );
    }
    let items = if tally.items() == 1 { "item" } else { "items" };
    let (number, time) = (units::count(tally.items()), units::duration(summary.wall_us));
    let rate = units::per_second(tally.items(), summary.wall_us).map(units::number);
    let rate = rate
        .map_or_else(String::new, |rate| said!(language, ", {rate} a second", "(초당 {rate}개)"));
    let end = match tally.failed() {
        0 if tally.items() == 1 => said!(language, "it went well", "잘 끝났습니다"),
        0 => said!(language, "all went well", "모두 성공했습니다"),
        failed => {
            let (failed, kinds) = (units::count(failed), tally.failures_brief());
            said!(language, "{failed} failed ({kinds})", "{failed}개가 실패했습니다({kinds})")
        }
    };
    said!(
        language,
        "{number} {items} in {time}{rate}; {end}",
        "항목 {number}개를 {time} 동안 처리했고{rate}, {end}",
    )
}
