//! Which names the name servers are asked for at a time.
//!
//! Names are asked for in order of arrival, so many at a time. A look-up that has had no answer for a while makes way
//! for the next one, and goes on beside it: names whose servers are silent do not hold up the others. Only when too many
//! go on like this is the oldest dropped, and asked for again after the names that have not been asked for at all. That
//! costs little: the name server that was asked goes on looking, and keeps what it finds.
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

/// How many look-ups there are at a time that are not late: enough to hide the latency of the slow ones, few enough
/// not to be dropped by a home router.
pub(super) const MAX_FRESH: usize = 64;

/// When a look-up counts as late and makes way for the next. A name server that has to ask others is seldom slower.
pub(super) const LATE: Duration = Duration::from_millis(500);

/// How many look-ups there are at a time, late ones and all. Each has a socket or two for each family of addresses. With
/// so many, none is dropped in its first two seconds, however many names wait.
pub(super) const MAX_LOOKUPS: usize = 4 * MAX_FRESH;

/// Asks for names.
pub(super) struct Resolver<S> {
    source: S,
    /// How long a look-up may take from when it was first asked for.
    deadline: Duration,
    /// Names that nobody has been asked for, in order of arrival.
    unasked: VecDeque<Question>,
    /// Names whose look-up was dropped, the first of them first.
    dropped: VecDeque<Question>,
    /// Names that are being looked up, the one that was begun first at the head.
    running: VecDeque<Running>,
    tasks: JoinSet<Result<Found, LookupError>>,
    /// No look-up is past its deadline before this time. All have the same time, so a new one never is the first.
    due: Option<Instant>,
}

struct Running {
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
            dropped: VecDeque::new(),
            running: VecDeque::new(),
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
            let next_start = self.start_all(now);
            let wake = [next_start, self.due].into_iter().flatten().min();
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

    /// Begins the look-ups that may begin now. Tells when the next one may, if any name waits.
    fn start_all(&mut self, now: Instant) -> Option<Instant> {
        while let Some(next) = self.next_waiting() {
            if let Some(before) = self.running.len().checked_sub(MAX_FRESH) {
                let late = self.running[before].since + LATE;
                if now < late {
                    self.put_back(next);
                    return Some(late);
                }
            }
            if self.running.len() == MAX_LOOKUPS
                && let Some(Running { question, task, .. }) = self.running.pop_front()
            {
                task.abort();
                self.dropped.push_back(question);
            }
            self.start(next, now);
        }
        None
    }

    /// Takes the name that comes next out of its queue. Those that nobody waits for any more are left out.
    fn next_waiting(&mut self) -> Option<Question> {
        while let Some(next) = self.unasked.pop_front().or_else(|| self.dropped.pop_front()) {
            if let Some(wanted) = next.if_wanted() {
                return Some(wanted);
            }
        }
        None
    }

    fn put_back(&mut self, question: Question) {
        let queue =
            if question.asked_at().is_none() { &mut self.unasked } else { &mut self.dropped };
        queue.push_front(question);
    }

    fn start(&mut self, mut question: Question, now: Instant) {
        question.asked(now);
        self.due.get_or_insert(now + self.deadline);
        let task = self.tasks.spawn(self.source.look_up(question.host().clone()));
        self.running.push_back(Running { question, since: now, task });
    }

    /// Answers the question whose look-up has ended.
    fn ended(&mut self, ended: Result<(Id, Result<Found, LookupError>), JoinError>) {
        let (id, found) = match ended {
            Ok(found) => found,
            Err(e) => (e.id(), Err(LookupError::failed(format!("the look-up ended: {e}")))),
        };
        // A look-up that was dropped is none of them.
        let at = self.running.iter().position(|running| running.task.id() == id);
        if let Some(Running { question, .. }) = at.and_then(|at| self.running.remove(at)) {
            question.answer(found);
        }
    }

    /// Ends the look-ups whose time is up, those that were dropped too.
    fn expire(&mut self, now: Instant) {
        if self.due.is_none_or(|due| now < due) {
            return;
        }
        let deadline = self.deadline;
        let is_over =
            |question: &Question| question.asked_at().is_some_and(|at| at + deadline <= now);
        let why = format!("no answer from a name server within {} s", deadline.as_secs_f64());
        let silent = LookupError::failed(why);
        for running in mem::take(&mut self.running) {
            if is_over(&running.question) {
                running.task.abort();
                running.question.answer(Err(silent.clone()));
            } else {
                self.running.push_back(running);
            }
        }
        for question in mem::take(&mut self.dropped) {
            if is_over(&question) {
                question.answer(Err(silent.clone()));
            } else {
                self.dropped.push_back(question);
            }
        }
        let left = self.running.iter().map(|running| &running.question).chain(&self.dropped);
        self.due = left.filter_map(Question::asked_at).min().map(|first| first + deadline);
    }
}

#[cfg(test)]
mod tests;
