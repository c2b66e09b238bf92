//! Something that takes long to make: it is made once, on a thread of the blocking pool, however many wait for it.
//!
//! Limit: a failure is remembered only if it is a part of what is made; any other one is for whoever waits longest, and the
//! next one tries again.

use super::super::blocking;
use super::super::fault::Fault;
use gaits_core::ErrorKind;
use std::fmt;
use std::sync::{Arc, OnceLock};
use tokio::sync::Semaphore;

/// Something that is made once. Those who wait for it may run on different event loops.
#[derive(Debug)]
pub(super) struct Once<T> {
    made: Arc<OnceLock<T>>,
    /// Has one permit, for whoever makes it. It is closed once it is made, so that all who wait go on at once.
    turn: Arc<Semaphore>,
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self { made: Arc::default(), turn: Arc::new(Semaphore::new(1)) }
    }
}

impl<T: Clone + Send + Sync + 'static> Once<T> {
    /// What was made; it is made now, with `create`, if it was not.
    ///
    /// # Errors
    ///
    /// Those of `create`, and that the event loop is being shut down.
    pub(super) async fn get(
        &self,
        create: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        if let Some(made) = self.made.get() {
            return Ok(made.clone());
        }
        let permit = Arc::clone(&self.turn).acquire_owned().await;
        if let Some(made) = self.made.get() {
            return Ok(made.clone());
        }
        let permit = permit.map_err(|e| ended(&e))?;
        let (cell, turn) = (Arc::clone(&self.made), Arc::clone(&self.turn));
        let making = blocking::start(move || {
            // Whoever waits may give up before this is done, and another must not begin then.
            let _permit = permit;
            let made = create()?;
            let made = cell.get_or_init(|| made).clone();
            turn.close();
            Ok(made)
        });
        making.await.map_err(|e| ended(&e))?
    }
}

fn ended(why: &dyn fmt::Display) -> Fault {
    Fault::new(ErrorKind::Cancelled, why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    use std::sync::mpsc;
    use std::task::{Context, Waker};

    #[tokio::test]
    async fn it_is_made_once_on_another_thread_though_the_first_who_waits_gives_up() {
        let (once, count) = (Once::default(), Arc::new(AtomicU32::new(0)));
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let here = std::thread::current().id();
        {
            let count = Arc::clone(&count);
            let first = pin!(once.get(move || {
                count.fetch_add(1, SeqCst);
                may_go_on.recv().unwrap();
                Ok(std::thread::current().id())
            }));
            assert!(first.poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        let again = || once.get(|| panic!("it is being made"));
        let others = async { tokio::join!(again(), again()) };
        // This loop goes on while it is made, and is what ends that.
        let (others, ()) = tokio::join!(others, async {
            tokio::task::yield_now().await;
            go_on.send(()).unwrap();
        });
        let (second, third) = (others.0.unwrap(), others.1.unwrap());
        assert_ne!(second, here);
        assert_eq!((second, count.load(SeqCst)), (third, 1));
        assert_eq!(again().await.unwrap(), second);
    }

    #[test]
    fn others_on_another_event_loop_wait_for_the_same() {
        let once = Once::default();
        let (begun, has_begun) = mpsc::channel::<()>();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let once = &once;
            let other = scope.spawn(move || {
                has_begun.recv().unwrap();
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(async {
                    let waiting = once.get(|| panic!("it is being made"));
                    tokio::join!(waiting, async { go_on.send(()).unwrap() }).0
                })
            });
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let made = runtime.block_on(once.get(move || {
                begun.send(()).unwrap();
                may_go_on.recv().unwrap();
                Ok(7)
            }));
            assert_eq!((made.unwrap(), other.join().unwrap().unwrap()), (7, 7));
        });
    }

    #[test]
    fn it_is_made_where_no_thread_can_be_started_and_nobody_waits_for_ever() {
        let once = Once::default();
        blocking::without_threads().block_on(async {
            assert!(once.get(|| Err(Fault::exhausted("trying", "too many"))).await.is_err());
            assert_eq!(once.get(|| Ok(7)).await.unwrap(), 7);
        });
    }

    #[tokio::test]
    async fn what_could_not_be_made_is_tried_again() {
        let once = Once::default();
        let failed = once.get(|| Err(Fault::exhausted("trying", "too many open files"))).await;
        assert!(matches!(failed, Err(Fault::Exhausted(_))), "{failed:?}");
        assert_eq!(once.get(|| Ok(7)).await.unwrap(), 7);
    }
}
