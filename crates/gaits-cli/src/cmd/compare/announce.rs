//! What is said before a race starts.

use crate::cmd::trials::{at_most, for_at_most, requests};
use crate::talk;
use gaits::{Entrant, Extent, Race, RacedHost, units};

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
    talk::line(&format!("gaits: {what}, {}, seed {}", extent(race), race.seed));
    if programs > 0 {
        talk::line("gaits: what the programs send, and to whom, gaits neither knows nor limits");
    }
    let how_many = match race.extent {
        Extent::Rounds(rounds) => units::count(race.items_of_all(rounds.into())),
        Extent::Budget(_) => at_most(race.most_items),
    };
    requests(hosts, &how_many);
}

fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", units::count(number))
}

fn extent(race: &Race) -> String {
    match race.extent {
        Extent::Rounds(rounds) => {
            let warm_ups = match race.warm_ups() {
                1 => "one".to_owned(),
                several => several.to_string(),
            };
            format!("{} after {warm_ups} to warm up", counted(rounds.into(), "round"))
        }
        Extent::Budget(budget) => for_at_most(budget),
    }
}
