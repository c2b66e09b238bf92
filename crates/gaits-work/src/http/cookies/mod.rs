//! The cookies of one session: which are taken, which are kept, and which are sent where. RFC 6265, with what its successor
//! (6265bis) adds for safety.
//!
//! The limits, for a server must not be able to fill our memory or our requests:
//!
//! - A cookie's name and value have at most 4096 bytes together; an attribute has at most 1024.
//! - [`MOST_OF_DOMAIN`] cookies are kept for a domain and [`MOST`] in all. The oldest go first; see [`Jar::make_room`].
//! - Of one response, [`MOST_OF_RESPONSE`] fields are read.
//! - A request carries at most [`MOST_SENT`] bytes of cookies. Those with the longest path come first, and those that do not
//!   fit are left out.
//!
//! A domain that is a public suffix, such as `co.uk`, gets no cookies but those of its own host: the list is the one of
//! publicsuffix.org, and a part of the program. What `SameSite` and `HttpOnly` say has no meaning here: there are no scripts, and
//! nobody visits one site from another.
//!
//! Limit: kept in memory, but for what `file` writes; knows the time only from its caller.

mod changes;
mod date;
pub(super) mod file;
mod set_cookie;

use super::calendar;
use super::domain::{is_within, without_root};
use super::target::{Origin, Scheme, Target};
use changes::Changes;
use set_cookie::SetCookie;
use std::cmp::Reverse;
use std::collections::HashMap;

/// How many cookies a domain may have: what RFC 6265 (6.1) asks for at least. Cookies of all paths count, those of its
/// subdomains do not.
const MOST_OF_DOMAIN: usize = 50;

/// How many cookies there may be in all: what RFC 6265 (6.1) asks for at least. They take 16 MB at most.
const MOST: usize = 3000;

/// How many are removed at a time when there are too many in all, so that making room costs next to nothing a cookie.
const REMOVED_AT_ONCE: usize = MOST / 10;

/// How many `set-cookie` fields of one response are read.
const MOST_OF_RESPONSE: usize = 50;

/// How many bytes of cookies are sent with a request. nginx and Apache refuse a field that does not fit into 8 kB.
const MOST_SENT: usize = 8000;

/// The cookies of one session.
#[derive(Debug, Default)]
pub(super) struct Jar {
    /// By domain, in lower case.
    domains: HashMap<Box<str>, Vec<Cookie>>,
    count: usize,
    /// Counts what happens, so that it is known what came first.
    step: u64,
    /// Which were set or removed since it was made, if somebody wants to know.
    changes: Option<Changes>,
}

#[derive(Debug, Clone)]
pub(super) struct Cookie {
    name: Box<[u8]>,
    value: Box<[u8]>,
    path: Box<[u8]>,
    /// Whether it goes to the host that set it only, and not to its subdomains.
    host_only: bool,
    secure: bool,
    /// Whether scripts of a page may not see it. It is kept for programs that have scripts.
    http_only: bool,
    /// Seconds since 1970; none if it lives as long as the session.
    expires_s: Option<i64>,
    /// When it was first set.
    created: u64,
    /// When it was last set or sent.
    used: u64,
}

impl Cookie {
    const fn is_expired(&self, now_s: i64) -> bool {
        matches!(self.expires_s, Some(expires_s) if expires_s <= now_s)
    }

    fn is_for(&self, host_is_domain: bool, secure: bool, path: &[u8], now_s: i64) -> bool {
        (host_is_domain || !self.host_only)
            && (secure || !self.secure)
            && path_matches(path, &self.path)
            && !self.is_expired(now_s)
    }

    fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.path == other.path && self.host_only == other.host_only
    }

    /// Its length in a request.
    fn len(&self) -> usize {
        self.name.len() + self.value.len() + usize::from(!self.name.is_empty())
    }
}

impl Jar {
    /// One that begins with `cookies`, and remembers what changes.
    pub(super) fn with(cookies: Vec<(Box<str>, Cookie)>, now_s: i64) -> Self {
        let mut jar = Self { step: cookies.len() as u64, ..Self::default() };
        let changes = Changes::since(&cookies);
        for (domain, cookie) in cookies {
            jar.store(domain, cookie, now_s);
        }
        jar.changes = Some(changes);
        jar
    }

