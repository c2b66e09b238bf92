//! The sentence at the end. Duty: name the fastest only where there is one. Limit: it computes nothing.

use super::{Entry, RaceInfo};

pub(super) fn conclude(_about: &RaceInfo, entries: &[Entry]) -> String {
    match entries.first() {
        Some(first) if first.is_ranked() => format!("fastest: {}", first.contender.model),
        _ => "no model finished the work".to_owned(),
    }
}
