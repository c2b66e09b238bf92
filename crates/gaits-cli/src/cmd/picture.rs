//! `--svg` and `--timeline`: small pictures, in files and on standard output.

use super::stdout;
use crate::exit::Trouble;
use crate::talk::{self, Colors};
use anyhow::{Context as _, anyhow};
use gaits::{Input, Picture, Place, write_svg};
use gaits_engine::journal::Aside;
use std::fs;
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

/// Says no to files that can't be written, or are one file, as far as that is known beforehand.
pub(super) fn check(files: &Named<'_>) -> Result<(), Trouble> {
    let mut before: Vec<(&str, PathBuf)> = Vec::new();
    for (option, path) in written(files) {
        check_one(option, path)?;
        let place = place(path);
        if let Some((other, _)) = before.iter().find(|(_, other)| *other == place) {
            return Err(Trouble::wrong(format!("{other} and {option} name one file")));
        }
        before.push((option, place));
    }
    Ok(())
}

/// Says no to files that would take the place of one that is `read`, or that lies in a folder which is.
pub(super) fn spare(
    files: &Named<'_>,
    read: impl IntoIterator<Item = PathBuf>,
) -> Result<(), Trouble> {
    let read: Vec<PathBuf> = read.into_iter().map(|path| place(&path)).collect();
    for (option, path) in written(files) {
        let place = place(path);
        if read.iter().any(|read| place.starts_with(read)) {
            let shown = path.display();
            return Err(Trouble::wrong(format!(
                "{option}: {shown} is what is read; give another file"
            )));
        }
    }
    Ok(())
}

/// The files that lists of items are read from.
pub(super) fn lists(input: &Input) -> impl Iterator<Item = PathBuf> {
    input.places().into_iter().filter_map(|place| match place {
        Place::File(path) => Some(path),
        Place::Stdin | Place::Made(_) => None,
    })
}

/// Those that are no standard output.
fn written<'a>(files: &Named<'a>) -> impl Iterator<Item = (&'a str, &'a PathBuf)> {
    let named = files.iter().filter_map(|(option, path)| path.map(|path| (*option, path)));
    named.filter(|(_, path)| !stdout::is_meant_by(path))
}

/// Where a file lies or is to lie, by whichever name.
fn place(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| {
        let folder = fs::canonicalize(folder_of(path)).unwrap_or_default();
        folder.join(path.file_name().unwrap_or_default())
    })
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
    let tried = Aside::create_unshared(path).map(drop);
    tried.with_context(|| format!("{option}: can't write {shown}")).map_err(Trouble::Wrong)
}