    /// Takes the cookies that the response to a request for `target` sets in its `set-cookie` fields. `now_s` is the time in
    /// seconds since 1970. What is malformed or not allowed is passed over, as everybody does.
    pub(super) fn take<'a>(
        &mut self,
        fields: impl Iterator<Item = &'a [u8]>,
        target: &Target,
        now_s: i64,
    ) {
        for field in fields.take(MOST_OF_RESPONSE) {
            self.step += 1;
            if let Some(set) = SetCookie::parse(field, now_s)
                && let Some((domain, cookie)) = self.admitted(&set, target)
            {
                self.store(domain, cookie, now_s);
            }
        }
    }

    /// The cookie and its domain, if the server at `target` may set it: RFC 6265bis, 5.7.
    fn admitted(&self, set: &SetCookie<'_>, target: &Target) -> Option<(Box<str>, Cookie)> {
        let origin = &*target.origin;
        let (domain, host_only) = domain_of(set, origin)?;
        let secure = is_secure(origin);
        let path = set.path.unwrap_or_else(|| default_path(target.path_alone().as_bytes()));
        let refused = (set.secure && !secure)
            || (set.is_secure_prefixed() && !set.secure)
            || (set.is_host_prefixed() && !(set.secure && host_only && set.path == Some(b"/")))
            || (!set.secure && !secure && self.hides_a_secure_one(set.name, &domain, path));
        if refused {
            return None;
        }
        let cookie = Cookie {
            name: set.name.into(),
            value: set.value.into(),
            path: path.into(),
            host_only,
            secure: set.secure,
            http_only: set.http_only,
            expires_s: set.expires_s,
            created: self.step,
            used: self.step,
        };
        Some((domain, cookie))
    }

    /// Keeps `cookie` in the place of one of the same name, domain and path, or removes that one if `cookie` has expired:
    /// to set it so is how a server removes it.
    fn store(&mut self, domain: Box<str>, mut cookie: Cookie, now_s: i64) {
        let expired = cookie.is_expired(now_s);
        match &mut self.changes {
            Some(changes) if expired => changes.removed(&domain, &cookie),
            Some(changes) => changes.set(&domain, &cookie),
            None => {}
        }
        if let Some(cookies) = self.domains.get_mut(&*domain)
            && let Some(at) = cookies.iter().position(|old| old.is_same(&cookie))
        {
            if !expired {
                cookie.created = cookies[at].created;
                cookies[at] = cookie;
                return;
            }
            cookies.swap_remove(at);
            self.count -= 1;
            if cookies.is_empty() {
                self.domains.remove(&*domain);
            }
            return;
        }
        if !expired {
            self.make_room(&domain, now_s);
            self.domains.entry(domain).or_default().push(cookie);
            self.count += 1;
        }
    }

    /// Whether a cookie that was set without TLS would stand in front of one that was set with it: RFC 6265bis, 5.7.
    fn hides_a_secure_one(&self, name: &[u8], domain: &str, path: &[u8]) -> bool {
        self.domains.iter().any(|(other, cookies)| {
            let related = is_within(other, domain) || is_within(domain, other);
            let hidden = |cookie: &Cookie| {
                cookie.secure && *cookie.name == *name && path_matches(path, &cookie.path)
            };
            related && cookies.iter().any(hidden)
        })
    }

    /// Removes cookies until one more of `domain` may be kept: RFC 6265bis, 5.7. First those that have expired. Then, of a
    /// domain that has too many, those that are not secure before those that are; of all, if there are too many, any. Of two,
    /// the one goes first that was neither set nor sent for longest.
    fn make_room(&mut self, domain: &str, now_s: i64) {
        if let Some(cookies) = self.domains.get_mut(domain)
            && cookies.len() >= MOST_OF_DOMAIN
        {
            self.count -= cookies.len();
            let changes = &mut self.changes;
            retain(cookies, domain, changes, |cookie| !cookie.is_expired(now_s));
            if cookies.len() >= MOST_OF_DOMAIN
                && let Some(at) =
                    (0..cookies.len()).min_by_key(|at| (cookies[*at].secure, cookies[*at].used))
            {
                let dropped = cookies.swap_remove(at);
                if let Some(changes) = changes {
                    changes.dropped(domain, &dropped);
                }
            }
            self.count += cookies.len();
        }
        if self.count >= MOST {
            self.retain(|cookie| !cookie.is_expired(now_s));
        }
        if self.count >= MOST {
            let mut used: Vec<u64> =
                self.domains.values().flatten().map(|cookie| cookie.used).collect();
            let (_, last_removed, _) = used.select_nth_unstable(REMOVED_AT_ONCE - 1);
            let last_removed = *last_removed;
            self.retain(|cookie| cookie.used > last_removed);
        }
    }

    fn retain(&mut self, mut keep: impl FnMut(&Cookie) -> bool) {
        let changes = &mut self.changes;
        self.domains.retain(|domain, cookies| {
            retain(cookies, domain, changes, &mut keep);
            !cookies.is_empty()
        });
        self.count = self.domains.values().map(Vec::len).sum();
    }

    /// The value of the `cookie` field of a request for `target`; none if there is no cookie for it. `now_s` is the time in
    /// seconds since 1970.
    pub(super) fn header_for(&mut self, target: &Target, now_s: i64) -> Option<Vec<u8>> {
        if self.domains.is_empty() {
            return None;
        }
        let (origin, path) = (&*target.origin, target.path_alone().as_bytes());
        let secure = is_secure(origin);
        // Domain and place of each.
        let mut found: Vec<(&str, usize)> = Vec::new();
        for domain in domains_of(origin) {
            let cookies = self.domains.get(domain).map_or(&[][..], Vec::as_slice);
            let is_host = domain.len() == origin.host.len();
            let ours = |cookie: &Cookie| cookie.is_for(is_host, secure, path, now_s);
            found
                .extend((0..cookies.len()).filter(|at| ours(&cookies[*at])).map(|at| (domain, at)));
        }
        // Longer paths first, and older cookies before newer ones.
        found.sort_by_key(|(domain, at)| {
            let cookie = &self.domains[*domain][*at];
            (Reverse(cookie.path.len()), cookie.created)
        });
        self.step += 1;
        let mut header = Vec::new();
        for (domain, at) in found {
            let Some(cookie) = self.domains.get_mut(domain).and_then(|all| all.get_mut(at)) else {
                continue;
            };
            let separator: &[u8] = if header.is_empty() { b"" } else { b"; " };
            if header.len() + separator.len() + cookie.len() > MOST_SENT {
                continue;
            }
            cookie.used = self.step;
            header.extend_from_slice(separator);
            if !cookie.name.is_empty() {
                header.extend_from_slice(&cookie.name);
                header.push(b'=');
            }
            header.extend_from_slice(&cookie.value);
        }
        (!header.is_empty()).then_some(header)
    }
}

