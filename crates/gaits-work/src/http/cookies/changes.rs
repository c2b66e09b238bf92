//! Which cookies a session has changed since it read them from a file, without their values.
//!
//! A server may set as many cookies as it likes, so what is noted here is bounded. Limit: knows no file; whoever writes one looks the
//! values up.

use super::{Cookie, MOST};
use std::collections::HashSet;

/// Which cookies were set or removed.
#[derive(Debug)]
pub(super) struct Changes {
    changed: HashSet<Key>,
    /// What stood in the file.
    of_file: HashSet<Key>,
}

/// What tells cookies apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) domain: Box<str>,
    name: Box<[u8]>,
    path: Box<[u8]>,
    host_only: bool,
}

impl Key {
    fn of(domain: &str, cookie: &Cookie) -> Self {
        let Cookie { name, path, host_only, .. } = cookie;
        Self {
            domain: domain.into(),
            name: name.clone(),
            path: path.clone(),
            host_only: *host_only,
        }
    }

    /// Whether it is that of a `cookie` of its domain.
    pub(super) fn is_of(&self, cookie: &Cookie) -> bool {
        self.name == cookie.name && self.path == cookie.path && self.host_only == cookie.host_only
    }
}

impl Changes {
    /// None so far, of a file that holds `cookies`.
    pub(super) fn since(cookies: &[(Box<str>, Cookie)]) -> Self {
        let of_file = cookies.iter().map(|(domain, cookie)| Key::of(domain, cookie)).collect();
        Self { changed: HashSet::new(), of_file }
    }

    /// Notes that a server has set `cookie`.
    pub(super) fn set(&mut self, domain: &str, cookie: &Cookie) {
        self.changed.insert(Key::of(domain, cookie));
    }

    /// Notes that a server has removed `cookie`. Even one that did not stand in the file may stand there by now: another session
    /// may have written it. If there are too many of those, they are not noted.
    pub(super) fn removed(&mut self, domain: &str, cookie: &Cookie) {
        let key = Key::of(domain, cookie);
        if self.of_file.contains(&key) || self.changed.len() < self.of_file.len() + 2 * MOST {
            self.changed.insert(key);
        } else {
            self.changed.remove(&key);
        }
    }

    /// Notes that there was no more room for `cookie`, or that it has expired.
    pub(super) fn dropped(&mut self, domain: &str, cookie: &Cookie) {
        let key = Key::of(domain, cookie);
        if !self.of_file.contains(&key) {
            self.changed.remove(&key);
        }
    }

    /// Whether `cookie` was changed.
    pub(super) fn has(&self, domain: &str, cookie: &Cookie) -> bool {
        self.changed.contains(&Key::of(domain, cookie))
    }

    /// Which cookies were changed.
    pub(super) fn keys(&self) -> impl ExactSizeIterator<Item = &Key> {
        self.changed.iter()
    }
}

#[cfg(test)]
impl Key {
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }
}
