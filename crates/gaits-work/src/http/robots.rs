//! What the robots.txt of each host allows (RFC 9309), known to all sessions of a process.
//!
//! A host is asked for its robots.txt by the first item that goes there; others that go there meanwhile wait for that one
//! answer. What could not be read is asked for again, but not by all that have waited for it.
//! Limit: sends nothing itself, and keeps no time between two requests; the session and the dispatcher do.

use super::blocking;
use super::spec::HttpSpec;
use super::target::{Origin, Target};
use super::words::seconds;
use gaits_core::{Advice, Clock, ErrorKind, ItemError};
use robotxt::{AccessResult, Agent};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Where it stands.
pub(super) const PATH: &str = "/robots.txt";

/// How much of a robots.txt is read, in bytes. At least 500 KiB must be understood; what follows is ignored.
pub(super) const MOST_READ: u64 = 1024 * 1024;

/// How many redirects are followed on the way to a robots.txt.
pub(super) const MOST_REDIRECTS: u8 = 5;

/// The hosts whose rules are remembered, and about how many bytes of rules. When there are more, all are forgotten, and read
/// again when they are needed.
const MOST_HOSTS: usize = 16_384;
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// The longest delay between two requests that a robots.txt may ask for.
const LONGEST_DELAY: Duration = Duration::from_hours(24);

/// So much work, in rules times bytes of a path, may hold the event loop.
const MOST_AT_ONCE: usize = 512 * 1024;

/// How much of a rule stands in a message, in characters.
const SHOWN: usize = 100;

/// The rules of all hosts.
#[derive(Debug)]
pub(super) struct Robots {
    /// Whose rules are obeyed, as robots.txt calls it.
    agent: Box<str>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// By scheme, host and port. Behind those that were asked for as items are, those that were asked for without secrets: a
    /// server may answer otherwise then.
    hosts: [HashMap<Box<str>, Arc<Host>>; 2],
    bytes: usize,
}

/// One host.
#[derive(Debug, Default)]
struct Host {
    rules: OnceLock<Rules>,
    /// Held while its robots.txt is read; holds how that last failed, and when.
    reading: tokio::sync::Mutex<Option<(Unreadable, u64)>>,
}

/// The rules of one host.
#[derive(Debug, Clone)]
pub(super) struct Rules(Arc<robotxt::Robots>);

/// Why an item can't be asked for.
#[derive(Debug, Clone)]
pub(super) enum Unreadable {
    /// It fails.
    Failed(ItemError, Advice),
    /// There is no file descriptor left.
    Exhausted(ItemError),
}

/// What came of asking for a robots.txt.
pub(super) enum Answered {
    /// This is the beginning of it, or all.
    Text(Vec<u8>),
    /// There is none, or none that is meant to be read.
    Nothing,
}

impl Robots {
    /// For requests as `spec` says, if they are to obey.
    pub(super) fn of(spec: &HttpSpec) -> Option<Self> {
        let named = spec.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("user-agent"));
        let agent = named.map_or(&*spec.user_agent, |(_, value)| value);
        let agent = product(agent).into();
        spec.robots.then(|| Self { agent, known: Mutex::default() })
    }

    /// The rules of `origin`, and whether they were known. Where they are not, `read` reads them; without secrets, if the host
    /// is `foreign`.
    pub(super) async fn rules(
        &self,
        origin: &Origin,
        foreign: bool,
        clock: &dyn Clock,
        read: impl Future<Output = Result<Answered, Unreadable>>,
    ) -> Result<(Rules, bool), Unreadable> {
        let host = self.host(origin, foreign);
        if let Some(rules) = host.rules.get() {
            return Ok((rules.clone(), true));
        }
        let began_us = clock.now_us();
        let mut failed = host.reading.lock().await;
        if let Some(rules) = host.rules.get() {
            return Ok((rules.clone(), false));
        }
        if let Some((why, at_us)) = &*failed
            // It has waited for this answer.
            && *at_us >= began_us
        {
            return Err(why.clone());
        }
        match read.await {
            Ok(answered) => {
                let (rules, bytes) = self.parse(answered).await;
                // Only the one that holds `reading` gets here.
                let _ = host.rules.set(rules.clone());
                self.known.lock().unwrap_or_else(PoisonError::into_inner).bytes += bytes;
                Ok((rules, false))
            }
            Err(why) => {
                *failed = Some((why.clone(), clock.now_us()));
                Err(why)
            }
        }
    }

    fn host(&self, origin: &Origin, foreign: bool) -> Arc<Host> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = known.hosts[usize::from(foreign)].get(origin.prefix()) {
            return host.clone();
        }
        if known.hosts.iter().map(HashMap::len).sum::<usize>() >= MOST_HOSTS
            || known.bytes > MOST_BYTES
        {
            *known = Known::default();
        }
        known.hosts[usize::from(foreign)].entry(origin.prefix().into()).or_default().clone()
    }

    /// The rules in a text, and about how many bytes they take. A long text would hold the event loop.
    async fn parse(&self, answered: Answered) -> (Rules, usize) {
        let Answered::Text(text) = answered else {
            return (Rules(Arc::new(robotxt::Robots::allow_all())), 0);
        };
        let (agent, bytes) = (self.agent.clone(), 4 * text.len());
        let parse = move || {
            let agent = Agent::Exact(&agent);
            robotxt::Robots::from_access(AccessResult::Successful(&text), agent)
        };
        // A parser that panics has not understood the rules, so nothing is allowed.
        let parsed = blocking::start(|| catch_unwind(AssertUnwindSafe(parse)).ok()).await;
        let rules = parsed.ok().flatten().unwrap_or_else(robotxt::Robots::disallow_all);
        (Rules(Arc::new(rules)), bytes)
    }
}

