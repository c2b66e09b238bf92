//! Which programs are there. Nothing is installed: what is missing is named, with where it comes from.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program that was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it says of its version.
    pub(crate) version: String,
}

/// A program that was found, or a sentence about how to get it.
pub(crate) type Tool = Result<Found, String>;

/// A binary of gaits.
#[derive(Debug)]
pub(crate) struct Binary {
    /// What its rows are called.
    pub(crate) name: &'static str,
    /// Where it is.
    pub(crate) path: PathBuf,
}

/// The name of the binary that is measured.
pub(crate) const GAITS: &str = "gaits";
/// The name of the build that it is compared with.
pub(crate) const BASELINE: &str = "baseline";

/// All that takes part.
#[derive(Debug)]
pub(crate) struct Tools {
    /// The binary that is measured.
    pub(crate) gaits: Binary,
    /// The build that it is compared with, if one was given.
    pub(crate) baseline: Option<Binary>,
    /// The server.
    pub(crate) nginx: Tool,
    /// A load generator in C, close to what the kernel allows.
    pub(crate) wrk: Tool,
    /// A load generator in Rust.
    pub(crate) oha: Tool,
    /// A load generator in C, for HTTP/2.
    pub(crate) h2load: Tool,
    /// curl with parallel transfers.
    pub(crate) curl: Tool,
    /// A downloader that goes on with what it had.
    pub(crate) aria2c: Tool,
    /// A downloader that goes on with what it had.
    pub(crate) wget2: Tool,
    /// Runs a program for each line of a list.
    pub(crate) xargs: Tool,
    /// GNU parallel, which does so as well.
    pub(crate) parallel: Tool,
    /// The interpreter alone.
    pub(crate) python: Tool,
    /// The interpreter with the requests package.
    pub(crate) requests: Tool,
    /// The interpreter with the aiohttp package.
    pub(crate) aiohttp: Tool,
    /// The interpreter with the Scrapy package.
    pub(crate) scrapy: Tool,
}

impl Tools {
    /// Looks for everything; `python` is the interpreter whose packages are used.
    pub(crate) fn find(gaits: PathBuf, baseline: Option<PathBuf>, python: &Path) -> Self {
        let interpreter = interpreter(python);
        let requests = package(&interpreter, "requests");
        let aiohttp = package(&interpreter, "aiohttp");
        let scrapy = package(&interpreter, "scrapy");
        Self {
            gaits: Binary { name: GAITS, path: gaits },
            baseline: baseline.map(|path| Binary { name: BASELINE, path }),
            nginx: program("nginx", "-v", "Debian package nginx"),
            wrk: program("wrk", "--version", "Debian package wrk"),
            oha: program("oha", "--version", "crate oha: cargo install --locked oha"),
            h2load: program("h2load", "--version", "Debian package nghttp2-client"),
            curl: program("curl", "--version", "Debian package curl").and_then(parallel_curl),
            aria2c: program("aria2c", "--version", "Debian package aria2"),
            wget2: program("wget2", "--version", "Debian package wget2"),
            xargs: program("xargs", "--version", "Debian package findutils"),
            parallel: program("parallel", "--version", "Debian package parallel"),
            python: interpreter,
            requests,
            aiohttp,
            scrapy,
        }
    }

    /// The binary that is measured and, if one was given, the one it is compared with.
    pub(crate) fn binaries(&self) -> impl Iterator<Item = &Binary> {
        std::iter::once(&self.gaits).chain(&self.baseline)
    }

    /// Each program with its version, or how to get it.
    pub(crate) fn list(&self) -> Vec<String> {
        let all = [
            ("nginx", &self.nginx),
            ("wrk", &self.wrk),
            ("oha", &self.oha),
            ("h2load", &self.h2load),
            ("curl", &self.curl),
            ("aria2c", &self.aria2c),
            ("wget2", &self.wget2),
            ("xargs", &self.xargs),
            ("parallel", &self.parallel),
            ("python3", &self.python),
            ("requests", &self.requests),
            ("aiohttp", &self.aiohttp),
            ("scrapy", &self.scrapy),
        ];
        let line = |(name, tool): (&str, &Tool)| match tool {
            Ok(found) => found.version.clone(),
            Err(why) => format!("{name}: MISSING, its rows are skipped; {why}"),
        };
        all.into_iter().map(line).collect()
    }
}

impl Binary {
    /// The beginning of its BLAKE3 hash: which build it was.
    pub(crate) fn identity(&self) -> Result<String> {
        let bytes = fs::read(&self.path)
            .with_context(|| format!("failed to read {}", self.path.display()))?;
        Ok(format!("{} (BLAKE3 {}…)", self.name, &blake3::hash(&bytes).to_hex()[..12]))
    }
}

