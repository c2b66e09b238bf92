//! Items that come out of the answers to others: the next page of a listing.
//!
//! They stand in no input, and still need an index that is the same in each run. So the indices below 2³² belong to the
//! input, and the item that comes `steps` after the one at `root` has `steps` · 2³² + `root`. All of them are below 2⁵³, up to
//! which every reader of JSON can tell two numbers apart.

/// So many items an input can have, where items come out of answers.
const ROOTS: u64 = 1 << 32;

/// So many items can follow one of the input.
pub const MOST_STEPS: u64 = (1 << 21) - 1;

/// The index of the item that comes `steps` after the one at `root` of the input; none if there is no such index.
#[must_use]
pub const fn follower(root: u64, steps: u64) -> Option<u64> {
    if root < ROOTS && steps <= MOST_STEPS { Some(steps * ROOTS + root) } else { None }
}

/// The index of the item of the input that the item at `index` comes from, and how many steps it is away from it. An item of
/// the input comes from itself, with no step.
#[must_use]
pub const fn root_and_steps(index: u64) -> (u64, u64) {
    (index % ROOTS, index / ROOTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_tells_where_it_comes_from() {
        for (root, steps) in [(0, 0), (7, 0), (0, 1), (7, 3), (ROOTS - 1, MOST_STEPS)] {
            let index = follower(root, steps).unwrap();
            assert_eq!(root_and_steps(index), (root, steps));
            assert!(index < 1 << 53, "a reader of JSON may hold it in a float");
        }
        assert_eq!(follower(5, 0), Some(5), "the input's own items keep their numbers");
        assert_eq!((follower(ROOTS, 0), follower(0, MOST_STEPS + 1)), (None, None));
    }
}
