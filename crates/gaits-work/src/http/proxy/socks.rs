//! SOCKS5 (RFC 1928, RFC 1929), spoken by the tokio-socks crate; here stand the words for what it says.
//!
//! Limit: sends no datagrams and listens for no connection.

use super::super::fault::{Fault, protocol};
use super::super::target::Origin;
use super::super::trace::Trace;
use super::super::wire::Wire;
use super::super::words::of_io;
use gaits_core::{ErrorKind, ItemError};
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio_socks::tcp::Socks5Stream;
use tokio_socks::{Error, TargetAddr};

/// Has the proxy at the end of `wire` connect to `origin`: to `ip`, or else to its name.
pub(super) async fn open(
    wire: Wire,
    credentials: Option<&(String, String)>,
    origin: &Origin,
    ip: Option<IpAddr>,
    trace: &mut Trace,
) -> Result<Wire, Fault> {
    let target = match ip.or(origin.ip) {
        Some(ip) => TargetAddr::Ip(SocketAddr::new(ip, origin.port)),
        None => TargetAddr::Domain((&*origin.host).into(), origin.port),
    };
    let opened = match credentials {
        None => Socks5Stream::connect_with_socket(wire, target).await,
        Some((user, password)) => {
            Socks5Stream::connect_with_password_and_socket(wire, target, user, password).await
        }
    };
    match opened {
        Ok(stream) => Ok(stream.into_inner()),
        Err(e) => {
            if matches!(e, Error::NoAcceptableAuthMethods | Error::PasswordAuthFailure(_)) {
                trace.refused_by_proxy = true;
            }
            Err(Fault::Failed(failure(&e, credentials.is_some(), origin)))
        }
    }
}

fn failure(e: &Error, has_credentials: bool, origin: &Origin) -> ItemError {
    let no_connection = |why: &str| {
        let message = format!("it makes no connection to {}: {why}", origin.authority);
        ItemError::new(ErrorKind::Connect, message)
    };
    match e {
        Error::Io(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
            let message = "it closed the connection before it had answered";
            ItemError::new(ErrorKind::Reset, message)
        }
        Error::Io(e) => {
            ItemError::new(ErrorKind::Reset, format!("{} before it had answered", of_io(e)))
        }
        Error::NoAcceptableAuthMethods | Error::PasswordAuthFailure(_) if has_credentials => {
            no_connection("it does not accept this user and password")
        }
        Error::NoAcceptableAuthMethods => no_connection(
            "it wants a user and a password: --proxy socks5://USER:PASSWORD@HOST:PORT",
        ),
        Error::GeneralSocksServerFailure => no_connection("general failure"),
        Error::ConnectionNotAllowedByRuleset => no_connection("its rules don't allow that"),
        Error::NetworkUnreachable => no_connection("network unreachable"),
        Error::HostUnreachable => no_connection("host unreachable"),
        Error::ConnectionRefused => no_connection("connection refused"),
        Error::TtlExpired => no_connection("TTL expired"),
        Error::AddressTypeNotSupported => no_connection("it can't deal with this type of address"),
        Error::CommandNotSupported => no_connection("it can't make connections"),
        Error::InvalidResponseVersion
        | Error::InvalidReservedByte
        | Error::UnknownAddressType
        | Error::UnknownAuthMethod
        | Error::UnknownError => {
            protocol(format!("it does not answer as a SOCKS5 proxy ({e}): is it one?"))
        }
        e => no_connection(&e.to_string()),
    }
}
