//! Quantiles of Student's t. The numbers come from the statrs crate; `tests/data/` has those of `SciPy` to hold them against.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The value that Student's t with `freedom` degrees of freedom stays below with probability `p`.
pub(super) fn student_t(p: f64, freedom: f64) -> f64 {
    match StudentsT::new(0.0, 1.0, freedom) {
        Ok(t) => t.inverse_cdf(p),
        Err(error) => unreachable!("{freedom} degrees of freedom: {error}"),
    }
}

/// How many standard errors an interval reaches to either side, so that all of `comparisons` intervals hold together
/// with probability `confidence`: Bonferroni's bound, which holds however the comparisons depend on each other.
pub(super) fn simultaneous(confidence: f64, comparisons: usize, freedom: f64) -> f64 {
    let beyond = (1.0 - confidence) / (2.0 * comparisons.max(1) as f64);
    student_t(1.0 - beyond, freedom)
}
