//! The `http` work, made of its settings once a process.
//!
//! Limit: performs nothing itself.

use super::auth::Access;
use super::body_file::BodyWriter;
use super::decode::Windows;
use super::detail::HttpDetail;
use super::dial::{Dialer, LastDescriptors, Reach};
use super::dns::NameServers;
use super::extract::{Extracts, Wanted};
use super::fields::Fields;
use super::fill::Fill;
use super::follow;
use super::identity;
use super::item::{self, Described};
use super::next_page::NextPage;
use super::pauses::Pauses;
use super::payload::Body;
use super::redact::redacted;
use super::robots::Robots;
use super::route::Routes;
use super::session::HttpSession;
use super::shared::Shared;
use super::spec::{BodyUse, HttpSpec, HttpSpecError};
use super::target;
use super::tls::Tls;
use crate::settings;
use gaits_core::{
    AsyncSession, AsyncWork, Clock, Data, Facts, Performs, Record, Refused, Services, SessionError,
    SessionScope, Setting, Value, Work,
};
use std::sync::Arc;

/// Requests over HTTP, as an [`HttpSpec`] says.
#[derive(Debug, Clone)]
pub struct HttpWork {
    pub(super) shared: Arc<Shared>,
}

impl HttpWork {
    /// Work that is done as `spec` says, its times measured by `clock`.
    ///
    /// # Errors
    ///
    /// What [`HttpSpec::validate`] finds.
    pub fn new(spec: &HttpSpec, clock: Arc<dyn Clock>) -> Result<Self, HttpSpecError> {
        Self::of(spec, &Services { clock, tell: Arc::new(drop), heeds_pauses: true })
    }

    fn of(spec: &HttpSpec, services: &Services) -> Result<Self, HttpSpecError> {
        let clock = services.clock.clone();
        spec.validate()?;
        let last = match &spec.body {
            BodyUse::Files(_) => LastDescriptors::ForFiles,
            BodyUse::Hash | BodyUse::Inline | BodyUse::Json => LastDescriptors::ForAnything,
        };
        let reach = if spec.deny_private { Reach::Public } else { Reach::Any };
        let servers = NameServers::of(&spec.ways);
        let dialer = Dialer::new(servers, spec.connect_timeout, clock.clone(), last, reach)
            .by(&spec.ways)
            .patient(spec.patience);
        let routes = Routes::new(&spec.ways)?;
        let tls =
            Tls::new(spec.trust.clone(), spec.auth.certificate.clone(), services.tell.clone());
        let fields = Fields::new(spec)?;
        let access = Access::new(&spec.auth);
        let bodies = match &spec.body {
            BodyUse::Files(folder) => Some(BodyWriter::new(folder)),
            BodyUse::Hash | BodyUse::Inline | BodyUse::Json => None,
        };
        let robots = Robots::of(spec);
        let of_all = item::of_all(spec);
        let fill = Fill::of(spec)?;
        let wanted = Wanted {
            all: spec.extract.clone().into(),
            required: spec.extract_required,
            each: spec.each.clone(),
            next: spec.next.clone(),
            whole: matches!(spec.body, BodyUse::Json),
        };
        let extracts = Extracts::new(wanted, clock.clone());
        let (spec, payload) = (spec.clone(), spec.payload.as_ref().map(Body::from));
        Ok(Self {
            shared: Arc::new(Shared {
                spec,
                fields,
                access,
                extracts,
                of_all,
                payload,
                fill,
                dialer,
                routes,
                pauses: Pauses::new(services.heeds_pauses),
                robots,
                tls,
                windows: Windows::default(),
                clock,
                tell: services.tell.clone(),
                bodies,
            }),
        })
    }
}

/// Makes the work from its settings.
///
/// # Errors
/// Says what is wrong with the settings.
pub fn build(settings: &Value, services: &Services) -> Result<Arc<dyn Work>, String> {
    let spec: HttpSpec = settings::from_value(settings).map_err(|e| e.to_string())?;
    let work = HttpWork::of(&spec, services).map_err(|e| e.to_string())?;
    Ok(Arc::new(work))
}

