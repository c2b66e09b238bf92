//! The `http` work: what the sessions of one process share.
//!
//! Limit: performs nothing itself.

use super::dns::{Dns, NameServers};
use super::headers::Fields;
use super::session::HttpSession;
use super::spec::{HttpSpec, HttpSpecError};
use super::tls::Tls;
use gaits_core::{Clock, Session, Work};
use std::sync::Arc;

/// Requests over HTTP, as an [`HttpSpec`] says.
#[derive(Debug)]
pub struct HttpWork {
    shared: Arc<Shared>,
}

/// What the sessions of one process share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) spec: HttpSpec,
    pub(super) fields: Fields,
    pub(super) dns: Dns,
    pub(super) tls: Tls,
    pub(super) clock: Arc<dyn Clock>,
}

impl HttpWork {
    /// Work that is done as `spec` says, its times measured by `clock`.
    ///
    /// # Errors
    ///
    /// What [`HttpSpec::validate`] finds.
    pub fn new(spec: &HttpSpec, clock: Arc<dyn Clock>) -> Result<Self, HttpSpecError> {
        spec.validate()?;
        let dns = Dns::new(NameServers::System, spec.connect_timeout, clock.clone());
        let tls = Tls::new(spec.trust.clone());
        let fields = Fields::new(spec)?;
        Ok(Self { shared: Arc::new(Shared { spec: spec.clone(), fields, dns, tls, clock }) })
    }
}

impl Work for HttpWork {
    fn open(&self) -> Session {
        Session::Async(Box::new(HttpSession::new(self.shared.clone())))
    }
}
