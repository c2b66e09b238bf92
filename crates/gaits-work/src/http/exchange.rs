//! The rest of a response, whatever the protocol: its body, piece by piece.
//!
//! Limit: has no deadline; whoever waits drops what it waits for.

use super::decode::{BUDGET, Decoder};
use super::detail::HttpDetail;
use super::lent::{KEPT_INPUT, Lent, Piece};
use super::{h1, h2};
use gaits_core::ItemError;
use std::time::Duration;
use tokio::task::coop;

/// How many bytes of an uncoded body are taken before the event loop is given back: reading and hashing them takes some
/// 0.2 ms.
const TURN: usize = 256 * 1024;

/// How many pieces of a body are taken before the event loop is given back. A chunk of HTTP/1.1 or a frame of HTTP/2 may
/// have one byte.
const PIECES: usize = 4 * 1024;

/// How much of a body that nobody wants is read so that its connection can be used again.
const READ_OVER: u64 = 64 * 1024;

/// How long such a body is waited for.
const READ_OVER_TIME: Duration = Duration::from_secs(1);

/// A response whose head has come.
pub(super) enum Exchange {
    Http1(Box<h1::Connection>),
    Http2(h2::Exchange),
}

impl Exchange {
    /// How long the rest of the body is, as far as the server has said so.
    pub(super) fn left(&self) -> Option<u64> {
        match self {
            Exchange::Http1(connection) => connection.left(),
            Exchange::Http2(exchange) => exchange.body_len(),
        }
    }

    /// Takes the whole body through `decoder`, beginning with what has come already, and counts it in `detail`.
    pub(super) async fn body(
        &mut self,
        lent: &Lent,
        come: Option<Piece<'_>>,
        decoder: &mut Decoder<'_>,
        detail: &mut HttpDetail,
    ) -> Result<(), ItemError> {
        match self {
            Exchange::Http1(connection) => http1(connection, lent, come, decoder, detail).await?,
            Exchange::Http2(exchange) => http2(exchange, decoder, detail).await?,
        }
        decoder.finish()
    }

    /// Takes what has come of a body that nobody wants; tells whether that was all of it.
    pub(super) fn skip(&mut self, come: Option<Piece<'_>>) -> bool {
        match self {
            Exchange::Http1(connection) => {
                let Some(mut piece) = come else { return connection.is_done() };
                while let Ok(Some(_)) = connection.data(&mut piece) {}
                connection.is_done()
            }
            // Dropping it takes nothing from the other requests on its connection.
            Exchange::Http2(_) => true,
        }
    }

    /// Whether reading the rest of it may cost less than a new connection.
    pub(super) fn is_worth_reading(&self) -> bool {
        matches!(self, Exchange::Http1(connection)
            if connection.may_persist() && connection.left().is_none_or(|left| left <= READ_OVER))
    }

    /// Reads what is left of a body that nobody wants; none if it is long, or does not come.
    pub(super) async fn read_over(self) -> Option<Self> {
        let Exchange::Http1(mut connection) = self else { return None };
        let lent = Lent::of_this_loop();
        let rest = async {
            let mut read = 0;
            while !connection.is_done() {
                let mut piece = connection.more(&lent, KEPT_INPUT).await.ok()?;
                read += piece.bytes().len() as u64;
                if read > READ_OVER {
                    return None;
                }
                while connection.data(&mut piece).ok()?.is_some() {}
            }
            Some(())
        };
        tokio::time::timeout(READ_OVER_TIME, rest).await.ok()??;
        Some(Exchange::Http1(connection))
    }
}

async fn http1(
    connection: &mut h1::Connection,
    lent: &Lent,
    mut come: Option<Piece<'_>>,
    decoder: &mut Decoder<'_>,
    detail: &mut HttpDetail,
) -> Result<(), ItemError> {
    // Of a coded body, what the decoder has no room for is kept, and of one in chunks, those of the next turn.
    let whole = decoder.is_identity() && connection.left().is_some();
    let most = if whole { usize::MAX } else { KEPT_INPUT };
    let (mut turn, mut budget, mut pieces) = (0, BUDGET, 0);
    loop {
        let mut piece = match come.take() {
            Some(piece) => piece,
            None if connection.is_done() => return Ok(()),
            None => connection.more(lent, most).await?,
        };
        turn += piece.bytes().len();
        while let Some(data) = connection.data(&mut piece)? {
            detail.bytes += data.len() as u64;
            let pushed = decoder.push(data, budget);
            // Kept up to date, for the future may be dropped while it waits.
            detail.decoded_bytes = decoder.decoded_len();
            let pushed = pushed?;
            budget = budget.saturating_sub(pushed.work);
            pieces += 1;
            if pushed.more {
                let rest = data[pushed.used..].to_vec();
                // The loop's buffer goes back before anything is waited for.
                let kept = piece.keep();
                budget = decode(decoder, &rest, detail).await?;
                piece = kept;
                (turn, pieces) = (0, 0);
            } else if budget == 0 || pieces == PIECES {
                let kept = piece.keep();
                tokio::task::yield_now().await;
                piece = kept;
                (turn, budget, pieces) = (0, BUDGET, 0);
            }
        }
        if connection.is_done() {
            return Ok(());
        }
        drop(piece);
        if turn >= TURN {
            tokio::task::yield_now().await;
            (turn, budget, pieces) = (0, BUDGET, 0);
        }
    }
}

async fn http2(
    exchange: &mut h2::Exchange,
    decoder: &mut Decoder<'_>,
    detail: &mut HttpDetail,
) -> Result<(), ItemError> {
    let (mut turn, mut budget, mut pieces) = (0, BUDGET, 0);
    // The connection takes in up to 4,096 frames in a turn, and tokio's own budget would let 128 of them through here: the
    // others would pile up.
    while let Some(data) = coop::unconstrained(exchange.chunk()).await? {
        detail.bytes += data.len() as u64;
        let pushed = decoder.push(&data, budget);
        detail.decoded_bytes = decoder.decoded_len();
        let pushed = pushed?;
        budget = budget.saturating_sub(pushed.work);
        turn += data.len();
        pieces += 1;
        if pushed.more {
            budget = decode(decoder, &data[pushed.used..], detail).await?;
            (turn, pieces) = (0, 0);
        } else if turn >= TURN || budget == 0 || pieces == PIECES {
            tokio::task::yield_now().await;
            (turn, budget, pieces) = (0, BUDGET, 0);
        }
    }
    Ok(())
}

/// Pushes the rest of what a decoder could not take at once, with pauses in which the event loop goes on. Gives what is
/// left of the budget of the last turn.
async fn decode(
    decoder: &mut Decoder<'_>,
    mut rest: &[u8],
    detail: &mut HttpDetail,
) -> Result<usize, ItemError> {
    loop {
        decoder.pause().await?;
        let pushed = decoder.push(rest, BUDGET);
        detail.decoded_bytes = decoder.decoded_len();
        let pushed = pushed?;
        rest = &rest[pushed.used..];
        if !pushed.more {
            return Ok(BUDGET.saturating_sub(pushed.work));
        }
    }
}
