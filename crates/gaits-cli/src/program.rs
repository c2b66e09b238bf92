//! What the engine has to know of this program.

use gaits::{Program, WorkerCommand, works};

/// The works that gaits brings along, and this binary once more for each worker process.
pub(crate) fn program() -> Program {
    Program { works: works(), worker: WorkerCommand::this_binary() }
}
