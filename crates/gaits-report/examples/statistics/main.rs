#![allow(warnings)]
mod races;
use gaits_report::stats::{Settings, judge};
use races::*;
fn main() {
    let n = 10000;
    for noise in [Noise::Normal, Noise::Heavy, Noise::Stalls] {
        for k in [2, 3, 8] {
            for sd in [0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1] {
                let n = if k == 8 { 2000 } else { n };
                let mut r = fastrand::Rng::with_seed(1);
                let mut o = String::new();
                for slower in [0.0, 0.1] {
                    let race = Race::new(k, slower, sd, noise);
                    let (mut sole, mut cov, mut tot, mut un) = (0, 0, 0u64, 0);
                    for _ in 0..n {
                        let mut rounds = vec![];
                        let j = loop {
                            rounds.push(race.round(0, &mut r));
                            if rounds.len() < 6 {
                                continue;
                            }
                            let j = judge(&series(&rounds), Settings::default());
                            if j.precision_reached() || rounds.len() >= 60 {
                                break j;
                            }
                        };
                        tot += rounds.len() as u64;
                        sole += usize::from(if slower > 0.0 {
                            j.sole_winner() == Some(0)
                        } else {
                            j.sole_winner().is_some()
                        });
                        cov += usize::from(j.verdicts.iter().zip(race.ratios()).all(|(v, t)| {
                            let i = v.ratio_to_best.unwrap();
                            i.low <= t + 1e-12 && t <= i.high + 1e-12
                        }));
                    }
                    o += &format!(
                        " | slower {slower} rounds {:.1} cov {:.3} sole {:.3}",
                        tot as f64 / n as f64,
                        cov as f64 / n as f64,
                        sole as f64 / n as f64
                    );
                }
                println!("{noise:?} k{k} sd {sd} {o}");
            }
        }
    }
}
