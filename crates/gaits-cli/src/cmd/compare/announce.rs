//! What is said before a race starts, and when it ends before its time.

use crate::talk;
use gaits::{Entrant, Extent, Race, RacedHost, Refusal, units};

/// As many hosts are named.
const NAMED: usize = 3;

/// Says what is about to happen: to whom, how much, and for how long.
pub(super) fn announce(race: &Race, hosts: &[RacedHost], question: Option<&str>) {
    if let Some(question) = question {
        talk::line(&format!("gaits: {question}"));
    }
    let is_model = |entrant: &&Entrant| matches!(entrant, Entrant::Model(_));
    let models = race.entrants.iter().filter(is_model).count();
    let programs = race.entrants.len() - models;
    let mut what = vec![race.subject.about.clone()];
    if models > 0 {
        what.push(counted(race.subject.count, "item"));
        what.push(counted(models as u64, "model"));
        if programs > 0 {
            what.push(counted(programs as u64, "program"));
        }
    }
    let what = what.join(", ");
    talk::line(&format!("gaits: {what}, {}, seed {}", extent(race.extent), race.seed));
    if programs > 0 {
        talk::line("gaits: what the programs do, and to whom, is theirs to know");
    }
    let names: Vec<_> = hosts.iter().take(NAMED).map(|host| host.name.as_str()).collect();
    if names.is_empty() {
        return;
    }
    let others = match hosts.len() - names.len() {
        0 => String::new(),
        others => format!(" and {} other hosts", units::count(others as u64)),
    };
    let requests = match (race.most_items, race.extent) {
        (_, Extent::Rounds(rounds)) => {
            units::count(race.items_of(u64::from(rounds) + 1, race.subject.count))
        }
        (Some(most), Extent::Budget(_)) => format!("at most {}", units::count(most)),
        (None, Extent::Budget(_)) => "as many as there is time for,".to_owned(),
    };
    talk::line(&format!(
        "gaits: requests to {}{others}: {}",
        names.join(", "),
        requests.trim_end_matches(',')
    ));
}

fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", units::count(number))
}

fn extent(extent: Extent) -> String {
    match extent {
        Extent::Rounds(1) => "1 round after one to warm up".to_owned(),
        Extent::Rounds(rounds) => format!("{rounds} rounds after one to warm up"),
        Extent::Budget(budget) => {
            let us = u64::try_from(budget.as_micros()).unwrap_or(u64::MAX);
            format!("for {} at most", units::duration(us))
        }
    }
}

/// That a server has asked to be left alone.
pub(super) fn refusal(why: &Refusal) -> String {
    format!(
        "gaits: {} was answered with status {} under {}, so the race has ended: the server wants fewer requests. \
         Race on fewer items, or with fewer in flight (-c N)",
        why.item, why.status, why.model
    )
}
