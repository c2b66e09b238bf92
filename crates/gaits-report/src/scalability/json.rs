//! A sweep for programs: `docs/sweep.schema.json`. Duty: names that stay, with the unit in the name. Limit: what is not known is
//! `null`, never a number that stands for nothing.

use super::fitted::{FittedLaw, Limit, LimitKind, Peak};
use super::points::{Point, PointState};
use super::verdict::Trend;
use super::words::explained;
use super::{ModelSweep, Refused, Scalability};
use crate::language::Said;
use crate::stats::Interval;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};

/// Raised when a field changes its meaning or goes.
const FORMAT_VERSION: u32 = 1;

#[derive(Serialize)]
struct Sweep<'a> {
    kind: &'static str,
    version: u32,
    sentence: &'a str,
    work: &'a str,
    measured: bool,
    rounds: u32,
    seed: u64,
    within: f64,
    precision: f64,
    confidence: f64,
    targets: Vec<String>,
    refused: Option<&'a Refused>,
    models: Vec<Model<'a>>,
}

#[derive(Serialize)]
struct Model<'a> {
    name: &'a str,
    sentence: &'a str,
    trend: &'static str,
    recommended: Option<Number>,
    recommended_low: Option<Number>,
    recommended_high: Option<Number>,
    points: Vec<Row>,
    law: Option<LawOf>,
    limit: Option<LimitOf>,
    explained: Option<String>,
    notes: Vec<&'a str>,
}

#[derive(Serialize)]
struct Row {
    workers: Number,
    state: &'static str,
    rounds: u32,
    in_flight: Option<f64>,
    throughput: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    p50_us: Option<u64>,
    p99_us: Option<u64>,
    items: u64,
    errors: u64,
    busy: Option<f64>,
}

#[derive(Serialize)]
struct LawOf {
    gamma: f64,
    alpha: f64,
    beta: f64,
    peak: &'static str,
    peak_n: Option<f64>,
    peak_x: Option<f64>,
    intervals: Intervals,
}

#[derive(Serialize)]
struct Intervals {
    gamma: Ends,
    alpha: Ends,
    beta: Ends,
    peak_n: Option<Ends>,
    peak_x: Option<Ends>,
}

#[derive(Serialize)]
struct LimitOf {
    kind: LimitKind,
    n: f64,
    x: f64,
    intervals: LimitIntervals,
}

#[derive(Serialize)]
struct LimitIntervals {
    n: Ends,
    x: Ends,
}

#[derive(Serialize)]
struct Ends {
    low: f64,
    high: f64,
}

/// A number of workers, which has decimals only if it comes from elsewhere.
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.0.is_finite() {
            return Err(S::Error::custom("a number of workers is no number"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole and below 2^53"
        )]
        if self.0.fract() == 0.0 && (0.0..9e15).contains(&self.0) {
            serializer.serialize_u64(self.0 as u64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

/// One object, with one for each model in `models`.
impl Serialize for Scalability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let about = self.about();
        let sweep = Sweep {
            kind: "sweep",
            version: FORMAT_VERSION,
            sentence: self.sentence().english(),
            work: &about.work,
            measured: !self.from_elsewhere,
            rounds: self.rounds(),
            seed: about.seed,
            within: about.settings.within,
            precision: about.settings.precision,
            confidence: about.settings.confidence,
            targets: about.targets.iter().map(ToString::to_string).collect(),
            refused: about.refused.as_ref(),
            models: self
                .models()
                .iter()
                .map(|model| Model::of(model, self.from_elsewhere))
                .collect(),
        };
        sweep.serialize(serializer)
    }
}

impl<'a> Model<'a> {
    fn of(model: &'a ModelSweep, from_elsewhere: bool) -> Self {
        let range = model.recommended.and_then(|recommended| recommended.range);
        Self {
            name: &model.name,
            sentence: model.sentence.english(),
            trend: match model.trend {
                Trend::Growing => "growing",
                Trend::Flat => "flat",
                Trend::Falling => "falling",
                Trend::Unknown => "unknown",
            },
            recommended: model.recommended.map(|recommended| Number(recommended.workers)),
            recommended_low: range.map(|(low, _)| Number(low)),
            recommended_high: range.map(|(_, high)| Number(high)),
            points: model.points.iter().map(Row::of).collect(),
            law: model.law.as_ref().map(LawOf::of),
            limit: model.limit.map(LimitOf::of),
            explained: explained(model, from_elsewhere).map(|text| text.english().to_owned()),
            notes: model.notes.iter().map(Said::english).collect(),
        }
    }
}

impl Row {
    fn of(point: &Point) -> Self {
        Self {
            workers: Number(point.workers),
            state: match point.state {
                PointState::Usable => "usable",
                PointState::TooFewRounds => "too_few_rounds",
                PointState::Unsteady => "unsteady",
                PointState::Degraded { .. } => "degraded",
                PointState::AllFailed => "all_failed",
                PointState::Failing => "failing",
            },
            rounds: u32::try_from(point.rounds).unwrap_or(u32::MAX),
            in_flight: point.in_flight,
            throughput: point.throughput,
            low: point.range.map(|(low, _)| low),
            high: point.range.map(|(_, high)| high),
            p50_us: point.percentile_us(0.5),
            p99_us: point.percentile_us(0.99),
            items: point.tally.items(),
            errors: point.tally.failed(),
            busy: point.busy,
        }
    }
}

impl From<Interval> for Ends {
    fn from(Interval { low, high, .. }: Interval) -> Self {
        Self { low, high }
    }
}

impl LawOf {
    fn of(fitted: &FittedLaw) -> Self {
        let (peak, shown) = match fitted.peak {
            Peak::Never => ("never", None),
            Peak::Below => ("below_measured", None),
            Peak::Beyond => ("beyond_measured", None),
            Peak::Unclear => ("unclear", None),
            Peak::Shown { n, x } => ("shown", Some((n, x))),
        };
        Self {
            gamma: fitted.law.gamma,
            alpha: fitted.law.alpha,
            beta: fitted.law.beta,
            peak,
            peak_n: shown.map(|(n, _)| n.estimate),
            peak_x: shown.map(|(_, x)| x.estimate),
            intervals: Intervals {
                gamma: fitted.gamma.into(),
                alpha: fitted.alpha.into(),
                beta: fitted.beta.into(),
                peak_n: shown.map(|(n, _)| n.into()),
                peak_x: shown.map(|(_, x)| x.into()),
            },
        }
    }
}

impl LimitOf {
    fn of(limit: Limit) -> Self {
        Self {
            kind: limit.kind,
            n: limit.knee.estimate,
            x: limit.rate.estimate,
            intervals: LimitIntervals { n: limit.knee.into(), x: limit.rate.into() },
        }
    }
}
