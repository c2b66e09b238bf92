//! From the engine's words to the report's.

use gaits_engine::plan::Model;
use gaits_report::Layout;

/// How the workers of a model are laid out, in the words of the report.
pub(crate) fn layout(model: Model) -> Layout {
    let layout = model.layout();
    let plain = Layout::new(layout.processes, layout.threads, layout.in_flight);
    match model.pool {
        Some(threads) => plain.with_pool(threads.get()),
        None => plain,
    }
}
