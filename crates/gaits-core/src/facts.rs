//! What goes with an item of that which its work has made of it.

use crate::Data;
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// What a work makes of an item, in the form in which it goes with the item.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemFacts {
    /// Stands for [`Facts::pacing_key`](crate::Facts::pacing_key).
    pub key: PacingKey,
    /// As [`Facts::public`](crate::Facts::public).
    pub public: bool,
    /// As [`Facts::repeatable`](crate::Facts::repeatable).
    pub repeatable: bool,
    /// As [`Facts::shown`](crate::Facts::shown).
    pub shown: Option<Box<Data>>,
}

/// Stands for a pacing key: its hash, since a list may name millions of them.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
pub struct PacingKey(u64);

impl PacingKey {
    /// Of a key as [`Facts::pacing_key`](crate::Facts::pacing_key) has it.
    #[must_use]
    pub fn of(key: &str) -> Self {
        if key.is_empty() {
            return Self::default();
        }
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        Self(hasher.finish())
    }
}
