//! What an item spent its time on at its worker, in the order in which it is drawn.

use gaits_core::Record;

/// The work whose details are those of requests.
const HTTP: &str = "http";

/// Microseconds in each phase of an item: connecting, waiting, receiving, computing. They add up to its time at its worker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Phases(pub(crate) [u64; Self::COUNT]);

impl Phases {
    pub(crate) const COUNT: usize = 4;

    /// Those of `record`. A request tells its phases, and what is left over is the client's own; of any other work only
    /// the CPU time is known, and all else is a wait.
    pub(crate) fn of(record: &Record) -> Self {
        let at_work = record.timing.at_work_us();
        let request = record.detail.as_ref().filter(|detail| detail.work() == HTTP);
        let Some(detail) = request else {
            let computing = record.timing.cpu_us.min(at_work);
            return Self([0, at_work - computing, 0, computing]);
        };
        let (mut connect, mut waiting, mut receiving) = (0_u64, 0, 0);
        detail.fields(|name, field| {
            let us = field.as_unsigned().unwrap_or_default();
            match name {
                "dns_us" | "connect_us" | "tls_us" => connect = connect.saturating_add(us),
                "first_byte_us" => waiting = us,
                "body_us" => receiving = us,
                _ => {}
            }
        });
        // Whatever a record says, its phases are drawn within its bar.
        let mut left = at_work;
        let mut take = |us: u64| {
            let taken = us.min(left);
            left -= taken;
            taken
        };
        let known = [take(connect), take(waiting), take(receiving)];
        Self([known[0], known[1], known[2], left])
    }
}
