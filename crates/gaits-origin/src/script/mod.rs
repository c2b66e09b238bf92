//! Scripts: what is sent, byte for byte, in place of a response. Here is what a script is made of, and which scripts
//! make no sense; `parse` reads them, `stage` chooses a reply for a request, `play` sends it.

mod parse;
mod play;
mod stage;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;

use crate::codings::{Gzip, gzip_zeros};
use crate::limits::LONGEST;
pub(crate) use play::{Ended, play};
pub(crate) use stage::{Scene, Stage};

/// Which replies are sent for which paths in place of responses: raw bytes with pauses and ends, so that a client can be
/// tried on servers that break every rule.
///
/// Scripts are for HTTP/1.1. Over HTTP/2 a scripted path is answered with 505, and an origin that has a script does not
/// offer HTTP/2 over TLS. Paths without a script are answered as always. A scripted request counts as others do: it has
/// a sequence number, waits for capacity and latency, and may be refused by the rate limit; faults leave it alone.
///
/// The text that [`parse`](Self::parse) reads is a JSON object. Its names are paths, without a query; its values are a
/// list of steps, or an object:
///
/// ```
/// # use gaits_origin::{Config, Origin, Script};
/// let script = Script::parse(r#"{
///     "/cut": [{ "send": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello" }, "close"],
///     "/flaky": {
///         "about": "fails twice, then works",
///         "replies": [
///             ["reset"],
///             ["close"],
///             [{ "send": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" }]
///         ]
///     }
/// }"#)?;
/// let origin = Origin::start(Config { script: Some(script), ..Config::default() })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What an object may hold:
///
/// - `replies`: a list of lists of steps; the n-th request for the path, whoever sends it, gets the n-th reply;
/// - `then`: what comes after the last reply: `last`, which is the default, sends that one again and again, `first`
///   starts over, and `normal` answers as if there were no script;
/// - `reused`: steps for requests that are not the first on their connection; these are not counted for `replies`;
/// - `read_body`: `false` to reply without having read the request's body; if no step ends the connection then, the body
///   is taken for the next request;
/// - `about`: a text for people.
///
/// The steps:
///
/// | step | what it does |
/// |---|---|
/// | `{"send": TEXT}` | sends the text, in UTF-8 |
/// | `{"base64": TEXT}` | sends the bytes that this stands for |
/// | `{"zeros": N}` | sends so many zero bytes |
/// | `{"gzip_zeros": N}` | sends a gzip stream that decodes to so many zeros; it is a thousandth of that |
/// | `{"encode": CODING, "steps": […]}` | sends what the steps send, compressed: `gzip`, `deflate`, `br` or `zstd` |
/// | `{"chunked": […]}` | sends what the steps send in chunks of HTTP/1.1, and the last, empty chunk |
/// | `{"repeat": N, "steps": […]}` | takes the steps so many times; `"forever"` for N without end |
/// | `{"drip": TEXT, "gap_ms": N}` | sends the text byte by byte, with pauses of so many milliseconds between |
/// | `{"wait_ms": N}` | sends what has been held back, then waits so many milliseconds |
/// | `"close"` | closes the connection properly, over TLS with a `close_notify` |
/// | `"drop"` | closes the connection, over TLS without a `close_notify` |
/// | `"reset"` | resets the connection, which may take back what the client has not read yet |
/// | `"stall"` | sends nothing more until the client goes away |
///
/// Bytes are held back until 16 KiB have come together or a step needs them sent. If no step ends the connection, it is
/// kept, and the client may send its next request.
#[derive(Debug, Clone, Default)]
pub struct Script {
    paths: BTreeMap<String, Arc<Entry>>,
}

/// One step of a reply: see [`Script`] for what each does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Sends these bytes.
    Send(Bytes),
    /// Sends these bytes one by one.
    Drip {
        /// What is sent.
        bytes: Bytes,
        /// How long the pause between two bytes is.
        gap: Duration,
    },
    /// Sends what has been held back, then waits.
    Wait(Duration),
    /// Takes steps several times.
    Repeat {
        /// How often; without end if there is none.
        times: Option<u64>,
        /// What is taken.
        steps: Vec<Step>,
    },
    /// Sends what the steps send as a body in chunks, with the end of it.
    Chunked(Vec<Step>),
    /// Closes the connection properly.
    Close,
    /// Closes the connection, over TLS without a word.
    Drop,
    /// Resets the connection.
    Reset,
    /// Sends nothing more until the client goes away.
    Stall,
}

/// Why a script is not one. The message tells where, what, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScriptError(String);

/// What is sent for one path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Entry {
    about: String,
    replies: Vec<Arc<[Step]>>,
    then: Then,
    reused: Option<Arc<[Step]>>,
    ignores_body: bool,
}

/// What comes after the last reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Then {
    /// The last one, again and again.
    #[default]
    Last,
    /// The first one, and so on.
    First,
    /// What the path is answered with without a script.
    Normal,
}

impl Step {
    /// Sends these bytes.
    pub fn send(bytes: impl Into<Bytes>) -> Self {
        Self::Send(bytes.into())
    }

