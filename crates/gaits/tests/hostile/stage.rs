//! Where rows are played: the servers that they need.

use crate::row::{At, Row};
use crate::server::Server;
use gaits_origin::{Config, Origin, Script};

/// The origins that rows share, and a healthy one.
pub(crate) struct Stage {
    plain: Origin,
    tls: Origin,
    healthy: Origin,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let start = |config| Origin::start(config).unwrap();
        // With a script, even an empty one, it speaks no HTTP/2, over which there are no hostile replies.
        let no_http2 = Some(Script::default());
        Self {
            plain: start(Config::default()),
            tls: start(Config { tls: true, script: no_http2, ..Config::default() }),
            healthy: start(Config::default()),
        }
    }

    /// The URL of a resource that nobody could complain about.
    pub(crate) fn healthy(&self) -> String {
        self.healthy.url("/get")
    }

    /// Starts what `row` needs.
    pub(crate) fn set(&self, row: &Row) -> Scene<'_> {
        match row.at {
            At::Origin(path) => Scene::shared(&self.plain, path),
            At::OriginTls(path) => Scene::shared(&self.tls, path),
            At::Own(speaks) => Scene::Own(Server::start(speaks)),
        }
    }
}

/// The server of one row.
pub(crate) enum Scene<'a> {
    Shared {
        origin: &'a Origin,
        path: &'static str,
        /// How many requests had come before.
        before: u64,
    },
    Own(Server),
}

impl<'a> Scene<'a> {
    fn shared(origin: &'a Origin, path: &'static str) -> Self {
        Scene::Shared { origin, path, before: origin.requests() }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Scene::Shared { origin, path, .. } => origin.url(path),
            Scene::Own(server) => server.url(),
        }
    }

    /// How many requests have reached the server since the row began. An origin counts those of all rows.
    pub(crate) fn requests(&self) -> u64 {
        match self {
            Scene::Shared { origin, before, .. } => origin.requests() - before,
            Scene::Own(server) => server.requests(),
        }
    }

    /// The server, if it is the row's own.
    pub(crate) fn own(&self) -> Option<&Server> {
        match self {
            Scene::Shared { .. } => None,
            Scene::Own(server) => Some(server),
        }
    }
}
