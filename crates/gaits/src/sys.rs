//! What is asked of the operating system, apart from reading and writing.

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::stat::{FileStat, SFlag, fstat, stat};
use nix::unistd::syncfs;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Whether `output` is the regular file that standard input reads.
pub(crate) fn is_stdin(output: BorrowedFd<'_>) -> bool {
    is_regular_and_same(output, fstat(io::stdin().as_fd()))
}

/// Whether `output` is the regular file at `path`.
pub(crate) fn is_file_at(output: BorrowedFd<'_>, path: &Path) -> bool {
    is_regular_and_same(output, stat(path))
}

fn is_regular_and_same(output: BorrowedFd<'_>, other: nix::Result<FileStat>) -> bool {
    let is_file =
        |stat: &FileStat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG;
    match (fstat(output), other) {
        (Ok(output), Ok(other)) => {
            is_file(&other) && (output.st_dev, output.st_ino) == (other.st_dev, other.st_ino)
        }
        _ => false,
    }
}

/// Whether `stdout` was closed when this process began. The standard library then puts `/dev/null` in its place, open
/// both ways, which nobody who redirects output there does.
pub(crate) fn was_closed(stdout: BorrowedFd<'_>) -> bool {
    let flags = fcntl(stdout, FcntlArg::F_GETFL).map(OFlag::from_bits_truncate);
    let is_null = || match (fstat(stdout), fs::metadata("/dev/null")) {
        (Ok(stdout), Ok(null)) => stdout.st_rdev == null.rdev() && stdout.st_rdev != 0,
        _ => false,
    };
    flags.is_ok_and(|flags| flags & OFlag::O_ACCMODE == OFlag::O_RDWR) && is_null()
}

/// Brings all to the disk that was written to the file system that `file` is on.
pub(crate) fn sync_file_system(file: &File) -> io::Result<()> {
    Ok(syncfs(file)?)
}

/// CPU time of this process and of its worker processes, as far as they have been waited for, in microseconds.
pub(crate) fn cpu_us() -> io::Result<u64> {
    let spent = |usage: Usage| {
        let times = [usage.user_time(), usage.system_time()];
        times.iter().map(|time| time.tv_sec() * 1_000_000 + time.tv_usec()).sum::<i64>()
    };
    let total =
        spent(getrusage(UsageWho::RUSAGE_SELF)?) + spent(getrusage(UsageWho::RUSAGE_CHILDREN)?);
    Ok(total.unsigned_abs())
}
