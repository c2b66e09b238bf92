//! What is said to the user, on standard error. A closed standard error is nobody to talk to, and no reason to stop.

use gaits_engine::Notice;
use gaits_report::Style;
use std::io::{self, IsTerminal, Write};

/// Says one line.
pub(crate) fn line(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Says a text that ends its own lines.
pub(crate) fn text(text: &str) {
    let _ = write!(io::stderr(), "{text}");
}

/// Says what went wrong, with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    line(&format!("gaits: {error:#}"));
}

/// How a notice is put.
pub(crate) fn notice(notice: &Notice) -> String {
    match notice {
        Notice::WorkerSaid { pid, line } => format!("worker {pid}: {line}"),
        Notice::WorkerDied { pid, how } => {
            format!("gaits: worker process {pid} was {how}; another takes its place")
        }
        Notice::WorkerNotStarted { why } => {
            format!("gaits: can't start a worker process, going on with the others: {why}")
        }
        Notice::FewerWorkers { left, why } => {
            format!("gaits: going on with {left} workers: {why}")
        }
        Notice::Stopping { in_flight } => {
            format!(
                "gaits: stopping; {in_flight} in flight are finished first, Ctrl-C again stops at once"
            )
        }
        other => format!("gaits: {other:?}"),
    }
}

/// Whether `stream` may be coloured: a terminal, unless `NO_COLOR` is set.
pub(crate) fn style(stream: &impl IsTerminal) -> Style {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if stream.is_terminal() && !plain { Style::COLOR } else { Style::PLAIN }
}
