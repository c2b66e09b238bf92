//! The work `command`: a program is run for each item. `docs/design/command.md`.
//!
//! Limit: what a program starts in another process group is not followed.

mod capture;
mod detail;
pub mod guard;
mod program;
mod run;
mod spec;
mod template;
mod work;

pub use detail::{CommandDetail, NAME};
pub use spec::{CommandSpec, DEFAULT_CAPTURE, MOST_CAPTURE};
pub use template::ItemAs;
pub use work::{build, builder};
