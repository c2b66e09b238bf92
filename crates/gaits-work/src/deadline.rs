//! Waits for something until a timer fires. Time in which the process was stopped, as Ctrl-Z stops it, does not count.
//!
//! Limit: can't interrupt what holds the event loop.

use gaits_core::Clock;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;
use tokio::task::coop;
use tokio::time::{Instant, Sleep, sleep};

/// What `future` gives; none if it has not come within `limit` from now on.
pub(crate) async fn within<T>(
    future: Pin<&mut impl Future<Output = T>>,
    limit: Duration,
    clock: &dyn Clock,
) -> Option<T> {
    let (began_us, timer) = (clock.now_us(), pin!(sleep(limit)));
    let deadline = timer.deadline();
    in_time(future, timer, deadline, clock, began_us).await
}

/// What `future` gives; none if it has not come by `deadline`, and `timer` tells so. It began at `began_us` on `clock`.
///
/// The timer may be set to an earlier time. It is set to the deadline only when it fires, since most futures have come by
/// then: so a timer that is used for one future after the other is hardly ever moved.
///
/// A process that was stopped gives everything that is in flight as much time more: the timer went on, and all its timers
/// would fire at once when the process goes on.
pub(crate) async fn in_time<T>(
    mut future: Pin<&mut impl Future<Output = T>>,
    mut timer: Pin<&mut Sleep>,
    mut deadline: Instant,
    clock: &dyn Clock,
    began_us: u64,
) -> Option<T> {
    let mut since_us = began_us;
    loop {
        if let Some(result) = before(future.as_mut(), timer.as_mut()).await {
            return Some(result);
        }
        if timer.deadline() < deadline {
            timer.as_mut().reset(deadline);
            continue;
        }
        let stopped_us = clock.stopped_us_since(since_us);
        if stopped_us == 0 {
            return None;
        }
        since_us = clock.now_us();
        deadline += Duration::from_micros(stopped_us);
        timer.as_mut().reset(deadline);
    }
}

/// What `future` gives; none if `timer` fires before.
///
/// Tokio lets a task do only so much in one poll, and a timer that is polled counts, too. A future that uses up that budget
/// in every poll, say because a server sends faster than it is read, would keep the timer from ever firing. So the timer is
/// polled outside of the budget.
async fn before<T>(
    mut future: Pin<&mut impl Future<Output = T>>,
    mut timer: Pin<&mut Sleep>,
) -> Option<T> {
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => pin!(coop::unconstrained(timer.as_mut())).poll(cx).map(|()| None),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaits_core::ManualClock;
    use std::cell::Cell;
    use std::future::pending;
    use std::rc::Rc;
    use tokio::task::{JoinSet, LocalSet};
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn what_is_ready_comes_before_the_timer() {
        let timer = pin!(sleep(Duration::ZERO));
        assert_eq!(before(pin!(async { 7 }), timer).await, Some(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_that_is_set_to_an_earlier_time_is_moved_when_it_fires() {
        let (began, limit) = (Instant::now(), Duration::from_millis(50));
        let mut timer = pin!(sleep(Duration::from_millis(10)));
        let clock = ManualClock::default();
        for _ in 0..2 {
            let (never, deadline) = (pin!(pending::<()>()), Instant::now() + limit);
            assert_eq!(in_time(never, timer.as_mut(), deadline, &clock, 0).await, None);
        }
        let took = began.elapsed();
        assert!(took >= 2 * limit && took < 3 * limit, "{took:?}");
        // One that has fired for the future before keeps nobody from coming.
        let deadline = Instant::now() + limit;
        let slow = async {
            sleep(limit / 2).await;
            7
        };
        assert_eq!(in_time(pin!(slow), timer, deadline, &clock, 0).await, Some(7));
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_the_process_was_stopped_does_not_count() {
        let clock = ManualClock::default();
        let (began, limit) = (Instant::now(), Duration::from_millis(50));
        let stopped = async {
            clock.stop_us(1_000_000);
            pending::<()>().await;
        };
        assert_eq!(within(pin!(stopped), limit, &clock).await, None);
        let took = began.elapsed();
        assert!(took >= limit + Duration::from_secs(1), "{took:?}");
        assert!(took < limit + Duration::from_secs(2), "it is given once: {took:?}");
        // Without a stop, the limit holds.
        let began = Instant::now();
        assert_eq!(within(pin!(pending::<()>()), limit, &ManualClock::default()).await, None);
        assert!(began.elapsed() < limit * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_future_that_is_always_busy_does_not_keep_the_timer_from_firing() {
        let over = Rc::new(Cell::new(false));
        let time = over.clone();
        let mut others = JoinSet::new();
        let local = LocalSet::new();
        others.spawn_local_on(
            async move {
                for _ in 0..1_000 {
                    advance(Duration::from_millis(1)).await;
                }
                time.set(true);
            },
            &local,
        );
        let busy = async {
            loop {
                coop::consume_budget().await;
                assert!(!over.get(), "the timer does not fire");
            }
        };
        let timer = pin!(sleep(Duration::from_millis(50)));
        assert_eq!(local.run_until(before::<()>(pin!(busy), timer)).await, None);
    }
}
