//! The works that gaits brings along, and works that are only asked.

use gaits_core::{Services, Work};
use gaits_engine::plan::WorkSpec;
use gaits_engine::{MonotonicClock, WorkError, Works};
use gaits_work::command::guard::GuardCommand;
use gaits_work::{command, cpu, http, wait};
use std::sync::Arc;

/// The works that gaits brings along: `http`, `cpu`, `wait` and `command`. A program may add its own.
///
/// Nothing ends the commands of a process that is killed; [`works_with_guard`] starts what does.
#[must_use]
pub fn works() -> Works {
    Works::new()
        .with(http::NAME, http::build)
        .with(cpu::NAME, cpu::build)
        .with(wait::NAME, wait::build)
        .with(command::NAME, command::build)
}

/// The same, with a guard process that ends the commands of a process that is killed. It is started as `guard` says, with the
/// first command of a run.
#[must_use]
pub fn works_with_guard(guard: GuardCommand) -> Works {
    works().with(command::NAME, command::builder(guard))
}

/// Sets up the work of a plan to ask it about itself and about items. It is not performed: a run sets up its own, and
/// only that one tells the user something.
///
/// # Errors
/// No work has that name, or its settings can't be used.
pub fn set_up(works: &Works, spec: &WorkSpec) -> Result<Arc<dyn Work>, WorkError> {
    let clock = Arc::new(MonotonicClock::start());
    let services = Services { clock, tell: Arc::new(|_| {}), heeds_pauses: true };
    works.build(&spec.name, &spec.settings, &services)
}
