//! What a look-up ends with: the addresses of a name, or the reason why there are none.

use super::super::fault;
use super::super::words::of_io;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many addresses of one family are kept of a name: more than any host needs, and few enough that an endless
/// answer costs no memory.
const MAX_OF_FAMILY: usize = 16;

/// What a look-up ends with.
pub(in crate::http) type Answer = Result<Arc<Addresses>, LookupError>;

/// The addresses of a name; never empty. Those of the preferred family come first.
#[derive(Debug)]
pub(in crate::http) struct Addresses {
    ips: Box<[IpAddr]>,
    turn: AtomicUsize,
}

impl Addresses {
    /// The addresses `ips` without repetitions; none if there is not one.
    pub(in crate::http) fn new(ips: impl IntoIterator<Item = IpAddr>) -> Option<Self> {
        let mut kept: Vec<IpAddr> = Vec::new();
        for ip in ips {
            let same_family = kept.iter().filter(|other| other.is_ipv4() == ip.is_ipv4());
            if same_family.count() < MAX_OF_FAMILY && !kept.contains(&ip) {
                kept.push(ip);
            }
        }
        if kept.is_empty() {
            return None;
        }
        // Many processes that make one connection each must not all begin with the same address.
        let turn = match kept.len() {
            1 => 0,
            _ => usize::from(RandomState::new().hash_one(0).to_le_bytes()[0]),
        };
        Some(Self { ips: kept.into(), turn: AtomicUsize::new(turn) })
    }

    /// Those of this machine.
    pub(super) fn loopback() -> Self {
        let ips = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        Self { ips: Box::new(ips), turn: AtomicUsize::default() }
    }

    /// All of them.
    pub(in crate::http) fn ips(&self) -> &[IpAddr] {
        &self.ips
    }

    /// A number that is one higher with each call, so that each connection begins with the next address.
    pub(in crate::http) fn next_turn(&self) -> usize {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }
}

/// Why a name has no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) enum LookupError {
    /// What is wrong, to follow "could not resolve host …: ".
    Failed(Arc<str>),
    /// There was no file descriptor for the look-up.
    Exhausted(Arc<str>),
}

impl LookupError {
    pub(super) fn failed(why: impl Into<Arc<str>>) -> Self {
        Self::Failed(why.into())
    }
}

/// What an error of the system means for a look-up.
impl From<&io::Error> for LookupError {
    fn from(e: &io::Error) -> Self {
        let words = of_io(e).into();
        if fault::is_exhausted(e) { Self::Exhausted(words) } else { Self::Failed(words) }
    }
}
