//! Races gaits against other programs that do the same work: see `README.md`.

mod args;
mod bare;
mod clients;
mod contender;
mod interrupt;
mod jobs;
mod machine;
mod measure;
mod race;
mod report;
mod server;
mod stats;
mod sys;
mod tools;
mod watch;

use anyhow::{Context, Result};
use args::Args;
use clap::Parser;
use interrupt::Interrupt;
use jobs::{Job, Session};
use machine::Others;
use race::Track;
use server::Nginx;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use tools::{Binary, Tools};

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(bare) = &args.bare {
        return bare.run().map_or_else(|error| refuse(&error), |()| ExitCode::SUCCESS);
    }
    if args.list {
        print!("{}", Args::list());
        return ExitCode::SUCCESS;
    }
    let interrupt = match Interrupt::install() {
        Ok(interrupt) => interrupt,
        Err(error) => return refuse(&error),
    };
    match bench(&args, &interrupt) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if interrupt.raised() => {
            eprintln!("interrupted; the servers are stopped");
            ExitCode::from(130)
        }
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

/// Runs the jobs that were asked for.
fn bench(args: &Args, interrupt: &Interrupt) -> Result<()> {
    let open_files = sys::raise_open_files()?;
    let gaits = match &args.gaits {
        Some(path) => binary(path)?,
        None => tools::build_gaits()?,
    };
    let baseline = args.baseline.as_deref().map(binary).transpose()?;
    let tools = Tools::find(gaits, baseline, &args.python);
    for line in tools.list() {
        println!("{line}");
    }
    let seed = args.seed.unwrap_or_else(|| u64::from(fastrand::u32(..)));
    println!("seed: {seed}\n");
    let nginx = match &tools.nginx {
        Ok(found) => Some(Nginx::start(&found.path)?),
        Err(_) => None,
    };
    let folder = tempfile::Builder::new()
        .prefix("gaits-bench")
        .tempdir()
        .context("failed to make a scratch folder")?;
    let mut sections = Vec::new();
    for job in args.jobs() {
        let random = fastrand::Rng::with_seed(seed);
        let (rounds, peers) = (args.rounds(), &args.peers);
        let track = Track { interrupt, folder: folder.path(), random, rounds, peers };
        let (nginx, quick) = (nginx.as_ref(), args.quick);
        let mut session = Session { tools: &tools, nginx, track, quick, open_files };
        let (others, load) = (Others::watch(nginx), machine::load());
        let mut section = job.run(&mut session)?;
        let disturbed = others.told(nginx);
        let when = When { job, seed, load, disturbed, open_files };
        section.circumstances = circumstances(args, &tools, &when)?;
        println!("{section}");
        // Where nothing could be run, the results of before say more.
        if args.record && !section.tables.is_empty() {
            eprintln!("recorded in {}", report::record(&section)?.display());
        }
        sections.push(section);
        if let Some(path) = &args.json {
            // After each job, so that an interrupted session leaves what it has.
            let json = serde_json::to_vec_pretty(&sections).context("failed to write JSON")?;
            fs::write(path, json).with_context(|| format!("failed to write {}", path.display()))?;
        }
    }
    Ok(())
}

/// A binary that was given. Its runs have other working folders, so its path must be absolute.
fn binary(path: &Path) -> Result<PathBuf> {
    path.canonicalize().with_context(|| format!("no gaits at {}", path.display()))
}

/// Under which circumstances a job ran.
struct When {
    job: Job,
    seed: u64,
    load: String,
    disturbed: String,
    open_files: u64,
}

/// When a job ran, on what, how, and how quiet it was.
fn circumstances(args: &Args, tools: &Tools, when: &When) -> Result<Vec<String>> {
    let When { job, seed, load, disturbed, open_files } = when;
    let date = Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]).output();
    let date = date.map_or("unknown".into(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    });
    let mut options = String::new();
    if args.quick {
        options += " --quick";
    }
    if !args.peers.is_empty() {
        options += " --peers ";
        options += &args.peers.join(",");
    }
    if args.baseline.is_some() {
        options += " --baseline FILE";
    }
    let command = format!(
        "cargo run --release --manifest-path bench/Cargo.toml -- --only {} --rounds {} --seed {seed}{options}",
        job.name(),
        args.rounds,
    );
    let commit = machine::commit();
    let built = match &args.gaits {
        None => format!("gaits built from commit {commit}"),
        Some(_) => format!("gaits given as a file; the sources beside it are at {commit}"),
    };
    let identities = tools.binaries().map(Binary::identity).collect::<Result<Vec<_>>>()?;
    let mut lines = vec![
        format!("run with `{command}`, ended {date}"),
        "figures are medians over the rounds; brackets hold the 95 % interval of the median, from order statistics".into(),
        format!("{built}; {}", identities.join(", ")),
        format!("machine: {}, at most {open_files} open files", machine::describe()),
        format!("load average when it began: {load}, when it ended: {}", machine::load()),
        format!("of the machine's processor time, other programs used {disturbed} meanwhile"),
        format!("programs: {}", tools.list().join("; ")),
    ];
    if args.quick {
        lines.push(
            "**a quick run: a tenth of the work, few rounds; these figures say little**".into(),
        );
    }
    Ok(lines)
}