    /// Sends a gzip stream that decodes to so many zeros and is a thousandth of that.
    #[must_use]
    pub fn gzip_zeros(count: u64) -> Self {
        match gzip_zeros(count) {
            Ok(Gzip { head, block, blocks, tail }) => {
                let mut steps = vec![Self::Send(head)];
                if blocks > 0 {
                    let block = vec![Self::Send(block)];
                    steps.push(Self::Repeat { times: Some(blocks), steps: block });
                }
                steps.push(Self::Send(tail));
                Self::Repeat { times: Some(1), steps }
            }
            // Encoders that write into memory do not fail.
            Err(_) => Self::Send(Bytes::new()),
        }
    }

    /// Sends so many zero bytes.
    #[must_use]
    pub fn zeros(count: u64) -> Self {
        static ZEROS: [u8; 16 * 1024] = [0; 16 * 1024];
        if count == 0 {
            return Self::Send(Bytes::new());
        }
        let rest = usize::try_from(count % ZEROS.len() as u64).unwrap_or(0);
        let mut steps = vec![Self::Send(Bytes::from_static(&ZEROS[..rest]))];
        if let times @ 1.. = count / ZEROS.len() as u64 {
            let block = vec![Self::Send(Bytes::from_static(&ZEROS))];
            steps.push(Self::Repeat { times: Some(times), steps: block });
        }
        Self::Repeat { times: Some(1), steps }
    }

    /// Whether nothing can come after it.
    fn ends(&self) -> bool {
        match self {
            Self::Close
            | Self::Drop
            | Self::Reset
            | Self::Stall
            | Self::Repeat { times: None, .. } => true,
            Self::Repeat { steps, .. } | Self::Chunked(steps) => {
                steps.last().is_some_and(Self::ends)
            }
            Self::Send(_) | Self::Drip { .. } | Self::Wait(_) => false,
        }
    }

    /// Whether it takes time or sends something: what does neither cannot be done over and over without holding up
    /// the thread for ever.
    fn does_something(&self) -> bool {
        match self {
            Self::Send(bytes) | Self::Drip { bytes, .. } => !bytes.is_empty(),
            Self::Wait(time) => !time.is_zero(),
            Self::Repeat { steps, .. } => steps.iter().any(Self::does_something),
            Self::Chunked(_) | Self::Close | Self::Drop | Self::Reset | Self::Stall => true,
        }
    }
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    ///
    /// If it is not JSON, or not a script: see [`Script`].
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        parse::parse(text)
    }

    /// The ways to break HTTP/1.1 that every origin has under `/hostile/`, as a script. An origin serves them without
    /// being given it.
    ///
    /// ```
    /// for (path, about) in gaits_origin::Script::hostile().paths() {
    ///     assert!(path.starts_with("/hostile/") && !about.is_empty());
    /// }
    /// ```
    #[must_use]
    pub fn hostile() -> &'static Self {
        static HOSTILE: LazyLock<Script> = LazyLock::new(|| {
            // A test sees to it that it is a script.
            Script::parse(include_str!("hostile.json")).unwrap_or_default()
        });
        &HOSTILE
    }

    /// Adds a path: the n-th request for it gets the n-th of `replies`, and those after the last one get that.
    ///
    /// ```
    /// use gaits_origin::{Script, Step};
    ///
    /// let bytes: &[u8] = b"HTTP/1.1 200 OK\r\nX-Latin-1: caf\xe9\r\nContent-Length: 0\r\n\r\n";
    /// let script = Script::default().with("/latin-1", [vec![Step::send(bytes)]])?;
    /// # Ok::<(), gaits_origin::ScriptError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the path does not begin with a slash, has a query or what no URL has, or is there already, or if a reply has no steps or steps
    /// that make no sense, such as some after the end of the connection.
    pub fn with(
        mut self,
        path: &str,
        replies: impl IntoIterator<Item = Vec<Step>>,
    ) -> Result<Self, ScriptError> {
        let replies = replies.into_iter().map(Arc::from).collect();
        self.add(path, Entry { replies, ..Entry::default() })?;
        Ok(self)
    }

    /// The paths, and what is said about each.
    pub fn paths(&self) -> impl Iterator<Item = (&str, &str)> {
        self.paths.iter().map(|(path, entry)| (path.as_str(), entry.about.as_str()))
    }

    fn add(&mut self, path: &str, entry: Entry) -> Result<(), ScriptError> {
        let wrong = |what: &str| Err(ScriptError(format!("path {path:?} {what}")));
        if !path.starts_with('/') {
            return wrong("does not begin with a slash: write it as \"/name\"");
        }
        if path.contains(['?', '#']) {
            return wrong(
                "has a query or a fragment: leave it out, a path stands for all its queries",
            );
        }
        // hyper hands over some other bytes as well, but no client that keeps to RFC 3986 sends them.
        if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return wrong(
                "has a character that no URL has: write it percent-encoded, as in \"/caf%C3%A9\"",
            );
        }
        if self.paths.contains_key(path) {
            return wrong("is there twice: give it several \"replies\" instead");
        }
        if entry.replies.is_empty() {
            return wrong("has no replies: give it at least one");
        }
        for (index, reply) in entry.replies.iter().enumerate() {
            check(reply, &format!("{path}, reply {}", index + 1))?;
        }
        if let Some(reused) = &entry.reused {
            check(reused, &format!("{path}, \"reused\""))?;
        }
        self.paths.insert(path.to_owned(), Arc::new(entry));
        Ok(())
    }
}

