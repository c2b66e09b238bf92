//! The Universal Scalability Law (Gunther) and its fit by bounded nonlinear least squares.
//!
//! X(N) = γN / (1 + α(N−1) + βN(N−1)): throughput with N in flight, where γ is that of one alone, α the share that must be done
//! one at a time, and β what it costs that each has to agree with each. Limit: it fits whatever it is given; whether the law is
//! the right one for the points is decided elsewhere.

/// Fewer points leave nothing over to tell how good a fit of three numbers is.
pub(super) const FEWEST_POINTS: usize = 4;
/// Steps of one descent; it takes some ten from a good start.
const MOST_STEPS: usize = 200;
/// A step that gains a smaller share than this is the last.
const NO_GAIN: f64 = 1e-14;
/// α and β of the grid that is searched for places to descend from: nothing, and so many to each power of ten below 1, which is
/// closer than two valleys of the law can lie.
const TO_A_POWER_OF_TEN: u8 = 2;
/// The smallest α of the grid: with less, 10⁵ in flight lose nothing by it.
const POWERS_OF_ALPHA: u8 = 5;
/// The smallest β of the grid: with less, 10⁴ in flight lose nothing by it.
const POWERS_OF_BETA: u8 = 8;

/// The law with its three numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Law {
    /// Throughput of one alone, in items a second; at least 0.
    pub gamma: f64,
    /// The share that is done one at a time (contention), from 0 to 1.
    pub alpha: f64,
    /// What it costs that each agrees with each (coherency), from 0 to 1.
    pub beta: f64,
}

/// A number in flight, and the throughput that was measured with it.
pub(super) type Measured = (f64, f64);

impl Law {
    /// The throughput with `n` in flight.
    #[must_use]
    pub fn at(&self, n: f64) -> f64 {
        self.gamma * n / denominator(self.alpha, self.beta, n)
    }

    /// Where throughput is highest, as (in flight, throughput); none if it never falls, or if it falls from the beginning on.
    #[must_use]
    pub fn peak(&self) -> Option<(f64, f64)> {
        let n = ((1.0 - self.alpha) / self.beta).sqrt();
        (self.beta > 0.0 && n.is_finite() && n > 0.0).then(|| (n, self.at(n)))
    }

    /// Whether throughput falls in the end, however far that is.
    pub(super) const fn falls(&self) -> bool {
        self.beta > 0.0
    }

    /// The law that misses `points` the least, by the sum of squares; none for fewer than three different numbers in flight, or
    /// where nothing was done.
    pub(super) fn fit(points: &[Measured]) -> Option<Self> {
        Self::search(points, None)
    }

    /// The same for points that are much like those of which this is the fit: quicker.
    pub(super) fn fit_again(&self, points: &[Measured]) -> Option<Self> {
        Self::search(points, Some(self))
    }

    fn search(points: &[Measured], around: Option<&Self>) -> Option<Self> {
        let mut different: Vec<f64> = points.iter().map(|(n, _)| *n).collect();
        different.sort_by(f64::total_cmp);
        different.dedup();
        let largest = points.iter().map(|(_, x)| *x).fold(0.0, f64::max);
        let is_number = |(n, x): &Measured| n.is_finite() && *n > 0.0 && x.is_finite() && *x >= 0.0;
        if different.len() < 3 || largest <= 0.0 || !points.iter().all(is_number) {
            return None;
        }
        let scaled: Vec<Measured> = points.iter().map(|(n, x)| (*n, x / largest)).collect();
        let fit = bounded(&scaled, around)?;
        Some(Self { gamma: fit.gamma * largest, ..fit })
    }

    /// The sum of the squares of what it misses.
    pub(super) fn squares(&self, points: &[Measured]) -> f64 {
        points.iter().map(|(n, x)| (x - self.at(*n)).powi(2)).sum()
    }
}

fn denominator(alpha: f64, beta: f64, n: f64) -> f64 {
    1.0 + (n - 1.0) * (alpha + beta * n)
}

/// For fixed α and β the best γ is Σfx / Σf².
fn with_best_gamma(points: &[Measured], alpha: f64, beta: f64) -> Law {
    let unit = Law { gamma: 1.0, alpha, beta };
    let both: (f64, f64) = points.iter().fold((0.0, 0.0), |(fx, ff), (n, x)| {
        let f = unit.at(*n);
        (fx + f * x, ff + f * f)
    });
    Law { gamma: if both.1 > 0.0 { (both.0 / both.1).max(0.0) } else { 0.0 }, alpha, beta }
}

