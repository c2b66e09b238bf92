//! The work itself: what it says about items, and what it makes of how a program has ended.

use super::capture::Capture;
use super::detail::{self, CommandDetail, NAME};
use super::guard::{Guard, GuardCommand};
use super::run::{self, Ended, Kept, NotStarted};
use super::spec::CommandSpec;
use super::template::{ItemAs, Template};
use crate::settings;
use gaits_core::{
    Advice, AsyncSession, AsyncWork, Clock, Data, Detail, ErrorKind, Facts, Item, ItemError,
    PerformFuture, Performed, Performs, Refused, Reply, Services, SessionError, SessionScope,
    Setting, Value, Work,
};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::Signal;
use std::os::unix::process::ExitStatusExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use wait4::ResUse;

/// Makes the work from its settings, without a guard: a command outlives the process that has started it, if that one is killed.
///
/// # Errors
/// Says what is wrong with the settings; above all, that the program is not there.
pub fn build(settings: &Value, services: &Services) -> Result<Arc<dyn Work>, String> {
    make(settings, services, None)
}

/// Makes what makes the work from its settings, with a guard that is started so.
pub fn builder(
    guard: GuardCommand,
) -> impl Fn(&Value, &Services) -> Result<Arc<dyn Work>, String> + Send + Sync + 'static {
    move |settings, services| make(settings, services, Some(&guard))
}

fn make(
    settings: &Value,
    services: &Services,
    guard: Option<&GuardCommand>,
) -> Result<Arc<dyn Work>, String> {
    let spec: CommandSpec = settings::from_value(settings).map_err(|e| e.to_string())?;
    let template = spec.template()?;
    let guard = guard.map(|start| Guard::new(start.clone(), spec.guard.clone()));
    let run = run::Settings {
        cwd: spec.cwd.clone(),
        env: spec.env.clone(),
        timeout: spec.timeout,
        capture: usize::try_from(spec.capture).unwrap_or(usize::MAX),
    };
    let clock = Arc::clone(&services.clock);
    let at_work = AtomicUsize::new(0);
    Ok(Arc::new(CommandWork(Arc::new(Shared { spec, template, guard, run, clock, at_work }))))
}

#[derive(Debug)]
struct CommandWork(Arc<Shared>);

/// What the sessions of a process share.
struct Shared {
    spec: CommandSpec,
    template: Template,
    guard: Option<Guard>,
    run: run::Settings,
    clock: Arc<dyn Clock>,
    /// How many programs are being started or at work.
    at_work: AtomicUsize,
}

/// Counts a program for as long as it lives.
struct AtWork<'a>(&'a AtomicUsize);

impl<'a> AtWork<'a> {
    fn of(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl Work for CommandWork {
    fn performs(&self) -> Performs<'_> {
        Performs::Async(self)
    }

    fn keeps_white_space(&self) -> bool {
        true
    }

    fn settings(&self) -> Vec<Setting> {
        self.0.spec.public_settings()
    }

    fn inspect<'a>(&self, item: &'a Data) -> Result<Facts<'a>, Refused> {
        if self.0.template.has_item() && item.as_bytes().contains(&0) {
            return Err("an item with a NUL byte can't be an argument; --stdin, without {}, gives it on standard input"
                .to_owned()
                .into());
        }
        let repeatable = self.0.spec.repeatable;
        Ok(Facts { pacing_key: "".into(), public: false, repeatable, shown: None })
    }
}

impl AsyncWork for CommandWork {
    fn open(&self, _: SessionScope) -> Result<Box<dyn AsyncSession>, SessionError> {
        Ok(Box::new(Session { shared: Arc::clone(&self.0), kept: Kept::default() }))
    }
}

struct Session {
    shared: Arc<Shared>,
    kept: Kept,
}

