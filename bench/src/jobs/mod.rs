//! What is raced. Each job makes one section of the report.

mod bodies;
mod command;
mod cpu;
mod dedupe;
mod export;
mod finishing;
mod hosts;
mod http2;
mod in_flight;
mod items;
mod latency;
mod many_hosts;
mod memory;
mod overhead;
mod pacing;
mod pause;
mod post;
mod proxy;
mod scale;
mod start;
mod throughput;
mod tls;

use crate::contender::Entrant;
use crate::race::Track;
use crate::report::Section;
use crate::server::Nginx;
use crate::tools::{Binary, Tools};
use anyhow::{Context, Result};
use clap::ValueEnum;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// A job, by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Job {
    /// Requests a second: 50-byte bodies, 50 in flight
    Small,
    /// Requests a second: 50-byte bodies with 1, 10, 500 and 5,000 in flight
    InFlight,
    /// Requests a second: 10 kB bodies, 50 in flight
    Large,
    /// Requests a second: 1 MB bodies, 50 in flight, against a bare client that receives and hashes
    Huge,
    /// Requests a second over TLS on 50 kept connections
    Tls,
    /// Requests a second over TLS with a new connection for each
    TlsNew,
    /// Requests a second over HTTP/2 with 50 and 500 in flight
    Http2,
    /// 2,560 requests in rotation over 64 hosts: how many connections are opened
    Hosts,
    /// 100, 1,000 and 10,000 requests at once to a server that takes 230 ms: seconds, and memory for each
    Latency,
    /// One URL, and the version: what it costs to start gaits; with --baseline, against that build
    Start,
    /// product(30) on one core and on two
    Cpu,
    /// What an item costs that does nothing
    Overhead,
    /// The program `true` 5,000 times: gaits, xargs and GNU parallel
    Command,
    /// A million URLs from a file: what is held meanwhile
    Memory,
    /// Ten million URLs over 64 hosts: memory, whether the rate holds, and how long a resume takes
    Scale,
    /// A million URLs over 100,000 hosts with a limit for each host, and without one
    ManyHosts,
    /// A limit of 50 for the host under `async:100`, against `async:50`
    Pacing,
    /// 100,000 bodies of 10 kB to files, against curl -Z, which syncs nothing
    Bodies,
    /// Requests a second through an HTTP proxy, against curl -Z through the same
    Proxy,
    /// POSTs of 1 kB of JSON a second, against GETs, and against oha that sends the same
    Post,
    /// Two million items from a list and from a CSV with a template: what it costs to read one
    Items,
    /// Ten million different URLs with --dedupe: memory, and whether the count is right
    Dedupe,
    /// A million records as CSV and as Parquet
    Export,
    /// How late the last request to a host starts after an answer that pauses it, under every model
    Pause,
    /// What is lost, done twice or wrong when a server has faults and the program is killed: gaits and others
    Finishing,
}

/// What a job may use.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    /// The programs.
    pub(crate) tools: &'a Tools,
    /// The server, if it is there.
    pub(crate) nginx: Option<&'a Nginx>,
    /// Where the races are run.
    pub(crate) track: Track<'a>,
    /// Whether to do a tenth of the work only.
    pub(crate) quick: bool,
    /// How many files each program may have open.
    pub(crate) open_files: u64,
}

impl Job {
    /// All of them, in the order of the results file.
    pub(crate) const ALL: [Self; 25] = [
        Self::Small,
        Self::InFlight,
        Self::Large,
        Self::Huge,
        Self::Tls,
        Self::TlsNew,
        Self::Http2,
        Self::Hosts,
        Self::Latency,
        Self::Start,
        Self::Cpu,
        Self::Overhead,
        Self::Command,
        Self::Memory,
        Self::Scale,
        Self::ManyHosts,
        Self::Pacing,
        Self::Bodies,
        Self::Proxy,
        Self::Post,
        Self::Items,
        Self::Dedupe,
        Self::Export,
        Self::Pause,
        Self::Finishing,
    ];

