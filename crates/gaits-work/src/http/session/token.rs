//! Items whose token may expire: they are asked for once more when it has.
//!
//! Limit: does not say how a new token is had.

use super::super::auth::{Token, Tokens};
use super::super::fault::Fault;
use super::super::target::Target;
use super::super::trace::Trace;
use super::{Asked, Extracted, HttpSession};
use gaits_core::{ErrorKind, Item};

/// How often an item is asked for at most. Others may have got a later token before this item was refused, and that one may
/// have expired, too, so it counts for no fresh one.
const MOST_TRIES: u32 = 4;

impl HttpSession {
    /// Makes the item's requests with the newest of `tokens`. If the item's own server refuses that with a 401, they are made
    /// again with a later one, until that is fresh.
    pub(super) async fn with_token(
        &self,
        tokens: &Tokens,
        item: &Item,
        asked: &Asked<'_>,
        target: Target,
        trace: &mut Trace,
    ) -> Result<Extracted, Fault> {
        let failed = |what: &str, why| Fault::new(ErrorKind::Command, format!("{what}{why}"));
        let mut token = tokens.current().await.map_err(|why| failed("", why))?;
        let with =
            |token: &Token| Target { authorization: Some(token.field.clone()), ..target.clone() };
        let mut fresh = false;
        for _ in 1..MOST_TRIES {
            let result = self.within_timeout(item, asked, with(&token), trace).await;
            let failed_by_status =
                matches!(&result, Err(Fault::Failed(error)) if error.kind == ErrorKind::HttpStatus);
            let is_refused =
                failed_by_status && trace.detail.status == Some(401) && !trace.is_abroad();
            if fresh || !is_refused {
                return result;
            }
            // This time counts for no phase of the request, and not against its time-out.
            let later = tokens.after(&token).await;
            (token, fresh) = later.map_err(|why| failed("401 Unauthorized, and ", why))?;
            if asked.may_be_done(trace) {
                return result;
            }
            *trace = Trace::new(self.hub.shared.clock.clone());
        }
        self.within_timeout(item, asked, with(&token), trace).await
    }
}
