//! Passes on what a worker process writes to its standard error, line by line.

use crate::flow::{EventQueue, Notice};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::time::sleep;

/// The longest line that is passed on whole, in bytes.
const LONGEST_LINE: usize = 16 * 1024;
/// With so many notices unread, a worker that has much to say waits.
const MANY: usize = 1_000;
/// How long, before it is looked at again.
const WAIT: Duration = Duration::from_millis(1);

/// Reads to the end. Bytes that are not UTF-8 are shown as replacement characters, and an over-long line is cut.
pub(super) async fn pass_on(stderr: impl AsyncRead + Unpin, pid: u32, out: Arc<EventQueue>) {
    let mut reader = BufReader::new(stderr);
    let mut line = Line::default();
    loop {
        let chunk = match reader.fill_buf().await {
            Ok(chunk) if !chunk.is_empty() => chunk,
            _ => break,
        };
        let end = chunk.iter().position(|byte| *byte == b'\n');
        line.extend(&chunk[..end.unwrap_or(chunk.len())]);
        let used = end.map_or(chunk.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            out.notice(Notice::WorkerSaid { pid, line: line.take() });
            while out.notices() >= MANY {
                sleep(WAIT).await;
            }
        }
    }
    if !line.is_empty() {
        out.notice(Notice::WorkerSaid { pid, line: line.take() });
    }
}

/// A line being read.
#[derive(Debug, Default)]
struct Line {
    kept: Vec<u8>,
    left_out: usize,
}

impl Line {
    fn extend(&mut self, bytes: &[u8]) {
        let room = (LONGEST_LINE - self.kept.len()).min(bytes.len());
        self.kept.extend_from_slice(&bytes[..room]);
        self.left_out += bytes.len() - room;
    }

    fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    fn take(&mut self) -> String {
        let kept = std::mem::take(&mut self.kept);
        let text = String::from_utf8_lossy(&kept);
        let text = text.strip_suffix('\r').unwrap_or(&text);
        match std::mem::take(&mut self.left_out) {
            0 => text.to_owned(),
            more => format!("{text}… ({more} bytes more)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Batch, Patience};

    fn said(bytes: &[u8]) -> Vec<String> {
        let out = Arc::new(EventQueue::new());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(pass_on(bytes, 7, Arc::clone(&out)));
        let mut batch = Batch::default();
        out.collect(&mut batch, Patience::Short, false);
        let line = |notice| match notice {
            Notice::WorkerSaid { pid: 7, line } => line,
            other => panic!("{other:?}"),
        };
        batch.notices.into_iter().map(line).collect()
    }

    #[test]
    fn lines_of_any_bytes_and_any_length_come_through() {
        let mut bytes = b"one\r\n\nnot \xff\xfe UTF-8\n".to_vec();
        bytes.extend(vec![b'x'; LONGEST_LINE + 5]);
        bytes.extend(b"\nno end");
        let long = format!("{}… (5 bytes more)", "x".repeat(LONGEST_LINE));
        assert_eq!(said(&bytes), ["one", "", "not \u{fffd}\u{fffd} UTF-8", &long, "no end"]);
        assert!(said(b"").is_empty());
    }
}