impl Rules {
    /// How much time there should be between two requests, in microseconds.
    pub(super) fn apart_us(&self) -> u64 {
        let delay = self.0.crawl_delay().unwrap_or_default().min(LONGEST_DELAY);
        u64::try_from(delay.as_micros()).unwrap_or(u64::MAX)
    }

    /// Whether `target` may be asked for.
    ///
    /// # Errors
    /// It may not.
    pub(super) async fn allow(&self, target: &Target) -> Result<(), ItemError> {
        if self.0.always() == Some(true) {
            return Ok(());
        }
        let work = self.0.rules().len().saturating_mul(target.path.len());
        let refused = if work <= MOST_AT_ONCE {
            refusing(&self.0, &target.path)
        } else {
            let (rules, path) = (self.0.clone(), target.path.clone());
            let judge = move || refusing(&rules, &path);
            let judged = blocking::start(|| catch_unwind(AssertUnwindSafe(judge)).ok()).await;
            let unmatched = || Some("(rules that can't be matched)".to_owned());
            judged.ok().flatten().unwrap_or_else(unmatched)
        };
        let Some(rule) = refused else { return Ok(()) };
        let (url, agent) = (of(&target.origin), self.0.user_agent());
        let message = format!("{url} forbids it to user-agent {agent}: Disallow: {rule}");
        Err(ItemError::new(ErrorKind::Robots, message))
    }

    /// What an item is answered with that is to wait for its turn.
    pub(super) fn wait(&self, origin: &Origin) -> (ItemError, Advice) {
        let apart_us = self.apart_us();
        let delay = seconds(Duration::from_micros(apart_us));
        let message = format!("{} wants {delay} between two requests", of(origin));
        (ItemError::new(ErrorKind::Robots, message), Advice::Space { apart_us })
    }
}

/// The rule that forbids a path, as far as it is shown.
fn refusing(rules: &robotxt::Robots, path: &str) -> Option<String> {
    if rules.is_allowed(path) {
        return None;
    }
    let rule = rules.matching_rule(path).map_or("/", |rule| rule.pattern());
    Some(rule.chars().take(SHOWN).collect())
}

/// The URL of a host's robots.txt.
pub(super) fn of(origin: &Origin) -> String {
    format!("{}{PATH}", origin.prefix())
}

