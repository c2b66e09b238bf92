//! One program against the others of its race.

use super::{Bound, Table, Target, median};
use crate::race::{Lap, Row};
use crate::stats::Spread;

/// The first row's requests a second over those of each other row, and the same of the processor time of a request.
pub(crate) fn ratios(rows: &[Row]) -> Table {
    let mut table = Table::new([
        "against",
        "median ratio",
        "95 % interval",
        "range",
        "rounds",
        "gaits is",
        "CPU a request",
    ]);
    let Some((first, others)) = rows.split_first() else { return table };
    for other in others {
        let show = |(low, high): (f64, f64)| format!("{low:.2}–{high:.2}");
        let cells = match first.over(other, Lap::rate) {
            Some(spread) => vec![
                format!("{:.2}", spread.median),
                spread.interval.map_or("too few rounds".into(), show),
                show((spread.min, spread.max)),
                spread.count.to_string(),
                spread.speed().into(),
                median(first.over(other, Lap::cpu_us), |ratio| format!("{ratio:.2}")),
            ],
            None => vec!["not measured".into()],
        };
        table.push([vec![other.name.clone()], cells].concat());
    }
    table
}

/// The first row's requests a second are to be at least `limit` times those of the row whose name begins with `peer`.
pub(crate) fn rate_target(rows: &[Row], what: &str, peer: &str, limit: f64) -> Target {
    let what = format!("{what}, requests/s over those of {peer}");
    Target::new(what, Bound::AtLeast(limit), "", against(rows, peer, Lap::rate))
}

/// How a figure of the first row over that of another spread; the other is the first whose name begins with `peer`.
pub(crate) fn against(
    rows: &[Row],
    peer: &str,
    figure: impl Fn(&Lap) -> f64,
) -> Result<Spread, String> {
    let first = rows.first().ok_or("nothing was raced")?;
    let other = rows.iter().skip(1).find(|row| row.name.starts_with(peer));
    let other = other.ok_or_else(|| format!("{peer} was left out"))?;
    for row in [first, other] {
        if let Some(trouble) = &row.trouble {
            return Err(format!("{}: {trouble}", row.name));
        }
    }
    first.over(other, figure).ok_or_else(|| "nothing was counted".into())
}