/// Finds steps that make no sense. `place` is where they stand.
fn check(steps: &[Step], place: &str) -> Result<(), ScriptError> {
    let wrong = |what: &str| Err(ScriptError(format!("{place} {what}")));
    if steps.is_empty() {
        return wrong("has no steps: write \"stall\" to send nothing");
    }
    for (index, step) in steps.iter().enumerate() {
        let place = format!("{place}, step {}", index + 1);
        let wrong = |what: &str| Err(ScriptError(format!("{place} {what}")));
        if step.ends() && index + 1 < steps.len() {
            return wrong("never ends or ends the connection: no step can come after it");
        }
        match step {
            Step::Repeat { times: Some(0), .. } => {
                return wrong("is repeated no times: leave it out");
            }
            Step::Repeat { steps, .. } => {
                check(steps, &place)?;
                if !steps.iter().any(Step::does_something) {
                    return wrong("repeats steps that neither send anything nor wait");
                }
            }
            Step::Chunked(steps) => {
                check(steps, &place)?;
                if has_chunked(steps) {
                    return wrong("has chunks within chunks: write the inner ones with \"send\"");
                }
            }
            Step::Wait(time) | Step::Drip { gap: time, .. } if *time > LONGEST => {
                return wrong("waits for more than a year, which is 31536000000 ms");
            }
            _ => {}
        }
    }
    Ok(())
}

fn has_chunked(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::Chunked(_) => true,
        Step::Repeat { steps, .. } => has_chunked(steps),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(reply: Vec<Step>) -> String {
        Script::default().with("/a", [reply]).unwrap_err().to_string()
    }

    fn repeat(times: Option<u64>, steps: Vec<Step>) -> Step {
        Step::Repeat { times, steps }
    }

    #[test]
    fn steps_that_make_no_sense_are_refused() {
        let send = || Step::send("a");
        for (reply, why) in [
            (vec![], "no steps"),
            (vec![Step::Close, send()], "reply 1, step 1 never ends or ends"),
            (vec![send(), repeat(None, vec![send()]), send()], "step 2 never ends"),
            (vec![Step::Chunked(vec![send(), Step::Stall]), send()], "step 1 never ends"),
            (vec![repeat(Some(0), vec![send()])], "no times"),
            (vec![repeat(Some(2), vec![])], "step 1 has no steps"),
            (vec![repeat(None, vec![Step::send("")])], "neither send anything nor wait"),
            (vec![repeat(Some(9), vec![Step::Wait(Duration::ZERO)])], "neither send"),
            (vec![repeat(Some(9), vec![repeat(Some(9), vec![Step::send("")])])], "neither send"),
            (vec![Step::Chunked(vec![Step::Chunked(vec![send()])])], "chunks within chunks"),
            (
                vec![Step::Chunked(vec![repeat(Some(2), vec![Step::Chunked(vec![send()])])])],
                "chunks within chunks",
            ),
            (vec![Step::Wait(LONGEST + Duration::from_nanos(1))], "more than a year"),
            (vec![Step::Drip { bytes: "a".into(), gap: Duration::MAX }], "more than a year"),
        ] {
            let told = format!("{reply:?}");
            let message = error(reply);
            assert!(
                message.contains(why) && message.starts_with("/a, reply 1"),
                "{told}: {message}"
            );
        }
    }

    #[test]
    fn paths_that_make_no_sense_are_refused() {
        let add = |script: Script, path: &str| script.with(path, [vec![Step::Close]]);
        for (path, why) in [
            ("a", "slash"),
            ("", "slash"),
            ("/a?b", "query"),
            ("/a#b", "fragment"),
            ("/café", "caf%C3%A9"),
            ("/a b", "percent-encoded"),
        ] {
            let message = add(Script::default(), path).unwrap_err().to_string();
            assert!(message.contains(why), "{path}: {message}");
        }
        let once = add(Script::default(), "/a").unwrap();
        assert!(add(once, "/a").unwrap_err().to_string().contains("twice"));
        let none = Script::default().with("/a", []).unwrap_err().to_string();
        assert!(none.contains("no replies"), "{none}");
    }

    #[test]
    fn the_hostile_script_is_one_and_tells_what_each_path_does() {
        let script = Script::parse(include_str!("hostile.json")).unwrap();
        assert!(script.paths().count() > 30);
        for (path, about) in script.paths() {
            assert!(path.starts_with("/hostile/"), "{path}");
            assert!(!about.is_empty(), "{path}");
        }
    }
}
