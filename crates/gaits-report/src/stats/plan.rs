//! How many more rounds would tell what these could not.

use super::pairs::Pairs;
use super::{More, Relation, relations};

/// No more rounds than this are looked ahead.
const FURTHEST: usize = 1_000;

/// So many standard errors are kept in hand: the rounds that are named then suffice in four of five races, if means and
/// noise are what they seem to be. The 80th percentile of the normal distribution.
const SPARE: f64 = 0.8416;

/// For each model, how many more rounds would tell how it stands; none for those that are told already.
pub(super) fn more_rounds(
    pairs: &Pairs,
    now: &[Relation],
    confidence: f64,
    margin: f64,
) -> Vec<Option<More>> {
    let is_told = |model: usize, more: usize| {
        let bounds = pairs.foresee(pairs.rounds() + more, confidence, SPARE);
        relations(&bounds, margin)[model] != Relation::Undecided
    };
    let needed = |(model, relation): (usize, &Relation)| {
        (*relation == Relation::Undecided).then(|| {
            if !is_told(model, FURTHEST) {
                return More::MoreThan(FURTHEST);
            }
            // intervals only become narrower with more rounds, so what is told stays told
            let (mut too_few, mut enough) = (0, FURTHEST);
            while enough - too_few > 1 {
                let middle = usize::midpoint(too_few, enough);
                *(if is_told(model, middle) { &mut enough } else { &mut too_few }) = middle;
            }
            More::About(enough)
        })
    };
    now.iter().enumerate().map(needed).collect()
}