/// Builds gaits with the profile it is shipped with and says where the binary is.
pub(crate) fn build_gaits() -> Result<PathBuf> {
    eprintln!("building gaits (give --gaits FILE to measure another binary)");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let output = Command::new(cargo)
        .args([
            "build",
            "--release",
            "--package",
            "gaits-cli",
            "--message-format",
            "json-render-diagnostics",
        ])
        .arg("--manifest-path")
        .arg(manifest)
        .stderr(Stdio::inherit())
        .output()
        .context("failed to run cargo")?;
    if !output.status.success() {
        bail!("gaits does not build");
    }
    executable(&String::from_utf8_lossy(&output.stdout)).context("cargo names no binary of gaits")
}

fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut binaries =
        messages.filter_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)));
    binaries.find(|path| path.file_stem().is_some_and(|name| name == "gaits"))
}

fn program(name: &str, version: &str, comes_from: &str) -> Tool {
    // Servers are installed where not every user's PATH goes.
    let path = env::var_os("PATH").unwrap_or_default();
    let folders =
        env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    let path = found.ok_or_else(|| format!("install it: {comes_from}"))?;
    // Some programs end with an error after saying their version, and some say it on standard error.
    let output = Command::new(&path)
        .arg(version)
        .output()
        .map_err(|error| format!("{name} does not run: {error}"))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    Ok(Found { path, version: brief(&said) })
}

/// The words of the first line up to the one that holds the version.
fn brief(said: &str) -> String {
    let words: Vec<&str> =
        said.lines().next().unwrap_or_default().split_whitespace().take(6).collect();
    let is_version =
        |word: &&str| word.contains('.') && word.contains(|c: char| c.is_ascii_digit());
    let last = words.iter().position(is_version);
    words[..last.map_or(words.len(), |last| last + 1)].join(" ")
}

/// curl transfers in parallel since 7.66.
fn parallel_curl(found: Found) -> Tool {
    let mut numbers = found
        .version
        .split_whitespace()
        .nth(1)
        .unwrap_or_default()
        .split('.')
        .map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= (7, 66) => Ok(found),
        _ => Err(format!(
            "{} has no -Z; install curl 7.66 or newer: Debian package curl",
            found.version
        )),
    }
}

/// The interpreter itself: what is called `python3` may be a script that looks for one, which costs time.
fn interpreter(python: &Path) -> Tool {
    let script =
        "import sys, platform; print(sys.executable); print('Python', platform.python_version())";
    let missing = "give --python FILE, or install it: Debian package python3";
    let said = ask(python, script)
        .ok_or_else(|| format!("{} does not run; {missing}", python.display()))?;
    let mut lines = said.lines();
    let (Some(path), Some(version)) = (lines.next(), lines.next()) else {
        return Err(missing.into());
    };
    Ok(Found { path: path.into(), version: version.into() })
}

fn package(python: &Tool, name: &str) -> Tool {
    let python = python.as_ref().map_err(Clone::clone)?;
    let script = format!("import {name}; print('{name}', {name}.__version__)");
    let version = ask(&python.path, &script).ok_or_else(|| {
        format!(
            "install {name} from PyPI and give --python FILE if it is in an environment of its own"
        )
    })?;
    Ok(Found { path: python.path.clone(), version: version.trim().to_owned() })
}

fn ask(python: &Path, script: &str) -> Option<String> {
    let output = Command::new(python).args(["-c", script]).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binary_is_found_in_cargos_messages() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\nnot json\n\
            {\"reason\":\"compiler-artifact\",\"executable\":\"/t/release/gaits\"}\n";
        assert_eq!(executable(messages), Some(PathBuf::from("/t/release/gaits")));
        assert_eq!(executable(""), None);
    }

    #[test]
    fn what_is_missing_is_told_with_where_it_comes_from() {
        let why = program("no-such-program", "--version", "Debian package x").unwrap_err();
        assert!(why.contains("Debian package x"));
        assert!(interpreter(Path::new("no-such-python")).unwrap_err().contains("--python"));
    }

    #[test]
    fn of_a_version_no_more_is_kept_than_the_version() {
        let nginx = "nginx version: nginx/1.22.1\n";
        assert_eq!(brief(nginx), "nginx version: nginx/1.22.1");
        assert_eq!(brief("curl 7.88.1 (x86_64) libcurl/7.88.1\nRelease-Date"), "curl 7.88.1");
        assert_eq!(brief("wrk debian/4.1.0-3+b2 [epoll] Copyright"), "wrk debian/4.1.0-3+b2");
        assert_eq!(brief("h2load nghttp2/1.52.0\n"), "h2load nghttp2/1.52.0");
        assert_eq!(brief(""), "");
    }

    #[test]
    fn an_old_curl_is_refused() {
        let found = |version: &str| Found { path: "curl".into(), version: version.into() };
        assert!(parallel_curl(found("curl 7.65.3 (x86_64)")).is_err());
        assert!(parallel_curl(found("curl 7.88.1 (x86_64)")).is_ok());
        assert!(parallel_curl(found("curl 8.5.0 (x86_64)")).is_ok());
    }
}
