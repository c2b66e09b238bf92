//! Opens the sink that the command line names, or says why it can't.

use crate::args::Input;
use crate::exit::Trouble;
use anyhow::anyhow;
use gaits_core::Sink;
use gaits_engine::sink::JsonLines;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Where records go.
pub(crate) struct Output {
    /// What takes them.
    pub(crate) sink: Box<dyn Sink>,
    /// What messages call it.
    pub(crate) name: String,
}

/// Opens `path`, or standard output. Records that are there already are never overwritten unasked.
pub(crate) fn open(path: Option<&Path>, fresh: bool, input: &Input) -> Result<Output, Trouble> {
    let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
        let sink = Box::new(JsonLines::stream(io::stdout()));
        return Ok(Output { sink, name: "standard output".into() });
    };
    let name = path.display().to_string();
    let wrong =
        |error: io::Error| Trouble::Wrong(anyhow!(error).context(format!("can't write to {name}")));
    if path.is_dir() {
        return Err(Trouble::wrong(format!(
            "can't write to {name}: it is a directory; give a file, such as {}",
            path.join("results.jsonl").display()
        )));
    }
    let file = OpenOptions::new().append(true).create(true).open(path).map_err(wrong)?;
    let meta = file.metadata().map_err(wrong)?;
    if !meta.is_file() {
        return Ok(Output { sink: Box::new(JsonLines::stream(file)), name });
    }
    if is_input(&file, input) {
        return Err(Trouble::wrong(format!(
            "{name} is the input; records need a file of their own"
        )));
    }
    if meta.len() > 0 {
        if !fresh {
            return Err(Trouble::wrong(format!(
                "{name} has records already; give another file, or --fresh to start it over"
            )));
        }
        file.set_len(0).map_err(wrong)?;
    }
    Ok(Output { sink: Box::new(JsonLines::file(file).map_err(wrong)?), name })
}

/// Whether `file` is the very file that items are read from.
fn is_input(file: &File, input: &Input) -> bool {
    let Input::File(input) = input else { return false };
    match (file.metadata(), std::fs::metadata(input)) {
        (Ok(output), Ok(input)) => (output.dev(), output.ino()) == (input.dev(), input.ino()),
        _ => false,
    }
}
