//! The rest of a response, whatever the protocol: its body, piece by piece.
//!
//! Limit: has no deadline; whoever waits drops what it waits for.

use super::body_file::{BodyFile, PIECE};
use super::decode::{BUDGET, Decoder, Pushed};
use super::detail::HttpDetail;
use super::lent::{KEPT_INPUT, Lent, Piece};
use super::patience::Progress;
use super::{fault, h1, h2};
use gaits_core::ItemError;
use std::sync::Arc;
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
    // Boxed, so that what is moved with a response of HTTP/1.1 is small.
    Http2(Box<h2::Exchange>),
}

impl Exchange {
    /// How long the rest of the body is, as far as the server has said so.
    pub(super) fn left(&self) -> Option<u64> {
        match self {
            Exchange::Http1(connection) => connection.left(),
            Exchange::Http2(exchange) => exchange.body_len(),
        }
    }

    /// Takes the whole body through `decoder`, beginning with what has come already, and counts it in `detail`. With a
    /// `file`, what the decoder keeps of a long body is written there as it comes; the last of it is left to the caller. `progress` is told how it comes along.
    pub(super) async fn body(
        &mut self,
        lent: &Lent,
        come: Option<Piece<'_>>,
        decoder: &mut Decoder<'_>,
        detail: &mut HttpDetail,
        file: Option<&mut BodyFile<'_>>,
        progress: &Progress,
    ) -> Result<(), ItemError> {
        let (mut come, mut intake) = (come, Intake::new(decoder, detail, file, progress));
        if !self.take_come(&mut come, &mut intake)? {
            // Boxed, since it would make the future of every item larger. Short bodies that came with their heads do not get here.
            Box::pin(self.rest(lent, come, intake)).await?;
        }
        decoder.finish()
    }

    /// Takes what has `come` of a body that needs no decoding; tells whether that was all of it.
    fn take_come(
        &mut self,
        come: &mut Option<Piece<'_>>,
        intake: &mut Intake<'_, '_, '_>,
    ) -> Result<bool, ItemError> {
        let Exchange::Http1(connection) = self else { return Ok(false) };
        if !intake.decoder.is_identity() {
            return Ok(false);
        }
        if let Some(piece) = come {
            while !intake.turn_is_over() {
                let Some(data) = connection.data(piece)? else { break };
                let rest = intake.take(data)?;
                debug_assert!(rest.is_none(), "a body without a coding is taken at once");
            }
        }
        come.take_if(|piece| piece.bytes().is_empty());
        Ok(connection.is_done())
    }

    /// Takes the rest of a body, waiting for it.
    async fn rest(
        &mut self,
        lent: &Lent,
        come: Option<Piece<'_>>,
        intake: Intake<'_, '_, '_>,
    ) -> Result<(), ItemError> {
        match self {
            Exchange::Http1(connection) => http1(connection, lent, come, intake).await,
            Exchange::Http2(exchange) => http2(exchange, intake).await,
        }
    }

    /// Takes what has come of a body that nobody wants; tells whether that was all of it.
    pub(super) fn skip(&mut self, come: Option<Piece<'_>>) -> bool {
        self.skip_seeing(come, |_| ())
    }