/// The grid points that miss less than those around them: α and β. Points that follow no law can have several valleys, within the
/// bounds and on their edges, and a descent finds that in which it starts.
fn valleys(points: &[Measured]) -> Vec<(f64, f64)> {
    let powers = |powers: u8| -> Vec<f64> {
        let parts = powers * TO_A_POWER_OF_TEN;
        let part = |part: u8| 10_f64.powf(-f64::from(part) / f64::from(TO_A_POWER_OF_TEN));
        std::iter::once(0.0).chain((0..=parts).rev().map(part)).collect()
    };
    let (alphas, betas) = (powers(POWERS_OF_ALPHA), powers(POWERS_OF_BETA));
    let missed: Vec<Vec<f64>> = alphas
        .iter()
        .map(|alpha| {
            let missed = |beta: &f64| with_best_gamma(points, *alpha, *beta).squares(points);
            betas.iter().map(missed).collect()
        })
        .collect();
    let is_valley = |row: usize, column: usize| {
        let here = missed[row][column];
        let rows = &missed[row.saturating_sub(1)..alphas.len().min(row + 2)];
        let columns = column.saturating_sub(1)..betas.len().min(column + 2);
        rows.iter().flat_map(|row| &row[columns.clone()]).all(|beside| here <= *beside)
    };
    (0..alphas.len())
        .flat_map(|row| (0..betas.len()).map(move |column| (row, column)))
        .filter(|(row, column)| is_valley(*row, *column))
        .map(|(row, column)| (alphas[row], betas[column]))
        .collect()
}

/// The best law within the bounds that descents find: from every valley, or only from a law that is known to be near. What is best
/// may lie on an edge, so each edge is tried; near a law only if there is nothing within.
fn bounded(points: &[Measured], around: Option<&Law>) -> Option<Law> {
    let starts = around.map_or_else(|| valleys(points), |law| vec![(law.alpha, law.beta)]);
    let ways: [[Option<f64>; 2]; 5] =
        [[None, None], [None, Some(0.0)], [Some(0.0), None], [None, Some(1.0)], [Some(1.0), None]];
    let within = |law: &Law| (0.0..=1.0).contains(&law.alpha) && (0.0..=1.0).contains(&law.beta);
    let mut found: Vec<Law> = Vec::new();
    for held in ways {
        for start in starts.iter().copied().chain(linear_form(points, held)) {
            let at = (held[0].unwrap_or(start.0), held[1].unwrap_or(start.1));
            found.extend(descend(points, with_best_gamma(points, at.0, at.1), held).filter(within));
        }
        if around.is_some() && held == [None, None] && !found.is_empty() {
            break;
        }
    }
    let corners = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)];
    let places = starts.iter().copied().chain(corners);
    found.extend(places.map(|(alpha, beta)| with_best_gamma(points, alpha, beta)));
    found.into_iter().min_by(|a, b| a.squares(points).total_cmp(&b.squares(points)))
}

/// Where the law would lie in its linear form, N/X = (1 + α(N−1) + βN(N−1)) / γ, weighted so that it comes close to least squares
/// of X. `held` are kept.
fn linear_form(points: &[Measured], held: [Option<f64>; 2]) -> Option<(f64, f64)> {
    let mut normal = Normal::default();
    for (n, x) in points.iter().filter(|(_, x)| *x > 0.0) {
        let (y, weight) = (n / x, x * x / n);
        let basis = [n - 1.0, n * (n - 1.0)];
        let mut row = [1.0, basis[0], basis[1]];
        for (place, value) in held.iter().enumerate() {
            if let Some(value) = value {
                row[0] += value * basis[place];
                row[place + 1] = 0.0;
            }
        }
        normal.add(row.map(|part| part * weight), y * weight);
    }
    let [one, alpha, beta] = normal.solve(0.0)?;
    let start = |part: f64| (part / one).clamp(0.0, 1.0);
    (one > 0.0).then(|| (held[0].unwrap_or(start(alpha)), held[1].unwrap_or(start(beta))))
}

