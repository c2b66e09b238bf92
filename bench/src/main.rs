//! Races gaits against other programs that do the same work: see `README.md`.

mod args;
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
use report::Section;
use server::Nginx;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use tools::Tools;

fn main() -> ExitCode {
    let args = Args::parse();
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
        Some(path) => {
            path.canonicalize().with_context(|| format!("no gaits at {}", path.display()))?
        }
        None => tools::build_gaits()?,
    };
    let tools = Tools::find(gaits, &args.python);
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
    for job in args.jobs() {
        let random = fastrand::Rng::with_seed(seed);
        let track = Track { interrupt, folder: folder.path(), random, rounds: args.rounds() };
        let mut session =
            Session { tools: &tools, nginx: nginx.as_ref(), track, quick: args.quick };
        let (others, load) = (Others::watch(nginx.as_ref()), machine::load());
        let mut section = job.run(&mut session)?;
        let disturbed = others.told(nginx.as_ref());
        section.circumstances =
            circumstances(args, job, seed, &tools, &load, &disturbed, open_files);
        show(&section, args.record)?;
    }
    Ok(())
}

fn show(section: &Section, record: bool) -> Result<()> {
    println!("{section}");
    if record {
        let path: PathBuf = report::record(section)?;
        eprintln!("recorded in {}", path.display());
    }
    Ok(())
}

/// When a job ran, on what, how, and how quiet it was.
fn circumstances(
    args: &Args,
    job: Job,
    seed: u64,
    tools: &Tools,
    load: &str,
    disturbed: &str,
    open_files: u64,
) -> Vec<String> {
    let date = Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]).output();
    let date = date.map_or("unknown".into(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    });
    let quick = if args.quick { " --quick" } else { "" };
    let command = format!(
        "cargo run --release --manifest-path bench/Cargo.toml -- --only {} --rounds {} --seed {seed}{quick}",
        job.name(),
        args.rounds,
    );
    let mut lines = vec![
        format!("run with `{command}`, ended {date}"),
        match &args.gaits {
            None => format!("gaits built from commit {}", machine::commit()),
            Some(_) => {
                format!("gaits given as a file; the sources beside it are at {}", machine::commit())
            }
        },
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
    lines
}
