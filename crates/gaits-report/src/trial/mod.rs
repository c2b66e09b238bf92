//! One run of one model in a race, and what was measured of it. Duty: it can be written down and read again, and two of
//! them can be held against each other. Limit: who is faster, and why, is for others to say.

mod agreement;
mod outcomes;
mod steady;

pub use agreement::{Agreement, Difference};
pub use outcomes::{Outcomes, OutcomesOf};
pub use steady::{Steady, SteadyOf};

use crate::Tally;
use serde::{Deserialize, Serialize};

/// One run of one model, or of another program, in one round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The model, as the command line names it.
    pub model: String,
    /// The round, counted from 1: trials of one round are compared with each other. 0 is the round that warms up.
    pub round: u32,
    /// How long the run took, in microseconds: from the start of its threads and processes to their end. The start of the
    /// process that the trial runs in is not in it.
    pub wall_us: u64,
    /// How much of that passed before the first item was started, in microseconds.
    pub startup_us: u64,
    /// How much of it passed after the last item was finished, in microseconds.
    pub closing_us: u64,
    /// How long the process of the trial took as a whole, in microseconds, from before its start until it had been waited
    /// for.
    pub process_us: u64,
    /// How many of the model's workers were missing; then it was another model that ran.
    pub missing_workers: u64,
    /// How many of its worker processes died, or were at an item for too long, and were replaced.
    #[serde(default)]
    pub workers_died: u64,
    /// What its records add up to.
    pub tally: Tally,
    /// How each item has ended.
    pub outcomes: Outcomes,
    /// What it took of the machine.
    pub usage: Usage,
    /// What else happened on the machine meanwhile.
    pub machine: MachineLoad,
    /// Its steady part, if that was asked for and it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steady: Option<Steady>,
}

impl Trial {
    /// What it is ranked by, in microseconds: its run, or its process as a whole.
    #[must_use]
    pub const fn time_us(&self, whole_process: bool) -> u64 {
        if whole_process { self.process_us } else { self.wall_us }
    }
}

/// What a trial took of the machine: all its threads and processes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Time on a core, in microseconds.
    pub cpu_us: u64,
    /// Time in which a thread could have gone on and no core was free for it, in microseconds; none where the kernel does
    /// not tell.
    pub waiting_us: Option<u64>,
    /// How often a thread gave up its core because it had to wait for something.
    pub voluntary_switches: u64,
    /// How often a core was taken from a thread for another.
    pub involuntary_switches: u64,
    /// Threads, at the end of the last item.
    pub threads: u64,
    /// Processes, at the end of the last item.
    pub processes: u64,
    /// The most memory that its processes have held, in bytes: the sum of their peaks.
    pub peak_memory: u64,
}

/// What happened on the machine beside a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MachineLoad {
    /// For how long this was watched, in microseconds.
    pub wall_us: u64,
    /// Cores of the machine: all of them, though the trial may be allowed to use only some.
    pub cores: u64,
    /// Time that others spent on its cores, in microseconds: neither the trial nor who raced it.
    pub others_us: u64,
    /// Time that a hypervisor kept its cores from running, in microseconds.
    pub stolen_us: u64,
    /// How much of the others' time was that of the server that the trial is for; none where that is not known.
    #[serde(default)]
    pub server_us: Option<u64>,
    /// Time in which something on the machine waited for memory, in microseconds, by the kernel's pressure stall
    /// information; 0 where the kernel does not tell.
    #[serde(default)]
    pub memory_stall_us: u64,
    /// The same for a disk.
    #[serde(default)]
    pub disk_stall_us: u64,
}

impl MachineLoad {
    /// The share of the machine's cores that others took, from 0 to 1.
    #[must_use]
    pub fn others(&self) -> f64 {
        self.share(self.others_us)
    }

    /// The share of the machine's cores that a hypervisor took, from 0 to 1.
    #[must_use]
    pub fn stolen(&self) -> f64 {
        self.share(self.stolen_us)
    }

    fn share(&self, us: u64) -> f64 {
        let all = self.wall_us.saturating_mul(self.cores.max(1));
        if all == 0 { 0.0 } else { (us as f64 / all as f64).min(1.0) }
    }
}
