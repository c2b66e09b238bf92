//! Which reply a request gets: counts the requests for each scripted path, over all connections and threads.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{Entry, Script, Step, Then};

/// The scripted paths of a running origin.
#[derive(Debug)]
pub(crate) struct Stage {
    paths: HashMap<String, (Arc<Entry>, AtomicU64)>,
}

/// A reply that has been chosen.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) steps: Arc<[Step]>,
    /// Whether the request's body is left unread.
    pub(crate) ignores_body: bool,
}

impl Stage {
    pub(crate) fn new(script: &Script) -> Self {
        let path = |(path, entry): (&String, &Arc<Entry>)| {
            (path.clone(), (Arc::clone(entry), AtomicU64::new(0)))
        };
        Self { paths: script.paths.iter().map(path).collect() }
    }

    /// Whether there are replies for a path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.paths.contains_key(path)
    }

    /// The reply to a request: see [`choose`](Self::choose). Over HTTP/2 there is none, and none is counted.
    pub(crate) fn scene<B>(&self, request: &http::Request<B>, reused: bool) -> Option<Scene> {
        if request.version() >= http::Version::HTTP_2 {
            return None;
        }
        self.choose(request.uri().path(), reused)
    }

    /// The reply to the next request for a path; none if it is to be answered as if there were no script. `reused` tells
    /// whether there was a request on the connection before.
    fn choose(&self, path: &str, reused: bool) -> Option<Scene> {
        let (entry, count) = self.paths.get(path)?;
        let scene = |steps: &Arc<[Step]>| {
            Some(Scene { steps: Arc::clone(steps), ignores_body: entry.ignores_body })
        };
        if let (true, Some(steps)) = (reused, &entry.reused) {
            return scene(steps);
        }
        let replies = entry.replies.len();
        // The count does not wrap within the time that anybody runs an origin.
        let number = usize::try_from(count.fetch_add(1, Relaxed)).unwrap_or(usize::MAX);
        let index = match entry.then {
            Then::Last => number.min(replies - 1),
            Then::First => number % replies,
            Then::Normal => number,
        };
        scene(entry.replies.get(index)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first byte of each of the first six replies; a dot for a normal answer.
    fn chosen(then: &str, reused: impl Fn(usize) -> bool) -> String {
        let text = format!(
            r#"{{"/a": {{"replies": [[{{"send": "1"}}], [{{"send": "2"}}], [{{"send": "3"}}]], "then": "{then}",
                "reused": [{{"send": "r"}}]}}}}"#
        );
        let stage = Stage::new(&Script::parse(&text).unwrap());
        assert!(stage.has("/a") && !stage.has("/b"));
        assert!(stage.choose("/b", false).is_none());
        let letter = |index| match stage.choose("/a", reused(index)) {
            None => '.',
            Some(scene) => match &scene.steps[0] {
                Step::Send(bytes) => char::from(bytes[0]),
                other => panic!("{other:?}"),
            },
        };
        (0..6).map(letter).collect()
    }

    #[test]
    fn replies_are_sent_in_turn() {
        assert_eq!(chosen("last", |_| false), "123333");
        assert_eq!(chosen("first", |_| false), "123123");
        assert_eq!(chosen("normal", |_| false), "123...");
    }

    #[test]
    fn requests_on_used_connections_have_a_reply_of_their_own() {
        assert_eq!(chosen("last", |index| index % 2 == 1), "1r2r3r");
        assert_eq!(chosen("normal", |_| true), "rrrrrr");
    }
}