/// Levenberg and Marquardt: from `law` downhill, with what is `held` kept. It may leave the bounds.
fn descend(points: &[Measured], law: Law, held: [Option<f64>; 2]) -> Option<Law> {
    let mut law = law;
    let mut squares = law.squares(points);
    let mut damping = 1e-3;
    for _ in 0..MOST_STEPS {
        let mut normal = Normal::default();
        for (n, x) in points {
            let below = denominator(law.alpha, law.beta, *n);
            let by_alpha = -law.at(*n) * (n - 1.0) / below;
            let row = [
                n / below,
                if held[0].is_some() { 0.0 } else { by_alpha },
                if held[1].is_some() { 0.0 } else { by_alpha * n },
            ];
            normal.add(row, x - law.at(*n));
        }
        let step = normal.solve(damping)?;
        let next = Law {
            gamma: law.gamma + step[0],
            alpha: law.alpha + step[1],
            beta: law.beta + step[2],
        };
        let possible = points.iter().all(|(n, _)| denominator(next.alpha, next.beta, *n) > 0.0);
        let missed = next.squares(points);
        if possible && next.gamma >= 0.0 && missed <= squares {
            let gain = squares - missed;
            (law, squares) = (next, missed);
            damping *= 0.2;
            if gain <= NO_GAIN * squares || squares <= f64::MIN_POSITIVE {
                break;
            }
        } else {
            damping *= 4.0;
            if damping > 1e12 {
                break;
            }
        }
    }
    squares.is_finite().then_some(law)
}

/// The normal equations of least squares in three unknowns.
#[derive(Debug, Default)]
struct Normal {
    matrix: [[f64; 3]; 3],
    right: [f64; 3],
}

impl Normal {
    fn add(&mut self, row: [f64; 3], value: f64) {
        for (i, left) in row.iter().enumerate() {
            for (j, other) in row.iter().enumerate() {
                self.matrix[i][j] += left * other;
            }
            self.right[i] += left * value;
        }
    }

