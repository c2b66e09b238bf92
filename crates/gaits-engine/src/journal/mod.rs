//! What is known of a results file that earlier runs have written to, and the files that stand beside it:
//! `docs/design/journal.md`.
//!
//! Limit: it reads and writes these files and decides nothing. Whether a run may go on, and with which items, is for
//! whoever puts the run together.

mod aside;
mod checkpoint;
mod done;
mod key;
mod run_file;
mod scan;
mod started;

pub(crate) use aside::commit;
pub use aside::{Aside, beside, sync_folder, write_aside};
pub use checkpoint::Checkpoint;
pub use done::{BLOCK, Done, item_hash, place_hash};
pub use key::Match;
pub use run_file::{Counts, Ending, Machine, RunEntry, RunFile, RunFileError, WrittenSetting};
pub use scan::{Line, ScanError, Scanned, Tail, last_line, scan, scan_lines};
pub use started::Started;
