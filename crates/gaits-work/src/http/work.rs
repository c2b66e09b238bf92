//! The `http` work: what the sessions of one process share.
//!
//! Limit: performs nothing itself.

use super::dial::Dialer;
use super::dns::NameServers;
use super::headers::Fields;
use super::session::HttpSession;
use super::spec::{HttpSpec, HttpSpecError};
use super::tls::Tls;
use crate::settings;
use gaits_core::{Clock, Session, Value, Work};
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
    pub(super) dialer: Dialer,
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
        let dialer = Dialer::new(NameServers::System, spec.connect_timeout, clock.clone());
        let tls = Tls::new(spec.trust.clone());
        let fields = Fields::new(spec)?;
        Ok(Self { shared: Arc::new(Shared { spec: spec.clone(), fields, dialer, tls, clock }) })
    }
}

/// The name under which plans know this work.
pub const NAME: &str = "http";

/// Makes the work from its settings.
///
/// # Errors
/// Says what is wrong with the settings.
pub fn build(settings: &Value, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Work>, String> {
    let spec: HttpSpec = settings::from_value(settings).map_err(|e| e.to_string())?;
    let work = HttpWork::new(&spec, Arc::clone(clock)).map_err(|e| e.to_string())?;
    Ok(Arc::new(work))
}

impl Work for HttpWork {
    fn open(&self) -> Session {
        Session::Async(Box::new(HttpSession::new(self.shared.clone())))
    }
}