    /// By Gauss's elimination, with the diagonal raised by a share of itself. An unknown that appears nowhere comes out as 0.
    fn solve(&self, damping: f64) -> Option<[f64; 3]> {
        let (mut matrix, mut right) = (self.matrix, self.right);
        for (place, row) in matrix.iter_mut().enumerate() {
            row[place] = if row[place] == 0.0 { 1.0 } else { row[place] * (1.0 + damping) };
        }
        // The numbers differ by powers of ten, so each is measured by its own size.
        let size: [f64; 3] = std::array::from_fn(|place| matrix[place][place].sqrt());
        for i in 0..3 {
            for j in 0..3 {
                matrix[i][j] /= size[i] * size[j];
            }
            right[i] /= size[i];
        }
        for pivot in 0..3 {
            // The matrix is positive definite, so its diagonal is the largest that is left.
            if matrix[pivot][pivot] <= 1e-14 {
                return None;
            }
            for below in pivot + 1..3 {
                let factor = matrix[below][pivot] / matrix[pivot][pivot];
                let upper = matrix[pivot];
                for (part, above) in matrix[below].iter_mut().zip(upper) {
                    *part -= factor * above;
                }
                right[below] -= factor * right[pivot];
            }
        }
        let mut solution = [0.0; 3];
        for place in (0..3).rev() {
            let known: f64 = (place + 1..3).map(|j| matrix[place][j] * solution[j]).sum();
            solution[place] = (right[place] - known) / matrix[place][place];
        }
        let solution: [f64; 3] = std::array::from_fn(|place| solution[place] / size[place]);
        solution.iter().all(|part| part.is_finite()).then_some(solution)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The numbers of the R package `usl`, and what it makes of them.
    pub(in crate::scalability) const SPECSDM91: [Measured; 7] = [
        (1.0, 64.9),
        (18.0, 995.9),
        (36.0, 1652.4),
        (72.0, 1853.2),
        (108.0, 1828.9),
        (144.0, 1775.0),
        (216.0, 1702.2),
    ];
    const RAYTRACER: [Measured; 11] = [
        (1.0, 20.0),
        (4.0, 78.0),
        (8.0, 130.0),
        (12.0, 170.0),
        (16.0, 190.0),
        (20.0, 200.0),
        (24.0, 210.0),
        (28.0, 230.0),
        (32.0, 260.0),
        (48.0, 280.0),
        (64.0, 310.0),
    ];

    fn near(value: f64, known: f64) {
        assert!((value - known).abs() <= 1e-3 * known.abs(), "{value} is not {known}");
    }

    #[test]
    fn specsdm91_comes_out_as_in_r() {
        let law = Law::fit(&SPECSDM91).unwrap();
        near(law.alpha, 0.027_728_5);
        near(law.beta, 1.044e-4);
        near(law.gamma, 89.9952);
        let (n, x) = law.peak().unwrap();
        near(n, 96.52);
        near(x, 1884.0);
    }

    #[test]
    fn raytracer_comes_out_as_in_r_with_beta_on_its_bound() {
        let law = Law::fit(&RAYTRACER).unwrap();
        near(law.alpha, 0.0578);
        assert_eq!((law.beta, law.peak()), (0.0, None));
        near(law.gamma, 21.8488);
        let law = Law::fit(&RAYTRACER[..6]).unwrap();
        near(law.alpha, 0.02444);
        // It is given in three digits.
        assert!((law.beta - 0.00163).abs() < 5e-6, "{law:?}");
        near(law.gamma, 20.856_05);
    }

    /// Points without any law, whose best within the bounds lies on an edge (β = 1) although there is a valley within.
    #[test]
    fn the_better_of_two_valleys_is_found() {
        let xs =
            [31.124_675, 11.461_671, 86.249_52, 76.467_92, 91.978_858, 0.0, 17.454_112, 98.327_671];
        let points: Vec<Measured> = (0..).map(|at| f64::from(1 << at)).zip(xs).collect();
        let law = Law::fit(&points).unwrap();
        let on_the_edge = with_best_gamma(&points, 0.537_761, 1.0);
        assert!(law.squares(&points) <= on_the_edge.squares(&points), "{law:?}");
    }

    #[test]
    fn what_is_no_curve_has_no_law() {
        assert_eq!(Law::fit(&[]), None);
        assert_eq!(Law::fit(&[(1.0, 2.0), (1.0, 3.0), (2.0, 4.0)]), None);
        assert_eq!(Law::fit(&[(1.0, 0.0), (2.0, 0.0), (3.0, 0.0)]), None);
        assert_eq!(Law::fit(&[(1.0, 1.0), (2.0, f64::NAN), (3.0, 1.0)]), None);
    }

    proptest! {
        /// A point on the bounds, or anywhere within, is found again from what it gives.
        #[test]
        fn a_law_is_found_again(
            gamma in 0.01..1e5_f64,
            alpha in prop_oneof![Just(0.0), 0.0..0.5_f64],
            beta in prop_oneof![Just(0.0), 1e-6..1e-2_f64],
        ) {
            let law = Law { gamma, alpha, beta };
            let points: Vec<Measured> =
                [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0].map(|n| (n, law.at(n))).to_vec();
            let found = Law::fit(&points).unwrap();
            let is_near = |one: f64, other: f64| (one - other).abs() <= 1e-4 * other.abs() + 1e-7;
            prop_assert!(is_near(found.gamma, gamma), "{found:?}");
            prop_assert!(is_near(found.alpha, alpha), "{found:?}");
            prop_assert!(is_near(found.beta, beta), "{found:?}");
        }

        /// Whatever the points, nothing within the bounds that is tried beside it misses them less.
        #[test]
        fn no_law_within_the_bounds_is_better(
            xs in proptest::collection::vec(0.0..100.0_f64, 4..9),
            alpha in 0.0..=1.0_f64,
            log_beta in -8.0..=0.0_f64,
        ) {
            let points: Vec<Measured> =
                xs.iter().enumerate().map(|(at, x)| (f64::from(1 << at), *x)).collect();
            if let Some(law) = Law::fit(&points) {
                prop_assert!((0.0..=1.0).contains(&law.alpha) && (0.0..=1.0).contains(&law.beta));
                prop_assert!(law.gamma >= 0.0);
                let mut beside = vec![with_best_gamma(&points, alpha, 10_f64.powf(log_beta))];
                beside.push(with_best_gamma(&points, alpha, 0.0));
                for other in beside {
                    prop_assert!(law.squares(&points) <= other.squares(&points) * (1.0 + 1e-6) + 1e-12);
                }
            }
        }
    }
}
