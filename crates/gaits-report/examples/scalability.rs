//! How well the answers of a sweep hold, on curves that are known: the table of `docs/design/scalability.md`.
//!
//! `cargo run --release -p gaits-report --example scalability`

#![expect(clippy::print_stdout, reason = "it prints tables")]

use fastrand::Rng;
use gaits_report::scalability::{
    Law, ModelSweep, Peak, Scalability, SweepInfo, SweepSettings, SweptModel, SweptPoint,
};
use gaits_report::stats::Interval;
use gaits_report::why::Job;
use gaits_report::{Layout, MachineLoad, Outcomes, Steady, Tally, Trial, Usage};

/// Sweeps for each row.
const SWEEPS: u32 = 200;
const NUMBERS: [u32; 10] = [1, 2, 4, 8, 16, 24, 32, 48, 64, 128];

/// A curve, and what is true of it.
struct Curve {
    name: &'static str,
    law: Option<Law>,
    at: fn(f64) -> f64,
}

const PEAKED: Law = Law { gamma: 20.0, alpha: 0.02, beta: 5e-4 };
const LEVELLING: Law = Law { gamma: 20.0, alpha: 0.05, beta: 0.0 };
const EARLY: Law = Law { gamma: 100.0, alpha: 0.1, beta: 0.01 };

const CURVES: [Curve; 4] = [
    Curve { name: "law, peak at 44", law: Some(PEAKED), at: |n| PEAKED.at(n) },
    Curve { name: "law, peak at 9.5", law: Some(EARLY), at: |n| EARLY.at(n) },
    Curve { name: "law without a peak", law: Some(LEVELLING), at: |n| LEVELLING.at(n) },
    Curve { name: "limit at 20", law: None, at: |n| (n * 20.0).min(400.0) },
];

/// Counts how often something held.
#[derive(Default)]
struct Share(u32, u32);

impl Share {
    fn add(&mut self, holds: bool) {
        self.0 += u32::from(holds);
        self.1 += 1;
    }

    fn shown(&self) -> String {
        match self.1 {
            0 => "–".to_owned(),
            all => format!("{:.0} %", f64::from(self.0) / f64::from(all) * 100.0),
        }
    }
}

fn main() {
    println!(
        "| curve | noise | rounds | limit preferred | γ | α | β | peak shown | its place | knee | smallest within 5 % |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for curve in &CURVES {
        for (noise, rounds) in [(0.01, 6), (0.03, 6), (0.03, 12), (0.1, 6)] {
            row(curve, noise, rounds);
        }
    }
}

fn row(curve: &Curve, noise: f64, rounds: u32) {
    let mut shares: [Share; 8] = Default::default();
    let [limit, gamma, alpha, beta, shown, peak, knee, right] = &mut shares;
    let best = NUMBERS.iter().map(|n| (curve.at)(f64::from(*n))).fold(0.0, f64::max);
    let smallest = NUMBERS.iter().find(|n| (curve.at)(f64::from(**n)) >= 0.95 * best);
    let smallest = smallest.map_or(0.0, |n| f64::from(*n));
    for seed in 0..SWEEPS {
        let sweep = sweep(curve.at, noise, rounds, seed.into());
        let ModelSweep { law, limit: found, recommended, .. } = &sweep.models()[0];
        limit.add(found.is_some());
        if let (Some(fitted), Some(truth)) = (law, curve.law) {
            gamma.add(holds(fitted.gamma, truth.gamma));
            alpha.add(holds(fitted.alpha, truth.alpha));
            beta.add(holds(fitted.beta, truth.beta));
            shown.add(matches!(fitted.peak, Peak::Shown { .. }));
            if let (Peak::Shown { n, .. }, Some((truth, _))) = (fitted.peak, truth.peak()) {
                peak.add(holds(n, truth));
            }
        }
        if let (Some(found), None) = (found, curve.law) {
            knee.add(holds(found.knee, 20.0));
        }
        let range = recommended.as_ref().and_then(|recommended| recommended.range);
        right.add(range.is_some_and(|(low, high)| (low..=high).contains(&smallest)));
    }
    let shown: Vec<String> = shares.iter().map(Share::shown).collect();
    println!("| {} | {:.0} % | {rounds} | {} |", curve.name, noise * 100.0, shown.join(" | "));
}

fn holds(of: Interval, truth: f64) -> bool {
    (of.low..=of.high).contains(&truth)
}

fn sweep(curve: fn(f64) -> f64, noise: f64, rounds: u32, seed: u64) -> Scalability {
    let mut rng = Rng::with_seed(seed);
    let mut normal = || {
        let radius = (-2.0 * (1.0 - rng.f64()).ln()).sqrt();
        radius * (std::f64::consts::TAU * rng.f64()).cos()
    };
    let mut trials = Vec::new();
    for round in 1..=rounds {
        for workers in NUMBERS {
            let n = f64::from(workers);
            let throughput = curve(n) * (noise * normal()).exp();
            trials.push(trial(
                workers,
                round,
                Steady { in_flight: n, latency_us: n / throughput * 1e6 },
            ));
        }
    }
    let points = NUMBERS.map(|workers| SweptPoint {
        workers: workers.into(),
        model: workers.to_string(),
        layout: Layout::new(1, 1, workers),
    });
    let about = SweepInfo {
        work: "simulated".to_owned(),
        seed,
        settings: SweepSettings::default(),
        job: Job {
            holds_its_thread: false,
            is_http: true,
            cores: 2,
            server_here: false,
            arrivals_per_second: None,
            runs_programs: false,
        },
        models: vec![SweptModel {
            name: "async".to_owned(),
            points: points.to_vec(),
            no_more: None,
        }],
        targets: Vec::new(),
        refused: None,
    };
    Scalability::new(&trials, about)
}

fn trial(workers: u32, round: u32, steady: Steady) -> Trial {
    Trial {
        model: workers.to_string(),
        round,
        wall_us: 1_000_000,
        startup_us: 0,
        closing_us: 0,
        process_us: 1_000_000,
        missing_workers: 0,
        workers_died: 0,
        tally: Tally::new(),
        outcomes: Outcomes::default(),
        usage: Usage::default(),
        machine: MachineLoad::default(),
        steady: Some(steady),
    }
}