    /// The same; shows `see` what has come with the head, over HTTP/1.1, without undoing its codings.
    pub(super) fn skip_seeing(
        &mut self,
        come: Option<Piece<'_>>,
        mut see: impl FnMut(&[u8]),
    ) -> bool {
        match self {
            Exchange::Http1(connection) => {
                let Some(mut piece) = come else { return connection.is_done() };
                while let Ok(Some(data)) = connection.data(&mut piece) {
                    see(data);
                }
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

/// Takes a body piece by piece, and knows when it is the turn of others.
struct Intake<'a, 'h, 'w> {
    decoder: &'a mut Decoder<'h>,
    detail: &'a mut HttpDetail,
    file: Option<&'a mut BodyFile<'w>>,
    progress: &'a Progress,
    /// Bytes and pieces that were taken since the event loop was last given back.
    bytes: usize,
    pieces: usize,
    /// How much may still be decoded before it is given back again.
    budget: usize,
}

impl<'a, 'h, 'w> Intake<'a, 'h, 'w> {
    fn new(
        decoder: &'a mut Decoder<'h>,
        detail: &'a mut HttpDetail,
        file: Option<&'a mut BodyFile<'w>>,
        progress: &'a Progress,
    ) -> Self {
        Self { decoder, detail, file, progress, bytes: 0, pieces: 0, budget: BUDGET }
    }

    /// Takes the next data of the body. Gives what the decoder could not take at once, which is for [`decode`](Self::decode);
    /// none if it took all.
    fn take<'d>(&mut self, data: &'d [u8]) -> Result<Option<&'d [u8]>, ItemError> {
        self.detail.bytes += data.len() as u64;
        self.bytes += data.len();
        self.progress.add(data.len());
        self.pieces += 1;
        let pushed = self.push(data)?;
        Ok(pushed.more.then(|| &data[pushed.used..]))
    }

    fn push(&mut self, data: &[u8]) -> Result<Pushed, ItemError> {
        let pushed = self.decoder.push(data, self.budget);
        // Kept up to date, for the future may be dropped while it waits.
        self.detail.decoded_bytes = self.decoder.decoded_len();
        let pushed = pushed?;
        self.budget = self.budget.saturating_sub(pushed.work);
        Ok(pushed)
    }

    /// Pushes the rest of what the decoder could not take at once, with pauses in which the event loop goes on.
    async fn decode(&mut self, mut rest: &[u8]) -> Result<(), ItemError> {
        loop {
            self.write_out().await?;
            let is_held = self.decoder.waits_for_others();
            if is_held {
                self.progress.hold(true);
            }
            self.decoder.pause().await?;
            if is_held {
                self.progress.hold(false);
            }
            self.begin_turn();
            let pushed = self.push(rest)?;
            rest = &rest[pushed.used..];
            if !pushed.more {
                return Ok(());
            }
        }
    }

    fn turn_is_over(&self) -> bool {
        self.bytes >= TURN || self.pieces >= PIECES || self.budget == 0 || self.is_full()
    }

    /// Gives the event loop back for a moment.
    async fn end_turn(&mut self) -> Result<(), ItemError> {
        self.write_out().await?;
        tokio::task::yield_now().await;
        self.begin_turn();
        Ok(())
    }

    /// Whether so much is kept that it is to be written to the file now.
    fn is_full(&self) -> bool {
        self.file.is_some() && self.decoder.kept_len() >= PIECE
    }

    /// Writes what is kept to the file, if it is much; waits until it is written.
    async fn write_out(&mut self) -> Result<(), ItemError> {
        if !self.is_full() {
            return Ok(());
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        self.progress.hold(true);
        let written = file.write(Arc::new(self.decoder.take_kept())).await;
        self.progress.hold(false);
        written
    }

    fn begin_turn(&mut self) {
        (self.bytes, self.pieces, self.budget) = (0, 0, BUDGET);
    }
}

async fn http1(
    connection: &mut h1::Connection,
    lent: &Lent,
    mut come: Option<Piece<'_>>,
    mut intake: Intake<'_, '_, '_>,
) -> Result<(), ItemError> {
    // Of a coded body, what the decoder has no room for is kept, and of one in chunks, those of the next turn.
    let whole = intake.decoder.is_identity() && connection.left().is_some();
    let most = if whole { usize::MAX } else { KEPT_INPUT };
    loop {
        let mut piece = match come.take() {
            Some(piece) => piece,
            None if connection.is_done() => return Ok(()),
            None => {
                let piece = connection.more(lent, most).await?;
                // It has ended with the connection. Nothing at all is not what a coding makes of anything: it has broken off.
                let is_end = piece.bytes().is_empty();
                if is_end && intake.detail.bytes == 0 && !intake.decoder.is_identity() {
                    return Err(fault::closed_in_body());
                }
                piece
            }
        };
        while let Some(data) = connection.data(&mut piece)? {
            // The loop's buffer goes back before anything is waited for.
            if let Some(rest) = intake.take(data)? {
                let rest = rest.to_vec();
                let kept = piece.keep();
                intake.decode(&rest).await?;
                piece = kept;
            } else if intake.turn_is_over() && !piece.bytes().is_empty() {
                let kept = piece.keep();
                intake.end_turn().await?;
                piece = kept;
            }
        }
        if connection.is_done() {
            return Ok(());
        }
        drop(piece);
        if intake.turn_is_over() {
            intake.end_turn().await?;
        }
    }
}

async fn http2(
    exchange: &mut h2::Exchange,
    mut intake: Intake<'_, '_, '_>,
) -> Result<(), ItemError> {
    // The connection takes in up to 4,096 frames in a turn, and tokio's own budget would let 128 of them through here: the
    // others would pile up.
    while let Some(data) = coop::unconstrained(exchange.chunk()).await? {
        if let Some(rest) = intake.take(&data)? {
            intake.decode(rest).await?;
        } else if intake.turn_is_over() {
            intake.end_turn().await?;
        }
    }
    Ok(())
}
