//! What a worker process and its parent say to each other, and how it is framed: `docs/design/processes.md`.
//!
//! A frame is a little-endian u32, the length of what follows, and then one message in postcard. Both ends are
//! the same binary, so messages have no versions; the first one checks that.

use crate::clock::MonotonicClock;
use crate::flow::{Notice, Report};
use crate::plan::Plan;
use gaits_core::{Advice, Item, ItemError, PacingKey, Record};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io;
use tokio_util::codec::LengthDelimitedCodec;

/// The largest frame that is read, in bytes. Batches are cut far below; only one huge record comes near it.
pub(crate) const LARGEST_FRAME: usize = 1 << 30;
/// A batch is cut once its frame has this many bytes.
const BATCH_BYTES: usize = 256 * 1024;

/// The first message to a worker process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Begin {
    /// Version of the parent; it must be the worker's own.
    pub(crate) version: String,
    /// Process id of the parent: a worker with another one has been orphaned.
    pub(crate) parent: u32,
    /// What to do, and the model inside the process.
    pub(crate) plan: Plan,
    /// The run's clock.
    pub(crate) clock: MonotonicClock,
}

/// What the parent says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToWorker {
    /// Once, first.
    Begin(Box<Begin>),
    /// Do these.
    Items(Vec<Item>),
    /// Give back what is not started; of one pacing key, if one is named.
    Recall(Option<PacingKey>),
    /// Give back what is not started, finish what is, and exit.
    Close,
}

/// What a worker says. Items that come back undone are named by their index: the parent has a copy of each.
#[derive(Debug, Serialize, Deserialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are records, and a box each would cost more than it saves"
)]
pub(crate) enum FromWorker {
    /// An item is finished.
    Done(Record, Advice),
    /// An item was not started.
    Unstarted(u64),
    /// The process has no file descriptor left for an item.
    Exhausted(u64, ItemError),
    /// Something to tell the user.
    Noticed(Notice),
}

impl FromWorker {
    /// Of a report in the worker. A worker has no workers of its own that could crash, so nothing else comes up.
    pub(crate) fn from_report(report: Report) -> Self {
        match report {
            Report::Done { record, .. } => FromWorker::Done(record, Advice::Final),
            Report::Advised { record, advice, .. } => FromWorker::Done(record, advice),
            Report::Unstarted(item) => FromWorker::Unstarted(item.index),
            Report::Exhausted(item, error) => FromWorker::Exhausted(item.index, error),
            Report::Died { .. } | Report::Overdue { .. } => {
                unreachable!("a worker process has no worker processes")
            }
        }
    }
}

/// The framing, for either end.
pub(crate) fn codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder()
        .little_endian()
        .length_field_type::<u32>()
        .max_frame_length(LARGEST_FRAME)
        .new_codec()
}

/// Turns a message into bytes.
pub(crate) fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    postcard::to_stdvec(message).map_err(io::Error::other)
}

/// Reads a message; all bytes must belong to it.
pub(crate) fn decode<T: DeserializeOwned>(frame: &[u8]) -> io::Result<T> {
    match postcard::take_from_bytes(frame) {
        Ok((message, [])) => Ok(message),
        Ok((_, rest)) => {
            let message = format!("{} bytes too many in a frame", rest.len());
            Err(io::Error::new(io::ErrorKind::InvalidData, message))
        }
        Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
    }
}

/// Encodes `messages` as frames of several, each a sequence that decodes as a `Vec`, cut by size.
pub(crate) fn encode_batches<T: Serialize>(messages: &[T]) -> io::Result<Vec<Vec<u8>>> {
    let mut frames = Vec::new();
    let mut body = Vec::new();
    let mut count = 0_u32;
    let mut finish = |body: &mut Vec<u8>, count: &mut u32| -> io::Result<()> {
        let mut frame = encode(count)?;
        frame.append(body);
        frames.push(frame);
        *count = 0;
        Ok(())
    };
    for message in messages {
        body = postcard::to_extend(message, body).map_err(io::Error::other)?;
        count += 1;
        if body.len() >= BATCH_BYTES {
            finish(&mut body, &mut count)?;
        }
    }
    if count > 0 {
        finish(&mut body, &mut count)?;
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaits_core::ErrorKind;
    use proptest::prelude::*;

    fn said() -> impl Strategy<Value = FromWorker> {
        (any::<u64>(), ".{0,20}", any::<bool>()).prop_map(|(index, text, done)| {
            let item = Item::new(index, text);
            let error = ItemError::new(ErrorKind::Connect, "too many open files");
            if done {
                FromWorker::Done(Record::unperformed(item, error, 1, None, 7), Advice::Retry)
            } else {
                FromWorker::Exhausted(index, error)
            }
        })
    }

    proptest! {
        #[test]
        fn batches_decode_to_what_was_encoded(said in prop::collection::vec(said(), 0..40)) {
            let frames = encode_batches(&said).unwrap();
            let mut read: Vec<FromWorker> = Vec::new();
            for frame in &frames {
                read.append(&mut decode(frame).unwrap());
            }
            prop_assert_eq!(format!("{said:?}"), format!("{read:?}"));
        }

        #[test]
        fn any_bytes_decode_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode::<Vec<FromWorker>>(&bytes);
            let _ = decode::<ToWorker>(&bytes);
        }
    }

    #[test]
    fn big_batches_are_cut() {
        let items: Vec<_> = (0..10).map(|i| Item::new(i, "x".repeat(100_000))).collect();
        assert_eq!(encode_batches(&items).unwrap().len(), 4);
    }
}
