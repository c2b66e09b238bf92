//! Opens the sink that the command line names, or says why it can't.

use crate::args::Input;
use crate::exit::Trouble;
use anyhow::anyhow;
use gaits_core::{Record, Sink};
use gaits_engine::sink::JsonLines;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{FileStat, SFlag, fstat};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// Where records go.
pub(crate) struct Output {
    /// What takes them.
    pub(crate) sink: Box<dyn Sink>,
    /// What messages call it.
    pub(crate) name: String,
    /// The results file, where it is one.
    results: Option<Results>,
}

/// A results file, and what was there before.
struct Results {
    file: File,
    path: PathBuf,
    created: bool,
}

/// Opens `path`, or standard output. Records that are there already are never overwritten unasked, nor before there is
/// one to take their place.
pub(crate) fn open(path: Option<&Path>, fresh: bool, input: &Input) -> Result<Output, Trouble> {
    let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
        if is_input(io::stdout().as_fd(), input) {
            return Err(Trouble::wrong(
                "standard output is the input; records need a file of their own",
            ));
        }
        if was_closed(io::stdout().as_fd()) {
            return Err(Trouble::wrong(
                "standard output is closed; give a file for the records with -o FILE",
            ));
        }
        let sink = Box::new(JsonLines::stream(io::stdout()));
        return Ok(Output { sink, name: "standard output".into(), results: None });
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
    let created = !path.exists();
    let file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(wrong)?;
    let meta = file.metadata().map_err(wrong)?;
    if !meta.is_file() {
        return Ok(Output { sink: Box::new(JsonLines::stream(file)), name, results: None });
    }
    if is_input(file.as_fd(), input) {
        return Err(Trouble::wrong(format!(
            "{name} is the input; records need a file of their own"
        )));
    }
    if meta.len() > 0 && !fresh {
        return Err(Trouble::wrong(format!(
            "{name} has records already; give another file, or --fresh to start it over"
        )));
    }
    let copy = || file.try_clone().map_err(wrong);
    let records = JsonLines::file(copy()?).map_err(wrong)?;
    let old = if meta.len() > 0 { Some(copy()?) } else { None };
    let results = Results { path: path.to_owned(), created, file };
    Ok(Output { sink: Box::new(Fresh { records, old }), name, results: Some(results) })
}

impl Output {
    /// Leaves things as they were, where nothing was recorded.
    pub(crate) fn discard(self) {
        if let Some(results) = self.results
            && results.created
            && results.file.metadata().is_ok_and(|meta| meta.len() == 0)
        {
            // An empty file that stays does no harm.
            let _ = fs::remove_file(results.path);
        }
    }

    /// Cuts off what was written of a last record when the disk was full: the others are whole.
    pub(crate) fn mend(self) -> io::Result<()> {
        const CHUNK: u64 = 64 * 1024;
        // It tries once more to write what it still holds.
        drop(self.sink);
        let Some(Results { file, .. }) = self.results else { return Ok(()) };
        let mut end = file.metadata()?.len();
        let mut chunk = Vec::new();
        while end > 0 {
            let start = end.saturating_sub(CHUNK);
            chunk.resize(usize::try_from(end - start).map_err(io::Error::other)?, 0);
            file.read_exact_at(&mut chunk, start)?;
            if let Some(at) = chunk.iter().rposition(|byte| *byte == b'\n') {
                end = start + at as u64 + 1;
                break;
            }
            end = start;
        }
        if end < file.metadata()?.len() { file.set_len(end) } else { Ok(()) }
    }
}

/// Takes the old records away when the first new one comes.
#[derive(Debug)]
struct Fresh {
    records: JsonLines<File>,
    old: Option<File>,
}

impl Sink for Fresh {
    fn write(&mut self, record: &Record) -> io::Result<()> {
        if let Some(old) = self.old.take() {
            old.set_len(0)?;
        }
        self.records.write(record)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.records.flush()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.records.finish()
    }
}

/// Whether `output` is the very file that items are read from.
fn is_input(output: BorrowedFd<'_>, input: &Input) -> bool {
    let input = match input {
        Input::Listed { .. } => return false,
        Input::Stdin => fstat(io::stdin()),
        Input::File(path) => nix::sys::stat::stat(path),
    };
    let is_file =
        |stat: &FileStat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG;
    match (fstat(output), input) {
        (Ok(output), Ok(input)) => {
            is_file(&input) && (output.st_dev, output.st_ino) == (input.st_dev, input.st_ino)
        }
        _ => false,
    }
}

/// Whether standard output was closed when this process began. The standard library then puts `/dev/null` in its place,
/// open both ways, which nobody who redirects output there does.
fn was_closed(stdout: BorrowedFd<'_>) -> bool {
    let flags = fcntl(stdout, FcntlArg::F_GETFL).map(OFlag::from_bits_truncate);
    let is_null = || match (fstat(stdout), fs::metadata("/dev/null")) {
        (Ok(stdout), Ok(null)) => stdout.st_rdev == null.rdev() && stdout.st_rdev != 0,
        _ => false,
    };
    flags.is_ok_and(|flags| flags & OFlag::O_ACCMODE == OFlag::O_RDWR) && is_null()
}
