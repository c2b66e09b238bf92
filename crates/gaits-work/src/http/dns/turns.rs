//! Which names the name servers are asked for at a time.
//!
//! There are [`MAX_LOOKUPS`] places. A look-up keeps its place until it has its answer or its time is up, but after a
//! turn only as long as no other name waits: names whose servers are silent do not hold up the others. A name that
//! has lost its place is asked for again when there is one, which costs little, as the name server that was asked
//! goes on looking and keeps what it finds.
//!
//! Limit: knows neither name servers nor the cache. Time is tokio's, so that tests can turn it by hand.

use super::answer::LookupError;
use super::names::Question;
use super::source::{Found, Source};
use std::collections::VecDeque;
use std::mem;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

/// How many names are looked up at a time: enough to hide the latency of the slow ones, few enough not to be
/// dropped by a home router.
pub(super) const MAX_LOOKUPS: usize = 64;

/// How long a look-up keeps its place while a name waits that no name server has been asked for. A name server
/// that has to ask others is seldom slower.
pub(super) const TURN: Duration = Duration::from_millis(500);

/// How long it does while only such names wait that have lost a place before. It is longer, so that names come to an
/// answer where each takes longer than [`TURN`].
const LONG_TURN: Duration = Duration::from_secs(2);

/// Asks for names.
pub(super) struct Resolver<S> {
    source: S,
    /// How long a look-up may take from when it was first asked for.
    deadline: Duration,
    /// Names that nobody has been asked for, in order of arrival.
    unasked: VecDeque<Question>,
    /// Names that have lost their place, the first of them first.
    displaced: VecDeque<Question>,
    /// Names that are being looked up, in the order in which they got their places.
    placed: VecDeque<Placed>,
    tasks: JoinSet<Result<Found, LookupError>>,
    /// No look-up is past its deadline before this time. All have the same time, so a new one never is the first.
    due: Option<Instant>,
}

struct Placed {
    question: Question,
    since: Instant,
    task: AbortHandle,
}

impl<S: Source> Resolver<S> {
    pub(super) fn new(source: S, deadline: Duration) -> Self {
        Self {
            source,
            deadline,
            unasked: VecDeque::new(),
            displaced: VecDeque::new(),
            placed: VecDeque::with_capacity(MAX_LOOKUPS),
            tasks: JoinSet::new(),
            due: None,
        }
    }

    /// Looks names up, until it is stopped or nobody can ask any more.
    pub(super) async fn serve(
        mut self,
        mut questions: mpsc::UnboundedReceiver<Question>,
        mut stop: oneshot::Receiver<()>,
    ) {
        loop {
            let now = Instant::now();
            self.expire(now);
            while self.make_place(now) {
                self.place_next(now);
            }
            let wake = self.next_event();
            tokio::select! {
                _ = &mut stop => return,
                Some(ended) = self.tasks.join_next_with_id(), if !self.tasks.is_empty() => {
                    self.ended(ended);
                }
                question = questions.recv() => match question {
                    Some(question) => self.unasked.push_back(question),
                    None => return,
                },
                () = sleep_until(wake.unwrap_or(now)), if wake.is_some() => {}
            }
        }
    }

    /// How long a look-up keeps its place, as things stand; none if no name waits.
    fn turn(&self) -> Option<Duration> {
        if !self.unasked.is_empty() {
            Some(TURN)
        } else if !self.displaced.is_empty() {
            Some(LONG_TURN)
        } else {
            None
        }
    }

    /// Whether a name waits and there is a place for it. It may be that of the look-up that has had its place for
    /// longest.
    fn make_place(&mut self, now: Instant) -> bool {
        drop_unwanted(&mut self.unasked);
        drop_unwanted(&mut self.displaced);
        let Some(turn) = self.turn() else { return false };
        if self.placed.len() < MAX_LOOKUPS {
            return true;
        }
        match self.placed.pop_front_if(|oldest| oldest.since + turn <= now) {
            Some(Placed { question, task, .. }) => {
                task.abort();
                self.displaced.extend(question.if_wanted());
                true
            }
            None => false,
        }
    }

    /// Gives a place to the name that comes next.
    fn place_next(&mut self, now: Instant) {
        let next = self.unasked.pop_front().or_else(|| self.displaced.pop_front());
        let Some(mut question) = next else { return };
        question.asked(now);
        self.due.get_or_insert(now + self.deadline);
        let task = self.tasks.spawn(self.source.look_up(question.host().clone()));
        self.placed.push_back(Placed { question, since: now, task });
    }

    /// Answers the question whose look-up has ended.
    fn ended(&mut self, ended: Result<(Id, Result<Found, LookupError>), JoinError>) {
        let (id, found) = match ended {
            Ok(found) => found,
            Err(e) => (e.id(), Err(LookupError::failed(format!("the look-up ended: {e}")))),
        };
        // A look-up that has lost its place is none of them.
        let at = self.placed.iter().position(|placed| placed.task.id() == id);
        if let Some(Placed { question, .. }) = at.and_then(|at| self.placed.remove(at)) {
            question.answer(found);
        }
    }

    /// Ends the look-ups whose time is up, those that have lost their places too.
    fn expire(&mut self, now: Instant) {
        if self.due.is_none_or(|due| now < due) {
            return;
        }
        let deadline = self.deadline;
        let is_late =
            |question: &Question| question.asked_at().is_some_and(|at| at + deadline <= now);
        let why = format!("no answer from a name server within {} s", deadline.as_secs_f64());
        let silent = LookupError::failed(why);
        for placed in mem::take(&mut self.placed) {
            if is_late(&placed.question) {
                placed.task.abort();
                placed.question.answer(Err(silent.clone()));
            } else {
                self.placed.push_back(placed);
            }
        }
        for question in mem::take(&mut self.displaced) {
            if is_late(&question) {
                question.answer(Err(silent.clone()));
            } else {
                self.displaced.push_back(question);
            }
        }
        let left = self.placed.iter().map(|placed| &placed.question).chain(&self.displaced);
        self.due = left.filter_map(Question::asked_at).min().map(|first| first + deadline);
    }

    /// When there is something to do though nothing has happened.
    fn next_event(&self) -> Option<Instant> {
        let turn_ends = self.turn().and_then(|turn| Some(self.placed.front()?.since + turn));
        [turn_ends, self.due].into_iter().flatten().min()
    }
}

/// Drops the names at the head of `queue` that nobody waits for any more.
fn drop_unwanted(queue: &mut VecDeque<Question>) {
    while let Some(first) = queue.pop_front() {
        if let Some(first) = first.if_wanted() {
            queue.push_front(first);
            return;
        }
    }
}

#[cfg(test)]
mod tests;
