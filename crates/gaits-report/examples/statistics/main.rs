//! How well the statistics of a race do, on races whose truth is known. Prints the tables of
//! `docs/design/statistics.md`, in Markdown; the same on every machine.
//!
//! `cargo run --release -p gaits-report --example statistics`; with some of the words `candidates`, `rounds`, `drift`,
//! `precise`, `outliers` and `more` behind `--`, those tables alone.

#![expect(clippy::print_stdout, reason = "it prints its tables")]
#![expect(clippy::unwrap_used, reason = "the simulated races are ranked")]

mod candidates;
mod races;

use candidates::Candidate;
use fastrand::Rng;
use gaits_report::stats::{Interval, Judged, More, Relation, Settings, Verdict, judge};
use races::{Noise, Race, series};
use std::iter::Sum;
use std::ops::Add;

const NOISES: [(Noise, &str); 3] =
    [(Noise::Normal, "log-normal"), (Noise::Heavy, "heavy-tailed"), (Noise::Stalls, "with stalls")];
const ROUNDS: [u32; 4] = [6, 10, 20, 50];

fn main() {
    let tables: [(&str, fn()); 6] = [
        ("candidates", candidates),
        ("rounds", fixed_rounds),
        ("drift", drift),
        ("precise", until_precise),
        ("outliers", outliers),
        ("more", foresight),
    ];
    let wanted = std::env::args().skip(1).collect::<Vec<_>>();
    for (name, print) in tables {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            print();
        }
    }
}

/// What was seen in some races.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    races: f64,
    covered: f64,
    sole: f64,
    found: f64,
    rounds: f64,
}

impl Add for Seen {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            races: self.races + other.races,
            covered: self.covered + other.covered,
            sole: self.sole + other.sole,
            found: self.found + other.found,
            rounds: self.rounds + other.rounds,
        }
    }
}

impl Sum for Seen {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

impl Seen {
    /// Of one race: (low, high) of the logarithm of each model's ratio, and which are judged slower.
    fn new(race: &Race, intervals: &[(f64, f64)], rounds: usize) -> Self {
        let margin = Settings::default().margin.ln_1p();
        let truth = race.ratios();
        let covers = |(interval, truth): (&(f64, f64), &f64)| {
            interval.0 <= truth.ln() + 1e-9 && truth.ln() <= interval.1 + 1e-9
        };
        let slower = intervals.iter().map(|(low, _)| *low > margin).collect::<Vec<_>>();
        let sole = slower.iter().filter(|slower| **slower).count() + 1 == slower.len();
        let truly = truth.iter().zip(&slower).filter(|(truth, _)| **truth > 1.0);
        let (count, found) =
            truly.fold((0.0, 0.0), |(n, found), (_, slower)| (n + 1.0, found + f64::from(*slower)));
        Self {
            races: 1.0,
            covered: f64::from(intervals.iter().zip(&truth).all(covers)),
            sole: f64::from(sole),
            found: if count > 0.0 { found / count } else { 0.0 },
            rounds: rounds as f64,
        }
    }

    fn of(race: &Race, judged: &Judged) -> Self {
        let log = |verdict: &Verdict| {
            let Interval { low, high, .. } = verdict.ratio_to_best.unwrap();
            (low.ln(), high.ln())
        };
        Self::new(race, &judged.verdicts.iter().map(log).collect::<Vec<_>>(), judged.rounds)
    }

