//! What is said before a race starts.

use crate::cmd::trials::{at_most, for_at_most, requests};
use crate::talk;
use gaits::{Extent, Race, RacedHost, units};

/// Says what is about to happen: to whom, how much, and for how long.
pub(super) fn announce(race: &Race, hosts: &[RacedHost], question: Option<&str>) {
    if let Some(question) = question {
        talk::line(&format!("gaits: {question}"));
    }
    let items = if race.subject.count == 1 { "item" } else { "items" };
    let models = if race.models.len() == 1 { "model" } else { "models" };
    talk::line(&format!(
        "gaits: {}, {} {items}, {} {models}, {}, seed {}",
        race.subject.about,
        units::count(race.subject.count),
        race.models.len(),
        extent(race.extent),
        race.seed
    ));
    let how_many = match race.extent {
        Extent::Rounds(rounds) => {
            units::count(race.items_of(u64::from(rounds) + 1, race.subject.count))
        }
        Extent::Budget(_) => at_most(race.most_items),
    };
    requests(hosts, &how_many);
}

fn extent(extent: Extent) -> String {
    match extent {
        Extent::Rounds(1) => "1 round after one to warm up".to_owned(),
        Extent::Rounds(rounds) => format!("{rounds} rounds after one to warm up"),
        Extent::Budget(budget) => for_at_most(budget),
    }
}
