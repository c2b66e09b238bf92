//! From the arguments of a work to what is raced on or swept.

use crate::args::{Bodies, Job};
use crate::exit::Trouble;
use gaits::{Program, RacedHost, Subject, Work, job_of, local_ports, raced_hosts, set_up, units};
use std::sync::Arc;
use std::time::Duration;

/// What all runs have in common.
pub(in crate::cmd) struct Settled {
    /// What is done.
    pub(in crate::cmd) subject: Subject,
    /// The work that does it.
    pub(in crate::cmd) work: Arc<dyn Work>,
    /// Whom its requests are for.
    pub(in crate::cmd) hosts: Vec<RacedHost>,
    /// What the user is to be told before it starts.
    pub(in crate::cmd) notices: Vec<String>,
}

impl Settled {
    /// Reads the items; `what` (a race, a sweep) is made of them, and they arrive at the rate of `arrival`, if there is one.
    pub(in crate::cmd) fn of(
        job: Job,
        program: &Program,
        what: &str,
        arrival: Option<Duration>,
    ) -> Result<Self, Trouble> {
        if matches!(job.bodies, Bodies::Files { .. }) {
            return Err(Trouble::wrong(format!("{what} keeps no bodies: leave out --bodies")));
        }
        let work =
            set_up(&program.works, &job.work).map_err(|error| Trouble::Wrong(error.into()))?;
        let (items, count) = job.input.read_all(&work)?;
        let hosts = raced_hosts(&*work, &items, count);
        let Job { mut about, work: spec, session, notices, .. } = job;
        if let Some(interval) = arrival {
            let rate = units::number(1.0 / interval.as_secs_f64().max(1e-9));
            about = format!("{about}, {rate}/s arriving");
        }
        let kind = job_of(&*work, &spec.name, &hosts, arrival);
        let local_ports = local_ports(&hosts);
        let subject =
            Subject { local_ports, about, arrival, job: kind, work: spec, session, items, count };
        Ok(Self { subject, work, hosts, notices })
    }

    /// Whether any of its hosts belongs to others.
    pub(in crate::cmd) fn is_public(&self) -> bool {
        self.hosts.iter().any(|host| host.public)
    }
}