impl AsyncSession for Session {
    fn perform<'a>(&'a self, item: &'a Item) -> PerformFuture<'a> {
        Box::pin(async move {
            let failed = |message| ItemError::new(ErrorKind::Command, message);
            match run::when_there_is_room(async || self.shared.run(item, &self.kept).await).await {
                Ok(ended) => Reply::Done(self.shared.performed(ended)),
                Err(NotStarted::Exhausted(message)) => Reply::Exhausted(failed(message)),
                // Those at work need no more than they have; with fewer workers there is room for all.
                Err(NotStarted::ForNow(message)) if self.shared.at_work.load(Relaxed) > 0 => {
                    Reply::Exhausted(failed(message))
                }
                // Nothing was started, so no item is to have a record of it.
                Err(NotStarted::ForNow(message)) => Reply::Done(Performed {
                    advice: Advice::Stop,
                    ..Performed::failed(failed(message), None)
                }),
                Err(NotStarted::Failed(message)) => {
                    Reply::Done(Performed::failed(failed(message), None))
                }
            }
        })
    }
}

impl Shared {
    async fn run(&self, item: &Item, kept: &Kept) -> Result<Ended, NotStarted> {
        if let Some(guard) = &self.guard {
            guard.watch().map_err(|error| {
                NotStarted::of(&error, "no guard can be started, and without it nothing is")
            })?;
        }
        let filled = self.template.with(item.data.as_bytes());
        let stdin = (self.spec.item == ItemAs::Stdin).then(|| on_stdin(&item.data));
        let _at_work = AtWork::of(&self.at_work);
        run::run(filled, stdin, &self.run, kept, &*self.clock).await
    }

    /// What came of an item.
    fn performed(&self, ended: Ended) -> Performed {
        let outcome = self.outcome(&ended);
        let detail = Some(Detail::new(NAME, measured(ended)));
        match outcome {
            Ok(()) => Performed::ok(detail),
            Err(error) => {
                let advice = if self.spec.repeatable { Advice::Retry } else { Advice::Final };
                Performed { advice, ..Performed::failed(error, detail) }
            }
        }
    }

    fn outcome(&self, ended: &Ended) -> Result<(), ItemError> {
        let failed = |message: String| Err(ItemError::new(ErrorKind::Command, message));
        if ended.timed_out {
            let timeout = self.spec.timeout.unwrap_or_default();
            let message = format!("still at work after {timeout:?}: its process group was ended");
            return Err(ItemError::new(ErrorKind::Timeout, message));
        }
        let Some(ResUse { status, .. }) = &ended.used else {
            return failed("nobody knows how it has ended".to_owned());
        };
        match (status.code(), status.signal()) {
            (Some(0), _) => Ok(()),
            (Some(code), _) => failed(format!("exited with status {code}")),
            (None, Some(number)) => {
                let name = Signal::try_from(number);
                let name = name.map_or_else(|_| String::new(), |name| format!(" ({name})"));
                failed(format!("was killed by signal {number}{name}"))
            }
            (None, None) => failed("ended".to_owned()),
        }
    }
}

/// An item as a program reads it: a text is a line.
fn on_stdin(item: &Data) -> Vec<u8> {
    let mut bytes = item.as_bytes().to_vec();
    if item.as_text().is_some() {
        bytes.push(b'\n');
    }
    bytes
}

/// The most memory that this process has held, in bytes.
fn own_peak_memory() -> u64 {
    // The kernel tells kilobytes of 2^10 bytes.
    getrusage(UsageWho::RUSAGE_SELF).map_or(0, |used| used.max_rss().unsigned_abs() * 1_024)
}

fn measured(ended: Ended) -> CommandDetail {
    let Ended { pid, used, stdout, stderr, .. } = ended;
    let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let byte = |number: Option<i32>| number.and_then(|number| u8::try_from(number).ok());
    let status = used.as_ref().map(|used| used.status);
    let rusage = used.map(|used| used.rusage);
    CommandDetail {
        exit: byte(status.and_then(|status| status.code())),
        signal: byte(status.and_then(|status| status.signal())),
        pid,
        user_us: rusage.as_ref().map_or(0, |used| us(used.utime)),
        system_us: rusage.as_ref().map_or(0, |used| us(used.stime)),
        peak_memory: rusage.map(|used| used.maxrss).filter(|peak| *peak > own_peak_memory()),
        stdout_bytes: stdout.bytes(),
        stderr_bytes: stderr.bytes(),
        truncated: stdout.is_truncated() || stderr.is_truncated(),
        stdout: detail::written(Capture::into_kept(stdout)),
        stderr: detail::written(Capture::into_kept(stderr)),
    }
}
