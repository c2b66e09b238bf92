//! Asking the system: `getaddrinfo`, which knows what is set up on this machine beside name servers (`nsswitch.conf`,
//! mDNS, a VPN's own rules).
//!
//! Each look-up holds a thread until it ends. There are as many threads as look-ups at a time, so one that is slow holds
//! up no other. Limit: a look-up that was given up goes on until the system ends it; nobody waits for it.

use super::super::fault;
use super::super::words::of_io;
use super::answer::{Addresses, LookupError};
use super::source::{Found, Source};
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long an answer is valid, since the system does not say.
const LIFE: Duration = Duration::from_mins(1);

/// Asks the system.
pub(super) struct System;

impl Source for System {
    fn look_up(
        &mut self,
        host: Arc<str>,
    ) -> impl Future<Output = Result<Found, LookupError>> + Send + 'static {
        ask(host)
    }
}

async fn ask(host: Arc<str>) -> Result<Found, LookupError> {
    // A look-up that waits for a thread is taken back when this is dropped.
    let mut asking = JoinSet::new();
    asking.spawn_blocking(move || addresses(&host));
    let found = match asking.join_next().await {
        Some(Ok(found)) => found.map_err(|e| failure(&e))?,
        Some(Err(e)) => return Err(LookupError::failed(format!("the look-up ended: {e}"))),
        None => return Err(LookupError::failed("the look-up ended")),
    };
    Addresses::new(found)
        .map(|addresses| Found { addresses, life: LIFE })
        .ok_or_else(|| LookupError::failed("it has no address"))
}

/// In the order in which the system prefers them.
fn addresses(host: &str) -> io::Result<Vec<IpAddr>> {
    Ok((host, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
}

fn failure(e: &io::Error) -> LookupError {
    if fault::is_exhausted(e) {
        return LookupError::from(e);
    }
    let words = of_io(e);
    let why = words.strip_prefix("failed to lookup address information: ").unwrap_or(&words);
    LookupError::failed(format!("the system says: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::runtime::Builder;

    #[test]
    fn the_system_knows_this_machine_and_refuses_what_is_no_name() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let ask = |host: &str| runtime.block_on(System.look_up(host.into()));
        let found = ask("localhost").unwrap();
        assert!(found.addresses.ips().iter().all(IpAddr::is_loopback), "{found:?}");
        assert_eq!(found.life, LIFE);
        let LookupError::Failed(why) = ask("not a name").unwrap_err() else { panic!() };
        assert!(why.starts_with("the system says: "), "{why}");
    }
}