impl Work for HttpWork {
    fn performs(&self) -> Performs<'_> {
        Performs::Async(self)
    }

    fn settings(&self) -> Vec<Setting> {
        self.shared.spec.public_settings()
    }

    fn inspect<'a>(&self, item: &'a Data) -> Result<Facts<'a>, Refused> {
        let text = item.as_text().ok_or_else(|| "bytes are no URL".to_owned())?;
        let spec = &self.shared.spec;
        if !item::is_description(text) {
            let shown = redacted(text).map(Data::from);
            let pacing_key = target::pacing_key(text)
                .map_err(|message| Refused { message, shown: shown.clone() })?;
            let repeatable = spec.repeats(&spec.method);
            let public = target::is_public(&pacing_key);
            if let Some(fill) = &self.shared.fill {
                fill.of_item(text).map_err(|message| Refused { message, shown: shown.clone() })?;
            }
            return Ok(Facts { pacing_key, public, repeatable, shown });
        }
        let parsed = Described::parse(text);
        // To look for what is to be hidden takes as long as all the rest, and few items have any.
        let hides =
            |described: &Described| !described.headers.is_empty() || described.url.contains('@');
        let shown = if parsed.as_ref().is_ok_and(|described| !hides(described)) {
            None
        } else {
            item::shown(text).map(Data::from)
        };
        let refused = |message| Refused { message, shown: shown.clone() };
        let described = parsed.map_err(refused)?;
        if let Some(fill) = &self.shared.fill {
            fill.of_item(text).map_err(refused)?;
        }
        let pacing_key = target::pacing_key(&described.url).map_err(refused)?.into_owned();
        let repeatable = spec.repeats(&described.asks(spec));
        let public = target::is_public(&pacing_key);
        Ok(Facts { pacing_key: pacing_key.into(), public, repeatable, shown })
    }

    fn identity(&self, item: &Data) -> Option<[u8; 16]> {
        identity::identity(item.as_text()?, &self.shared.spec, self.shared.fill.as_ref())
    }

    fn has_followers(&self) -> bool {
        self.shared.spec.next.is_some()
    }

    fn is_followed(&self, record: &Record) -> bool {
        HttpDetail::of(record).is_some_and(|detail| detail.next.is_some())
    }

    fn follower(&self, root: &Data, record: &Record) -> Result<Data, Refused> {
        let page = HttpDetail::of(record).unwrap_or_default();
        let root = root.as_text().unwrap_or_default();
        follow::item(&self.shared.spec, root, &page).map(Data::from)
    }

    fn is_repeated(&self, record: &Record, before: &Record) -> bool {
        let hash = |record| HttpDetail::of(record).and_then(|detail| detail.blake3);
        let is_counted = matches!(self.shared.spec.next, Some(NextPage::Counter { .. }));
        is_counted && hash(record).is_some_and(|hash_now| hash(before) == Some(hash_now))
    }
}

impl AsyncWork for HttpWork {
    fn open(&self, scope: SessionScope) -> Result<Box<dyn AsyncSession>, SessionError> {
        Ok(Box::new(HttpSession::new(self.shared.clone(), scope)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaits_core::ManualClock;

    #[test]
    fn what_is_hidden_is_hidden_however_it_is_written() {
        let work = HttpWork::new(&HttpSpec::default(), Arc::new(ManualClock::default())).unwrap();
        for text in [
            r#"{"url":"http://h/","input":{"id":"a@b"}}"#,
            r#"{"url":"http://u:s3cret@h/"}"#,
            r#"{"url":"http://u:s3cret\u0040h/"}"#,
            r#"{"url":"http://h/","headers":{"X-Key":"s3cret"}}"#,
            r#"{"url":"http://h/","headers":{}}"#,
            r#"{"url":"http://h/","headers":"s3cret"}"#,
            r#"{"url":7,"headers":{"X-Key":"s3cret"}}"#,
        ] {
            let item = Data::from(text);
            let shown = match work.inspect(&item) {
                Ok(facts) => facts.shown,
                Err(refused) => refused.shown,
            };
            assert_eq!(shown, item::shown(text).map(Data::from), "{text}");
            let shown = shown.unwrap_or(item);
            assert!(!shown.to_string().contains("s3cret"), "{shown}");
        }
    }
}
