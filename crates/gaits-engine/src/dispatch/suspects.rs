//! Finds the item that kills its workers, among those that were at work when one of them died.
//!
//! A worker process takes all that it has in flight with it when it dies. What it had started is tried again by halves:
//! one group at a time, in one process that does nothing else meanwhile, while all other items go on in the others. A
//! group that is done is cleared; one whose process dies as well is halved again. So one killer among n items is found
//! after log2 n further deaths, a process that was killed from outside costs two rounds, and only a death *alone* is
//! counted against an item.
//!
//! Limit: keeps groups and tells which is next; it hands nothing out, and judges nothing.

use gaits_core::{Item, PacingKey};
use std::collections::HashSet;

/// The items that are not done yet because a worker died while it was at them.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    /// Groups that wait; the last one is the next that may be.
    groups: Vec<Group>,
    /// The indices of those that are out.
    out: HashSet<u64>,
    /// How many groups have been handed out.
    trials: u64,
}

/// Suspects that are tried together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) items: Vec<Item>,
    /// From when on their keys allow that, in microseconds since the run began, once that was asked.
    pub(super) from_us: Option<u64>,
}

impl Group {
    fn of(items: Vec<Item>) -> Self {
        Self { items, from_us: None }
    }
}

impl Suspects {
    /// Takes what a dead worker had started; more than one item makes two groups.
    pub(super) fn accuse(&mut self, mut items: Vec<Item>) {
        for item in &mut items {
            self.out.remove(&item.index);
            // What is put back of their last trial does not join them.
            item.trial = 0;
        }
        items.sort_unstable_by_key(|item| item.index);
        let rest = items.split_off(items.len().div_ceil(2));
        // The first half is the next.
        let halves = [rest, items].into_iter().filter(|items| !items.is_empty());
        self.groups.extend(halves.map(Group::of));
    }

    /// Takes an item back that was not started; those of one trial stay together.
    pub(super) fn put_back(&mut self, item: Item) {
        self.out.remove(&item.index);
        match self.groups.last_mut() {
            Some(Group { items, .. })
                if items.first().is_some_and(|first| first.trial == item.trial) =>
            {
                items.push(item);
            }
            _ => self.groups.push(Group::of(vec![item])),
        }
    }

    /// The item at `index` is done.
    pub(super) fn done(&mut self, index: u64) {
        if !self.out.is_empty() {
            self.out.remove(&index);
        }
    }

    /// The groups of which one may be the next: none while one is out.
    pub(super) fn next_groups(&self) -> impl Iterator<Item = &Group> {
        let groups = if self.out.is_empty() { &self.groups[..] } else { &[] };
        groups.iter()
    }

    /// The next group that `may` be started, if none is out: to be done by one worker process, with nothing else beside it.
    pub(super) fn next(&mut self, mut may: impl FnMut(&mut Group) -> bool) -> Option<Vec<Item>> {
        if !self.out.is_empty() {
            return None;
        }
        let at = (0..self.groups.len()).rev().find(|at| may(&mut self.groups[*at]))?;
        let mut items = self.groups.remove(at).items;
        self.trials += 1;
        for item in &mut items {
            item.trial = self.trials;
            self.out.insert(item.index);
        }
        Some(items)
    }

    /// Takes out those that wait and are of the pacing key `id`.
    pub(super) fn take(&mut self, id: PacingKey) -> Vec<Item> {
        let mut taken = Vec::new();
        for group in &mut self.groups {
            taken.extend(group.items.extract_if(.., |item| item.key == id));
        }
        self.groups.retain(|group| !group.items.is_empty());
        taken
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.groups.iter().map(|group| group.items.len()).sum()
    }