/// The name by which robots.txt calls a user-agent: that of its first product, or of what a browser's name is only borrowed
/// for, as in `Mozilla/5.0 (compatible; ABot/1.0)`.
fn product(agent: &str) -> &str {
    let name = |text: &str| {
        text.bytes().take_while(|b| b.is_ascii_alphabetic() || matches!(b, b'-' | b'_')).count()
    };
    let borrowed = agent.split_once("(compatible;").map(|(_, rest)| rest.trim_start());
    match borrowed {
        Some(rest) if name(rest) > 0 => &rest[..name(rest)],
        _ => &agent[..name(agent)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaits_core::ManualClock;
    use proptest::prelude::*;
    use std::cell::Cell;

    fn robots(agent: &str) -> Robots {
        let spec = HttpSpec { robots: true, user_agent: agent.to_owned(), ..HttpSpec::default() };
        Robots::of(&spec).unwrap()
    }

    fn target(path: &str) -> Target {
        Target::parse(&format!("http://a.test{path}"), None).unwrap()
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    /// The rules of a text for the default user-agent.
    fn rules(text: &[u8]) -> Rules {
        let robots = robots("gaits/1.0");
        let read = std::future::ready(Ok(Answered::Text(text.to_vec())));
        let origin = target("/").origin;
        block_on(robots.rules(&origin, false, &ManualClock::default(), read)).unwrap().0
    }

    fn allows(rules: &Rules, path: &str) -> bool {
        block_on(rules.allow(&target(path))).is_ok()
    }

    #[test]
    fn the_group_of_the_user_agent_counts_and_the_longest_rule_wins() {
        let text = b"\xef\xbb\xbfUser-agent: other\r\nDisallow: /\r\n\r\n\
            user-AGENT: *\nDisallow: /all\nCrawl-delay: 9\n\
            User-agent: Gaits # us\nDisallow: /private/\nAllow: /private/open$\nDisallow: /*.pdf\nCrawl-delay: 1.5";
        let rules = rules(text);
        for (path, allowed) in [
            ("/", true),
            ("/all", true),
            ("/private/x", false),
            ("/private/open", true),
            ("/private/open/x", false),
            ("/p%72ivate/x", false),
            ("/a/b.pdf?x", false),
            ("/robots.txt", true),
        ] {
            assert_eq!(allows(&rules, path), allowed, "{path}");
        }
        assert_eq!(rules.apart_us(), 1_500_000);
        let error = block_on(rules.allow(&target("/private/x"))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "robots: http://a.test/robots.txt forbids it to user-agent gaits: Disallow: /private/"
        );
    }

    #[test]
    fn a_user_agent_is_known_by_its_product() {
        for (agent, wanted) in [
            ("gaits/0.1.0", "gaits"),
            ("My-Bot_x 2", "My-Bot_x"),
            ("Mozilla/5.0 (compatible; ABot/1.0; +http://a.test)", "ABot"),
            ("Mozilla/5.0 (X11; Linux)", "Mozilla"),
            ("", ""),
        ] {
            assert_eq!(product(agent), wanted);
        }
    }

    #[test]
    fn a_delay_that_never_ends_is_bounded() {
        assert_eq!(rules(b"User-agent: *\nCrawl-delay: 1e15").apart_us(), 86_400_000_000);
        for nonsense in ["-1", "nan", "inf", "1e300", "soon"] {
            let text = format!("User-agent: *\nCrawl-delay: {nonsense}");
            assert_eq!(rules(text.as_bytes()).apart_us(), 0, "{nonsense}");
        }
    }

    #[test]
    fn a_failure_is_shared_by_those_who_waited_and_then_tried_again() {
        let (robots, clock) = (robots("gaits"), ManualClock::default());
        let origin = target("/").origin;
        let asked = Cell::new(0);
        let read = |answer: Result<Answered, Unreadable>| {
            let asked = &asked;
            async move {
                asked.set(asked.get() + 1);
                tokio::task::yield_now().await;
                answer
            }
        };
        let fails = || {
            let error = ItemError::new(ErrorKind::Connect, "refused");
            read(Err(Unreadable::Failed(error, Advice::Retry)))
        };
        block_on(async {
            let (a, b) = tokio::join!(
                robots.rules(&origin, false, &clock, fails()),
                robots.rules(&origin, false, &clock, fails())
            );
            assert!(a.is_err() && b.is_err());
            assert_eq!(asked.get(), 1);
            clock.advance_us(1);
            let text = || read(Ok(Answered::Text(b"User-agent: *\nDisallow: /x".to_vec())));
            let (a, b) = tokio::join!(
                robots.rules(&origin, false, &clock, text()),
                robots.rules(&origin, false, &clock, text())
            );
            let ((a, a_was_known), (b, b_was_known)) = (a.unwrap(), b.unwrap());
            assert!(a.allow(&target("/x")).await.is_err());
            assert!(b.allow(&target("/y")).await.is_ok());
            assert!(!a_was_known && !b_was_known, "one has read them, and one has waited");
            assert!(robots.rules(&origin, false, &clock, text()).await.unwrap().1);
            assert_eq!(asked.get(), 2);
        });
    }

    #[test]
    fn many_rules_and_a_long_path_are_judged() {
        let text = "Disallow: /*x*y*z\n".repeat(20_000);
        let rules = rules(format!("User-agent: *\n{text}").as_bytes());
        assert!(allows(&rules, &format!("/{}", "a".repeat(2_000))));
        assert!(!allows(&rules, &format!("/{}xyz", "a".repeat(2_000))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_rules(text in prop::collection::vec(any::<u8>(), 0..400)) {
            allows(&rules(&text), "/a?b");
        }

        #[test]
        fn any_lines_are_rules(
            lines in prop::collection::vec("(user-agent|allow|disallow|crawl-delay|sitemap)?:?[ *a/$%é0-9#.-]{0,12}", 0..20),
            path in "/[a-z*$%0-9/.-]{0,20}",
        ) {
            let rules = rules(lines.join("\n").as_bytes());
            allows(&rules, &path);
            prop_assert!(allows(&rules, PATH), "it may always be read itself");
        }
    }
}
