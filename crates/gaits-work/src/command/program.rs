//! Finds the program that a name means, once and not at every item.

use nix::unistd::{AccessFlags, access};
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Where programs are looked for.
#[derive(Debug)]
pub(super) struct Programs {
    /// What relative paths start from: where the program will be started.
    base: PathBuf,
    path: OsString,
}

impl Programs {
    /// Those that can be started in the folder `cwd`, or where gaits was, with these environment variables.
    pub(super) fn of(cwd: Option<&Path>, variables: &[(String, String)]) -> Self {
        let own = env::current_dir().unwrap_or_default();
        let base = cwd.map_or_else(|| own.clone(), |cwd| own.join(cwd));
        let given = variables.iter().rev().find(|(name, _)| name == "PATH");
        let path = given.map(|(_, path)| path.into()).or_else(|| env::var_os("PATH"));
        Self { base, path: path.unwrap_or_else(|| "/usr/local/bin:/bin:/usr/bin".into()) }
    }

    /// The file that `name` means.
    ///
    /// # Errors
    /// Says why there is none that can be executed.
    pub(super) fn find(&self, name: &str) -> Result<PathBuf, String> {
        if name.is_empty() {
            return Err("no command: give a program and its arguments".to_owned());
        }
        if name.contains('/') {
            let path = self.base.join(name);
            return can_run(&path).map(|()| path).map_err(|why| format!("`{name}`: {why}"));
        }
        let mut refused = None;
        for folder in env::split_paths(&self.path) {
            let path = self.base.join(folder).join(name);
            match can_run(&path) {
                Ok(()) => return Ok(path),
                Err(why) if path.exists() => refused = refused.or(Some((path, why))),
                Err(_) => {}
            }
        }
        Err(match refused {
            Some((path, why)) => format!("{}: {why}", path.display()),
            None => format!("there is no program `{name}` in the folders of PATH"),
        })
    }
}

fn can_run(path: &Path) -> Result<(), String> {
    let about = path.metadata().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such program".to_owned(),
        _ => error.to_string(),
    })?;
    if about.is_dir() {
        return Err("it is a folder, not a program".to_owned());
    }
    access(path, AccessFlags::X_OK).map_err(|error| format!("it can't be executed: {error}"))
}

/// What messages call a program.
pub(super) fn shown(program: &OsStr) -> String {
    format!("`{}`", program.to_string_lossy())
}
