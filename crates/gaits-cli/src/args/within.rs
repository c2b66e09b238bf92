//! Numbers within bounds, and what is said of others.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The largest seed: JSON readers that hold numbers in floats know all up to here apart.
const LARGEST_SEED: u64 = (1 << 53) - 1;

/// Takes the whole numbers in `range`.
pub(super) fn within<T>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        let (least, most) = (range.start(), range.end());
        number.ok_or_else(|| format!("`{text}` is not a whole number from {least} to {most}"))
    }
}

/// What random numbers are drawn from.
pub(super) fn seed(text: &str) -> Result<u64, String> {
    within(0..=LARGEST_SEED)(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroUsize;

    #[test]
    fn a_number_beyond_a_bound_is_told_the_bounds() {
        let to_ten = within(1..=10_u32);
        assert_eq!([to_ten("1"), to_ten("10")], [Ok(1), Ok(10)]);
        for text in ["0", "11", "-1", "x", "", "1.5"] {
            let why = format!("`{text}` is not a whole number from 1 to 10");
            assert_eq!(to_ten(text), Err(why));
        }
        assert!(within(NonZeroUsize::MIN..=NonZeroUsize::MAX)("0").is_err());
        assert_eq!(seed("9007199254740991"), Ok(LARGEST_SEED));
        assert!(seed("9007199254740992").is_err());
    }
}