    fn percent(&self, count: f64) -> f64 {
        100.0 * count / self.races
    }
}

/// `count` times `one`, each time with random numbers of its own, on all cores.
fn times<T: Send + Sum<T>>(count: u64, one: impl Fn(&mut Rng) -> T + Sync) -> T {
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let share = |core: u64| {
        let seeds = (core..count).step_by(usize::try_from(cores).unwrap());
        seeds.map(|seed| one(&mut Rng::with_seed(seed))).sum::<T>()
    };
    std::thread::scope(|scope| {
        let shares = (0..cores).map(|core| scope.spawn(move || share(core))).collect::<Vec<_>>();
        shares.into_iter().map(|share| share.join().unwrap()).sum()
    })
}

fn fixed(race: &Race, rounds: u32, count: u64) -> Seen {
    times(count, |random| Seen::of(race, &judge(&race.run(rounds, random), Settings::default())))
}

fn candidates() {
    println!("\n## Candidates\n");
    println!(
        "| way | rounds | covers, equal noise | covers, mixed noise | finds all 10 %, 2 models | 8 models |"
    );
    println!("|---|---|---|---|---|---|");
    for (candidate, name) in Candidate::ALL {
        for rounds in [6, 10, 20] {
            let see = |race: &Race| {
                let count = if candidate == Candidate::Bootstrap { 1_000 } else { 4_000 };
                times(count, |random| {
                    let models = race.run(rounds, random);
                    Seen::new(race, &candidate.intervals(&models, random), rounds as usize)
                })
            };
            let (two, eight) =
                (Race::new(2, 0.1, 0.03, Noise::Normal), Race::new(8, 0.1, 0.03, Noise::Normal));
            let mut mixed = Race::new(4, 0.1, 0.01, Noise::Normal);
            mixed.sd = vec![0.01, 0.01, 0.03, 0.1];
            let (two, eight, mixed) = (see(&two), see(&eight), see(&mixed));
            let equal = two.percent(two.covered).min(eight.percent(eight.covered));
            println!(
                "| {name} | {rounds} | {equal:.1} % | {:.1} % | {:.0} % | {:.0} % |",
                mixed.percent(mixed.covered),
                two.percent(two.sole),
                eight.percent(eight.sole)
            );
        }
    }
}

fn fixed_rounds() {
    println!("\n## So many rounds\n");
    println!(
        "Intervals all hold / a sole winner among equals / a model 10 % slower is found / all of them are, in %.\n"
    );
    println!("| times | noise | models | 6 rounds | 10 | 20 | 50 |\n|---|---|---|---|---|---|---|");
    for (noise, name) in NOISES {
        for sd in [0.01, 0.03, 0.1] {
            for models in [2, 4, 8] {
                let cell = |rounds: u32| {
                    let tie = fixed(&Race::new(models, 0.0, sd, noise), rounds, 4_000);
                    let apart = fixed(&Race::new(models, 0.1, sd, noise), rounds, 4_000);
                    format!(
                        "{:.1} / {:.1} / {:.0} / {:.0}",
                        tie.percent(tie.covered).min(apart.percent(apart.covered)),
                        tie.percent(tie.sole),
                        apart.percent(apart.found),
                        apart.percent(apart.sole)
                    )
                };
                let cells = ROUNDS.map(cell).join(" | ");
                println!("| {name} | {:.0} % | {models} | {cells} |", sd * 100.0);
            }
        }
    }
}

fn drift() {
    println!("\n## Drift\n");
    println!("As above, at 3 % noise, log-normal, when each round is 10 % slower than the last.\n");
    println!("| drift | models | 6 rounds | 10 | 20 | 50 |\n|---|---|---|---|---|---|");
    for (name, creeping) in
        [("between rounds", false), ("within rounds too, order drawn anew", true)]
    {
        for models in [2, 4, 8] {
            let cell = |rounds: u32| {
                let drifting = |slower: f64| Race {
                    drift: 0.1,
                    creeping,
                    ..Race::new(models, slower, 0.03, Noise::Normal)
                };
                let (tie, apart) =
                    (fixed(&drifting(0.0), rounds, 4_000), fixed(&drifting(0.1), rounds, 4_000));
                format!(
                    "{:.1} / {:.1} / {:.0} / {:.0}",
                    tie.percent(tie.covered).min(apart.percent(apart.covered)),
                    tie.percent(tie.sole),
                    apart.percent(apart.found),
                    apart.percent(apart.sole)
                )
            };
            println!("| {name} | {models} | {} |", ROUNDS.map(cell).join(" | "));
        }
    }
}

fn until_precise() {
    println!("\n## Until precise\n");
    println!(
        "| times | noise | models | rounds, mean | intervals all hold | sole winner among equals | 10 % is found |"
    );
    println!("|---|---|---|---|---|---|---|");
    let until = |race: &Race, count: u64| {
        times(count, |random| {
            let mut rounds = Vec::new();
            loop {
                rounds.push(race.round(0, random));
                // the budget is 80 rounds
                let judged =
                    (rounds.len() >= 10).then(|| judge(&series(&rounds), Settings::default()));
                match judged {
                    Some(judged) if judged.precision_reached() || rounds.len() == 80 => {
                        return Seen::of(race, &judged);
                    }
                    _ => {}
                }
            }
        })
    };
    for (noise, name) in NOISES {
        for sd in [0.03, 0.05, 0.065, 0.08] {
            for models in [2, 3, 8] {
                let count = if models == 8 { 500 } else { 4_000 };
                let tie = until(&Race::new(models, 0.0, sd, noise), count);
                let apart = until(&Race::new(models, 0.1, sd, noise), count);
                println!(
                    "| {name} | {:.1} % | {models} | {:.1} | {:.1} % | {:.1} % | {:.0} % |",
                    sd * 100.0,
                    apart.rounds / apart.races,
                    tie.percent(tie.covered).min(apart.percent(apart.covered)),
                    tie.percent(tie.sole),
                    apart.percent(apart.found)
                );
            }
        }
    }
}

fn outliers() {
    println!("\n## Outliers\n");
    println!(
        "| models | rounds | races without any in which one is named | stalls (× 1.5 at 3 % noise) that are named |"
    );
    println!("|---|---|---|---|");
    for models in [2, 3, 8] {
        for rounds in [6, 10, 50] {
            let race = Race::new(models, 0.1, 0.03, Noise::Normal);
            let named: f64 = times(4_000, |random| {
                let judged = judge(&race.run(rounds, random), Settings::default());
                f64::from(!judged.outliers.is_empty())
            });
            let found: f64 = times(4_000, |random| {
                let mut walls =
                    (0..rounds).map(|round| race.round(round, random)).collect::<Vec<_>>();
                walls[3][1] *= 1.5;
                let judged = judge(&series(&walls), Settings::default());
                f64::from(
                    judged.outliers.iter().any(|outlier| (outlier.model, outlier.round) == (1, 3)),
                )
            });
            println!("| {models} | {rounds} | {:.1} % | {:.0} % |", named / 40.0, found / 40.0);
        }
    }
}

fn foresight() {
    println!("\n## More rounds\n");
    println!(
        "| models | slower by | races undecided after 10 rounds | told after the rounds that were named |\n|---|---|---|---|"
    );
    for models in [2, 4] {
        for slower in [0.0, 0.05, 0.1] {
            let race = Race::new(models, slower, 0.05, Noise::Normal);
            let one = |random: &mut Rng| {
                let mut walls = (0..10).map(|round| race.round(round, random)).collect::<Vec<_>>();
                let verdict = judge(&series(&walls), Settings::default()).verdicts[1];
                let told = match verdict.more_rounds {
                    Some(More::About(more)) => {
                        walls.extend(
                            (0..u32::try_from(more).unwrap())
                                .map(|round| race.round(round, random)),
                        );
                        judge(&series(&walls), Settings::default()).verdicts[1].relation
                            != Relation::Undecided
                    }
                    _ => false,
                };
                // the fields are counts here: races with a forecast, and those in which it was right
                let forecast = matches!(verdict.more_rounds, Some(More::About(_)));
                Seen {
                    races: 1.0,
                    covered: f64::from(forecast),
                    found: f64::from(told),
                    ..Seen::default()
                }
            };
            let seen: Seen = times(2_000, one);
            let share = 100.0 * seen.found / seen.covered;
            println!(
                "| {models} | {:.0} % | {:.0} % | {share:.0} % |",
                slower * 100.0,
                seen.percent(seen.covered)
            );
        }
    }
}
