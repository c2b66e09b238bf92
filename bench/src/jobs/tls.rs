//! Requests a second over TLS: on kept connections, and with a new connection for each.

use super::throughput::{IN_FLIGHT, tell};
use super::{Job, Session};
use crate::clients::{Keep, gaits, oha, wrk};
use crate::report::{self, Section};
use anyhow::Result;

/// Kept connections.
pub(super) fn kept(session: &mut Session<'_>) -> Result<Section> {
    let title = format!("requests a second over TLS, {IN_FLIGHT} kept connections, 50 bytes");
    let section = Section::new(Job::Tls.name(), title);
    race(session, section, Keep::All, 100_000)
}

/// A new connection for each request.
pub(super) fn new(session: &mut Session<'_>) -> Result<Section> {
    let title =
        format!("requests a second over TLS, a new connection for each, {IN_FLIGHT} in flight");
    let section = Section::new(Job::TlsNew.name(), title);
    race(session, section, Keep::None, 5_000)
}

fn race(
    session: &mut Session<'_>,
    mut section: Section,
    keep: Keep,
    count: u64,
) -> Result<Section> {
    let Some(nginx) = session.nginx else { return Ok(session.without_nginx(section)) };
    let (Some(url), Some(full)) = (nginx.tls(), nginx.tls_full()) else {
        section.troubles.push("the whole job: this nginx was built without TLS".into());
        return Ok(section);
    };
    let what = match keep {
        Keep::All => "HTTP/1.1 over TLS, as `small` otherwise.",
        Keep::None => {
            "Each request has a connection of its own (`--session none`, `--disable-keepalive`). With tickets, as by nginx's\ndefaults, a client may resume an earlier session; whether it does is its own affair. Without, each handshake is a full one."
        }
    };
    section.about = vec![
        what.into(),
        "gaits and oha verify the server's certificate (P-256) against an authority that they are given; wrk verifies nothing.".into(),
    ];
    let races = match keep {
        Keep::All => vec![("kept connections", url)],
        Keep::None => vec![
            ("new connections, tickets offered", url),
            ("new connections, full handshakes", full),
        ],
    };
    let (tools, authority) = (session.tools, nginx.authority());
    let mut options = vec!["--cacert", &authority];
    if keep == Keep::None {
        options.extend(["--session", "none"]);
    }
    let count = session.scaled(count, IN_FLIGHT);
    for (title, url) in races {
        let model = format!("async:{IN_FLIGHT}");
        let mut entrants =
            session.ours(|binary| gaits::fetch(binary, &model, &url, count, &options));
        entrants.push(oha::tls(&tools.oha, &url, IN_FLIGHT, count, keep, &authority));
        if keep == Keep::All {
            entrants.push(wrk::row(&tools.wrk, &url, IN_FLIGHT, session.seconds()));
        }
        let rows = session.track.race(title, entrants, Some(nginx), true)?;
        section.targets.push(report::rate_target(&rows, title, "oha", 1.0));
        tell(&mut section, title, rows);
    }
    Ok(section)
}