    /// Its name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::InFlight => "in-flight",
            Self::Large => "large",
            Self::Huge => "huge",
            Self::Tls => "tls",
            Self::TlsNew => "tls-new",
            Self::Http2 => "http2",
            Self::Hosts => "hosts",
            Self::Latency => "latency",
            Self::Start => "start",
            Self::Cpu => "cpu",
            Self::Overhead => "overhead",
            Self::Command => "command",
            Self::Memory => "memory",
            Self::Scale => "scale",
            Self::ManyHosts => "many-hosts",
            Self::Pacing => "pacing",
            Self::Bodies => "bodies",
            Self::Proxy => "proxy",
            Self::Post => "post",
            Self::Items => "items",
            Self::Dedupe => "dedupe",
            Self::Export => "export",
            Self::Pause => "pause",
            Self::Finishing => "finishing",
        }
    }

    /// Runs it.
    pub(crate) fn run(self, session: &mut Session<'_>) -> Result<Section> {
        match self {
            Self::Small => throughput::run(session, throughput::Body::Small),
            Self::InFlight => in_flight::run(session),
            Self::Large => throughput::run(session, throughput::Body::Large),
            Self::Huge => throughput::run(session, throughput::Body::Huge),
            Self::Tls => tls::kept(session),
            Self::TlsNew => tls::new(session),
            Self::Http2 => http2::run(session),
            Self::Hosts => hosts::run(session),
            Self::Latency => latency::run(session),
            Self::Start => start::run(session),
            Self::Cpu => cpu::run(session),
            Self::Overhead => overhead::run(session),
            Self::Command => command::run(session),
            Self::Memory => memory::run(session),
            Self::Scale => scale::run(session),
            Self::ManyHosts => many_hosts::run(session),
            Self::Pacing => pacing::run(session),
            Self::Bodies => bodies::run(session),
            Self::Proxy => proxy::run(session),
            Self::Post => post::run(session),
            Self::Items => items::run(session),
            Self::Dedupe => dedupe::run(session),
            Self::Export => export::run(session),
            Self::Pause => pause::run(session),
            Self::Finishing => finishing::run(session),
        }
    }
}

impl Session<'_> {
    /// `count`, or a tenth of it in a quick run, but at least `least`.
    fn scaled(&self, count: u64, least: u64) -> u64 {
        if self.quick { (count / 10).max(least) } else { count }
    }

    /// How many seconds a program runs that runs for a time.
    fn seconds(&self) -> u64 {
        self.scaled(2, 1)
    }

    /// The section of a job that needs nginx, where there is none.
    fn without_nginx(&self, mut section: Section) -> Section {
        let why = self.tools.nginx.as_ref().err().map_or("it did not start", String::as_str);
        section.troubles.push(format!("the whole job: it needs nginx; {why}"));
        section
    }

    /// The rows of gaits and, behind it, of the baseline if there is one.
    fn ours(&self, build: impl Fn(&Binary) -> Entrant) -> Vec<Entrant> {
        self.tools.binaries().map(build).collect()
    }
}

/// A list of items in a file, one a line, which is removed when it is dropped.
fn list(session: &Session<'_>, items: impl Iterator<Item = String>) -> Result<NamedTempFile> {
    let list = NamedTempFile::with_prefix_in("list", session.track.folder)
        .context("failed to make the list")?;
    write_list(list.path(), items)?;
    Ok(list)
}

/// Writes a list of items, one a line.
fn write_list(path: &Path, items: impl Iterator<Item = String>) -> Result<()> {
    let mut file = BufWriter::new(File::create(path).context("failed to create the list")?);
    for item in items {
        writeln!(file, "{item}").context("failed to write the list")?;
    }
    file.flush().context("failed to write the list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_command_line() {
        for job in Job::ALL {
            assert_eq!(job.to_possible_value().unwrap().get_name(), job.name());
        }
        assert_eq!(Job::ALL.as_slice(), Job::value_variants());
    }
}
