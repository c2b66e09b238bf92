//! `--svg` and `--timeline`: small pictures, in files and on standard output.

use super::stdout;
use crate::exit::Trouble;
use crate::talk::{self, Colors};
use anyhow::{Context as _, anyhow};
use gaits::{Picture, write_svg};
use gaits_engine::journal::beside;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Which pictures are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) svg: Option<&'a PathBuf>,
    pub(super) timeline: bool,
}

impl Wanted<'_> {
    pub(super) const fn any(self) -> bool {
        self.svg.is_some() || self.timeline
    }

    /// Writes the file and gives the timeline, as far as they are asked for.
    pub(super) fn make(
        self,
        picture: &Picture,
        colors: Colors,
        quiet: bool,
    ) -> Result<String, Trouble> {
        if let Some(path) = self.svg {
            if stdout::is_meant_by(path) {
                stdout::print(&picture.svg())?;
            } else {
                write_svg(picture, path).map_err(|error| {
                    let what = format!("can't write {}", path.display());
                    Trouble::CouldNotGoOn(anyhow!(error).context(what))
                })?;
                if !quiet {
                    talk::line(&format!("gaits: wrote the picture {}", path.display()));
                }
            }
            // The timeline says so itself.
            for (run, why) in picture.not_drawn().filter(|_| !self.timeline) {
                talk::line(&format!("gaits: the items of {run} are not drawn: {why}"));
            }
        }
        if !self.timeline {
            return Ok(String::new());
        }
        let out = io::stdout();
        Ok(format!("\n{}", picture.timeline(colors.style(&out), talk::width(&out))))
    }
}

/// Files that options name, each with its option.
pub(super) type Named<'a> = [(&'a str, Option<&'a PathBuf>)];

/// Says no to files that can't be written, as far as that is known beforehand.
pub(super) fn check(files: &Named<'_>) -> Result<(), Trouble> {
    written(files).try_for_each(|(option, path)| check_one(option, path))
}

/// Those that are no standard output.
fn written<'a>(files: &Named<'a>) -> impl Iterator<Item = (&'a str, &'a PathBuf)> {
    let named = files.iter().filter_map(|(option, path)| path.map(|path| (*option, path)));
    named.filter(|(_, path)| !stdout::is_meant_by(path))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn check_one(option: &str, path: &Path) -> Result<(), Trouble> {
    let shown = path.display();
    if path.is_dir() || path.file_name().is_none() {
        return Err(Trouble::wrong(format!("{option}: {shown} is a folder")));
    }
    // A device or a pipe would be replaced by a file.
    if path.exists() && !path.is_file() {
        return Err(Trouble::wrong(format!("{option}: {shown} is there already and no file")));
    }
    let folder = folder_of(path);
    if !folder.is_dir() {
        return Err(Trouble::wrong(format!("{option}: there is no folder {}", folder.display())));
    }
    let aside = beside(path, "tmp");
    let tried = File::create(&aside).and_then(|_| fs::remove_file(&aside));
    tried.with_context(|| format!("{option}: can't write {shown}")).map_err(Trouble::Wrong)
}
