//! The works that gaits brings along.

use gaits_engine::Works;
use gaits_work::{cpu, http, wait};

/// The works that gaits brings along: `http`, `cpu` and `wait`. A program may add its own.
#[must_use]
pub fn works() -> Works {
    Works::new()
        .with(http::NAME, http::build)
        .with(cpu::NAME, cpu::build)
        .with(wait::NAME, wait::build)
}
