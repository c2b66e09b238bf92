//! One program against the others of its race.

use super::{Bound, Table, Target, median, spread};
use crate::race::{Lap, Row};
use crate::stats::{self, Spread};
use crate::tools::{BASELINE, GAITS};

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

/// What gaits does over what the baseline does, for each thing that both do in a race; empty without a baseline.
pub(crate) fn over_baseline(rows: &[Row]) -> Table {
    let mut table = Table::new([
        "gaits over the baseline",
        "items/s",
        "95 % interval",
        "rounds",
        "gaits is",
        "CPU an item",
        "peak memory",
    ]);
    for row in rows {
        let Some(what) = row.name.strip_prefix(GAITS) else { continue };
        let before = rows.iter().find(|other| other.name.strip_prefix(BASELINE) == Some(what));
        let Some((before, rate)) =
            before.and_then(|before| Some((before, row.over(before, Lap::rate)?)))
        else {
            continue;
        };
        let ratio = |ratio: f64| format!("{ratio:.3}");
        table.push(vec![
            what.trim().to_owned(),
            ratio(rate.median),
            rate.interval.map_or("too few rounds".into(), |(low, high)| {
                format!("{}–{}", ratio(low), ratio(high))
            }),
            rate.count.to_string(),
            rate.speed().into(),
            spread(row.over(before, Lap::cpu_us), ratio),
            spread(row.over_if(before, |lap| lap.memory.peak()), ratio),
        ]);
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

/// How a ratio of two rows' figures, over the same ratio of two other rows, spread round by round. Each row is given by its name.
pub(crate) fn over_ratio(
    rows: &[Row],
    (first, second): (&str, &str),
    (third, fourth): (&str, &str),
    figure: impl Fn(&Lap) -> f64,
) -> Result<Spread, String> {
    let rates = |name: &str| {
        let row = rows.iter().find(|row| row.name == name);
        let row = row.ok_or_else(|| format!("{name} was left out"))?;
        row.measured(|lap| Some(figure(lap)))?;
        Ok::<_, String>(row.by_round(|lap| Some(figure(lap))))
    };
    let ratio = |over: &str, under: &str| {
        let pairs = rates(over)?.into_iter().zip(rates(under)?);
        Ok::<_, String>(pairs.map(|(over, under)| Some(over? / under?)).collect::<Vec<_>>())
    };
    let ratios = stats::ratios(&ratio(first, second)?, &ratio(third, fourth)?);
    Spread::of(&ratios).ok_or_else(|| "nothing was counted".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contender::Clock;
    use crate::watch::Memory;

    fn row(name: &str, seconds: f64) -> Row {
        let lap = || Lap {
            done: 10,
            wall: seconds,
            own_wall: None,
            seconds,
            cpu: seconds,
            memory: Memory { main_peak: 1, tree_peak: 1, timeline: Vec::new() },
            connections: None,
            server_seconds: None,
            thread: None,
        };
        Row {
            name: name.into(),
            command: String::new(),
            clock: Clock::Whole,
            laps: (0..6).map(|_| Some(lap())).collect(),
            trouble: None,
        }
    }

    #[test]
    fn what_both_builds_did_is_compared() {
        let rows = [
            row("gaits async:1", 1.0),
            row("gaits sequential", 1.0),
            row("baseline async:1", 2.0),
            row("oha -c 1", 3.0),
        ];
        let table = over_baseline(&rows).to_string();
        assert_eq!(table.lines().count(), 3);
        assert!(
            table.contains("| async:1 ") && table.contains(" 2.000 ") && table.contains("faster")
        );
        assert!(over_baseline(&rows[..2]).is_empty());
    }

    #[test]
    fn a_peer_is_found_by_the_beginning_of_its_name() {
        let mut rows = vec![row("gaits async:1", 1.0), row("oha -c 1", 2.0)];
        let ratio = against(&rows, "oha", Lap::rate).unwrap();
        assert!((ratio.median - 2.0).abs() < 1e-9);
        assert!(against(&rows, "wrk", Lap::rate).unwrap_err().contains("left out"));
        rows[1].trouble = Some("skipped: not there".into());
        assert!(against(&rows, "oha", Lap::rate).unwrap_err().contains("not there"));
    }
    #[test]
    fn what_one_ratio_is_over_another_needs_all_four_rows() {
        let rows = [row("a", 2.0), row("b", 1.0), row("c", 4.0), row("d", 1.0)];
        let ratio = over_ratio(&rows, ("a", "b"), ("c", "d"), Lap::rate).unwrap();
        assert!((ratio.median - 2.0).abs() < 1e-9);
        let missing = over_ratio(&rows[..3], ("a", "b"), ("c", "d"), Lap::rate).unwrap_err();
        assert!(missing.contains("d was left out"), "{missing}");
    }
}