    /// Forgets those that wait, and tells how many those were.
    pub(super) fn clear(&mut self) -> usize {
        let waiting = self.waiting();
        self.groups.clear();
        waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn items(count: u64) -> Vec<Item> {
        (0..count).map(|index| Item::new(index, "x")).collect()
    }

    /// All may be started.
    fn any(_: &mut Group) -> bool {
        true
    }

    /// Tries all groups, where a worker dies at the first of `killers` that it starts with all before it started; tells how
    /// often one died, and which items died alone.
    fn try_all(mut suspects: Suspects, killers: &[u64]) -> (usize, Vec<u64>, Vec<u64>) {
        let (mut deaths, mut alone, mut done) = (0, Vec::new(), Vec::new());
        while let Some(group) = suspects.next(any) {
            assert!(suspects.next(any).is_none(), "one at a time");
            if group.iter().all(|item| !killers.contains(&item.index)) {
                for item in group {
                    suspects.done(item.index);
                    done.push(item.index);
                }
                continue;
            }
            deaths += 1;
            if let [item] = &*group {
                alone.push(item.index);
                suspects.done(item.index);
            } else {
                suspects.accuse(group);
            }
        }
        (deaths, alone, done)
    }

    #[test]
    fn a_death_from_outside_costs_two_groups() {
        let mut suspects = Suspects::default();
        suspects.accuse(items(200));
        assert_eq!(suspects.waiting(), 200);
        let first = suspects.next(any).unwrap();
        assert_eq!((first.len(), first[0].index), (100, 0));
        let first_trial = first[0].trial;
        for item in first {
            suspects.done(item.index);
        }
        let second = suspects.next(any).unwrap();
        assert_eq!((second.len(), second[0].index), (100, 100));
        assert_ne!(second[0].trial, first_trial);
        for item in second {
            suspects.done(item.index);
        }
        assert!(suspects.next(any).is_none());
    }

    #[test]
    fn a_group_that_comes_back_item_by_item_stays_together() {
        let mut suspects = Suspects::default();
        suspects.accuse(items(200));
        for item in suspects.next(any).unwrap() {
            suspects.put_back(item);
        }
        assert_eq!(suspects.next(any).map(|group| group.len()), Some(100));
    }

    #[test]
    fn a_group_that_has_to_wait_holds_up_no_other_and_a_key_can_be_taken_out() {
        let mut suspects = Suspects::default();
        let of = |index, key| Item { key: PacingKey::of(key), ..Item::new(index, "x") };
        suspects.accuse(vec![of(0, "a"), of(1, "b"), of(2, "b"), of(3, "a")]);
        assert_eq!(suspects.next_groups().count(), 2);
        assert_eq!(suspects.next(|_| false), None);
        let second = suspects.next(|group| group.items[0].index == 2).unwrap();
        assert_eq!(second.iter().map(|item| item.index).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(suspects.next_groups().count(), 0, "one is out");
        assert_eq!(suspects.take(PacingKey::of("a")).len(), 1);
        assert_eq!(suspects.take(PacingKey::of("b")).len(), 1);
        for item in second {
            suspects.done(item.index);
        }
        assert_eq!(suspects.next_groups().count(), 0, "no empty group is left");
    }

    #[test]
    fn one_killer_among_ten_thousand_is_found_after_a_dozen_deaths() {
        let mut suspects = Suspects::default();
        suspects.accuse(items(10_000));
        let (deaths, alone, done) = try_all(suspects, &[6_789]);
        assert_eq!(alone, [6_789]);
        assert_eq!(done.len(), 9_999);
        assert!(deaths <= 14, "{deaths}");
    }

    proptest! {
        #[test]
        fn just_the_killers_are_alone_when_they_die_and_all_others_are_done_once(
            count in 1..300_u64,
            killers in prop::collection::hash_set(0..300_u64, 0..5),
        ) {
            let killers: Vec<_> = killers.into_iter().filter(|killer| *killer < count).collect();
            let mut suspects = Suspects::default();
            suspects.accuse(items(count));
            let (_, mut alone, mut done) = try_all(suspects, &killers);
            alone.sort_unstable();
            let mut expected = killers.clone();
            expected.sort_unstable();
            prop_assert_eq!(alone, expected);
            done.sort_unstable();
            prop_assert_eq!(done, (0..count).filter(|index| !killers.contains(index)).collect::<Vec<_>>());
        }
    }
}
