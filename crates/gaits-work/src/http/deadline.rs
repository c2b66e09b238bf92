//! Waits for something until a timer fires.
//!
//! Limit: can't interrupt what holds the event loop.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use tokio::task::coop;
use tokio::time::Sleep;

/// What `future` gives; none if `timer` fires before.
///
/// Tokio lets a task do only so much in one poll, and a timer that is polled counts, too. A future that uses up that budget
/// in every poll, say because a server sends faster than it is read, would keep the timer from ever firing. So the timer is
/// polled outside of the budget.
pub(super) async fn in_time<T>(
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
    use std::cell::Cell;
    use std::rc::Rc;
    use std::time::Duration;
    use tokio::task::{JoinSet, LocalSet};
    use tokio::time::{advance, sleep};

    #[tokio::test(start_paused = true)]
    async fn what_is_ready_comes_before_the_timer() {
        let timer = pin!(sleep(Duration::ZERO));
        assert_eq!(in_time(pin!(async { 7 }), timer).await, Some(7));
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
        assert_eq!(local.run_until(in_time::<()>(pin!(busy), timer)).await, None);
    }
}
