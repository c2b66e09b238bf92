//! What is raced. Each job makes one section of the report.

mod cpu;
mod in_flight;
mod latency;
mod memory;
mod overhead;
mod throughput;

use crate::race::Track;
use crate::report::Section;
use crate::server::Nginx;
use crate::tools::Tools;
use anyhow::Result;
use clap::ValueEnum;

/// A job, by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Job {
    /// Requests a second: 50-byte bodies, 50 in flight
    Small,
    /// Requests a second: 10 kB bodies, 50 in flight
    Large,
    /// Requests a second with 1, 10 and 500 in flight
    InFlight,
    /// 100 and 1,000 requests to a server that takes 230 ms
    Latency,
    /// product(30) on one core and on two
    Cpu,
    /// What an item costs that does nothing
    Overhead,
    /// A million URLs from a file
    Memory,
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
}

impl Job {
    /// All of them, in the order of the results file.
    pub(crate) const ALL: [Self; 7] = [
        Self::Small,
        Self::Large,
        Self::InFlight,
        Self::Latency,
        Self::Cpu,
        Self::Overhead,
        Self::Memory,
    ];

    /// Its name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
            Self::InFlight => "in-flight",
            Self::Latency => "latency",
            Self::Cpu => "cpu",
            Self::Overhead => "overhead",
            Self::Memory => "memory",
        }
    }

    /// Runs it.
    pub(crate) fn run(self, session: &mut Session<'_>) -> Result<Section> {
        match self {
            Self::Small => throughput::run(session, throughput::Body::Small),
            Self::Large => throughput::run(session, throughput::Body::Large),
            Self::InFlight => in_flight::run(session),
            Self::Latency => latency::run(session),
            Self::Cpu => cpu::run(session),
            Self::Overhead => overhead::run(session),
            Self::Memory => memory::run(session),
        }
    }
}

impl Session<'_> {
    /// `count`, or a tenth of it in a quick run, but at least `least`.
    fn scaled(&self, count: u64, least: u64) -> u64 {
        if self.quick { (count / 10).max(least) } else { count }
    }

    /// The section of a job that needs nginx, where there is none.
    fn without_nginx(&self, mut section: Section) -> Section {
        let why = self.tools.nginx.as_ref().err().map_or("it did not start", String::as_str);
        section.troubles.push(format!("the whole job: it needs nginx; {why}"));
        section
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_command_line() {
        for job in Job::ALL {
            assert_eq!(job.to_possible_value().unwrap().get_name(), job.name());
        }
    }
}