/// Keeps the cookies of `domain` that are to be kept, and notes that the others are dropped.
fn retain(
    cookies: &mut Vec<Cookie>,
    domain: &str,
    changes: &mut Option<Changes>,
    mut keep: impl FnMut(&Cookie) -> bool,
) {
    cookies.retain(|cookie| {
        let stays = keep(cookie);
        if !stays && let Some(changes) = changes {
            changes.dropped(domain, cookie);
        }
        stays
    });
}

/// The time in seconds since 1970.
pub(super) fn now_s() -> i64 {
    i64::try_from(calendar::since_1970().as_secs()).unwrap_or(i64::MAX)
}

/// The domain that `origin` may set `set` for, and whether it is for this host only; none if it may not.
fn domain_of(set: &SetCookie<'_>, origin: &Origin) -> Option<(Box<str>, bool)> {
    let host = &origin.host;
    if set.domain.is_empty() {
        return Some((host.clone(), true));
    }
    let domain = std::str::from_utf8(set.domain).ok().filter(|domain| domain.is_ascii())?;
    let domain = domain.to_ascii_lowercase();
    if domain == **host {
        // A public suffix may have cookies of its own.
        return Some((domain.into(), is_public_suffix(host)));
    }
    let is_name = origin.ip.is_none();
    (is_name && is_within(host, &domain) && !is_public_suffix(&domain))
        .then(|| (domain.into(), false))
}

/// Whether many owners share `domain`. A name of one part that is on no list is taken for one, as browsers do.
fn is_public_suffix(domain: &str) -> bool {
    // A dot at the end is no part of the names on the list.
    let name = without_root(domain);
    psl::suffix(name.as_bytes()).is_some_and(|suffix| suffix.as_bytes() == name.as_bytes())
}

/// The host of `origin`, and the domains that it is in.
fn domains_of(origin: &Origin) -> impl Iterator<Item = &str> {
    let parents = if origin.ip.is_some() { "" } else { &*origin.host };
    let parents = parents.match_indices('.').map(move |(dot, _)| &parents[dot + 1..]);
    std::iter::once(&*origin.host).chain(parents.filter(|parent| !parent.is_empty()))
}

/// Whether nobody on the way can read what is sent. A server on this machine counts as such without TLS, as browsers have it.
fn is_secure(origin: &Origin) -> bool {
    let is_local = match origin.ip {
        Some(ip) => ip.is_loopback(),
        None => is_within(without_root(&origin.host), "localhost"),
    };
    origin.scheme == Scheme::Https || is_local
}

/// RFC 6265, 5.1.4: the directory of a request's path.
fn default_path(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) | None => b"/",
        Some(at) => &path[..at],
    }
}

/// RFC 6265, 5.1.4: whether `path` is that of a cookie, or below it.
fn path_matches(path: &[u8], of_cookie: &[u8]) -> bool {
    path.strip_prefix(of_cookie)
        .is_some_and(|rest| rest.is_empty() || of_cookie.ends_with(b"/") || rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests;
