//! Answers that pause a host: how late the last request to it starts after such an answer was sent.

use super::{Job, Session, list};
use crate::clients::gaits;
use crate::report::{self, Bound, Section, Table, Target};
use crate::server::{Access, Origin};
use crate::stats::Spread;
use crate::tools::GAITS;
use anyhow::{Context, Result};
use std::collections::BTreeMap;

/// Every kind of model.
const MODELS: [&str; 8] = [
    "sequential",
    "threads:8",
    "processes:4",
    "async:50",
    "threads:2/async:25",
    "processes:2/async:25",
    "processes:2/threads:8",
    "async:50/threads:2",
];

/// So many origins, each of which is a host of its own.
const HOSTS: u64 = 8;

/// Requests a model makes in a round.
const COUNT: u64 = 8_000;

/// A round takes as long as its pauses: so many at most, without a warm-up.
const ROUNDS: usize = 3;

/// The share of answers that pause the host, and for how long.
const FAULTS: [&str; 4] = ["--fault", "429:0.01", "--retry-after", "1"];

/// A request that starts within so many seconds after a pausing answer starts in its pause. The pause lasts a second; its
/// end is left out, so that a request right after it is never taken for a late one.
const PAUSE: f64 = 0.98;

/// The latest that a request may start, in milliseconds.
const LIMIT_MS: f64 = 10.0;

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    let count = session.scaled(COUNT, 1);
    let title = "how late the last request to a host starts after an answer that pauses it";
    let mut section = Section::new(Job::Pause.name(), title);
    section.about = vec![
        format!("{} requests a round over {HOSTS} hosts, each a `gaits origin` that answers one in a hundred with 429 and", report::thousands(count as f64)),
        "`Retry-After: 1`. Lateness: from when such an answer was sent until the last head of a request to that host was read".into(),
        "within the pause, by the origin's access log; nothing if none came. So it holds the answer's way to the client, and".into(),
        format!("what the machine's other work delays. At most {ROUNDS} rounds, without a warm-up."),
    ];
    let folder = tempfile::Builder::new()
        .prefix("origins")
        .tempdir_in(session.track.folder)
        .context("failed to make a folder")?;
    let start = |host: u64| {
        let log = folder.path().join(format!("access-{host}"));
        let seed = host.to_string();
        let options = [FAULTS.as_slice(), &["--seed", &seed]].concat();
        Origin::start(&session.tools.gaits.path, 0, log, &options)
    };
    let origins = (0..HOSTS).map(start).collect::<Result<Vec<_>>>()?;
    let mut entrants = Vec::new();
    let mut lists = Vec::new();
    for (place, model) in MODELS.iter().enumerate() {
        let url = |number: u64| {
            let origin = &origins[(number % HOSTS) as usize];
            format!("{}/bytes/50?{place}={number}", origin.url())
        };
        let urls = list(session, (0..count).map(url))?;
        entrants.push(gaits::fetch_file(&session.tools.gaits, model, urls.path(), count, &[]));
        lists.push(urls);
    }
    let rounds = session.track.rounds;
    session.track.rounds = rounds.min(ROUNDS);
    let rows = session.track.race(Job::Pause.name(), entrants, None, false);
    session.track.rounds = rounds;
    let rows = rows?;
    let mut late = BTreeMap::new();
    for origin in origins {
        for (place, requests) in by_model(origin.finish()?) {
            late.entry(place).or_insert_with(Vec::new).extend(lateness(&requests));
        }
    }
    let mut table = Table::new([
        "program",
        "pausing answers",
        "p50 ms",
        "p90 ms",
        "p99 ms",
        "max ms",
        "seconds",
    ]);
    for (place, row) in rows.iter().enumerate() {
        let mut late = late.remove(&place).unwrap_or_default();
        late.sort_by(f64::total_cmp);
        let most = late.last().copied();
        let at = |thousandths| quantile(&late, thousandths).map_or("–".into(), report::digits);
        let mut cells = vec![row.name.clone(), late.len().to_string()];
        cells.extend([500, 900, 990, 1000].map(at));
        cells.push(report::spread(row.spread(|lap| Some(lap.wall)), report::seconds));
        table.push(cells);
        let measured = match &row.trouble {
            Some(trouble) => Err(trouble.clone()),
            None => {
                most.and_then(|most| Spread::of(&[most])).ok_or_else(|| "nothing was paused".into())
            }
        };
        section.targets.push(Target::new(
            format!("{GAITS} {}, the latest start in a pause", MODELS[place]),
            Bound::AtMost(LIMIT_MS),
            " ms",
            measured,
        ));
    }
    section.tables.push(("Lateness over all rounds:".into(), table));
    section.tell(Job::Pause.name(), rows);
    Ok(section)
}

/// A host's requests by the place of the model that made them, which their query begins with.
fn by_model(requests: Vec<Access>) -> BTreeMap<usize, Vec<Access>> {
    let mut models = BTreeMap::<usize, Vec<Access>>::new();
    for request in requests {
        let query = request.path.split_once('?').and_then(|(_, query)| query.split_once('='));
        if let Some(place) = query.and_then(|(place, _)| place.parse().ok()) {
            models.entry(place).or_default().push(request);
        }
    }
    models
}

/// For each answer that paused the host, the milliseconds until the last request that was started in its pause.
fn lateness(requests: &[Access]) -> Vec<f64> {
    let mut began: Vec<f64> = requests.iter().map(|request| request.began).collect();
    began.sort_by(f64::total_cmp);
    let pausing = requests.iter().filter(|request| request.status == Some(429));
    let late = |answer: &Access| {
        let sent = answer.ended();
        let before_end = began.partition_point(|began| *began < sent + PAUSE);
        let last = before_end.checked_sub(1).map_or(sent, |last| began[last]);
        (last - sent).max(0.0) * 1e3
    };
    pausing.map(late).collect()
}

/// The value below or at which so many thousandths of the sorted values lie.
fn quantile(sorted: &[f64], thousandths: usize) -> Option<f64> {
    let rank = (sorted.len() * thousandths).div_ceil(1000);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Ending;

    fn request(began: f64, status: u16) -> Access {
        let path = "/bytes/50?3=1".into();
        Access { began, path, status: Some(status), duration_us: 1e3, outcome: Ending::Sent }
    }

    #[test]
    fn only_what_starts_within_the_pause_is_late() {
        let requests = [
            request(99.0, 200),
            request(100.0, 429),
            request(100.0005, 200),
            request(100.004, 200),
            request(101.2, 429),
        ];
        let late = lateness(&requests);
        assert!((late[0] - 3.0).abs() < 1e-3 && late[1] < 1e-9, "{late:?}");
        assert_eq!(by_model(requests.into())[&3].len(), 5);
    }

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(
            [500, 900, 1000].map(|share| quantile(&values, share)),
            [Some(2.0), Some(4.0), Some(4.0)]
        );
        assert_eq!(quantile(&[], 500), None);
    }
}
