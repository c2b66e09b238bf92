//! What `http` measures of an item: `docs/design/records.md`.

use gaits_core::{Blake3, Detail, Field, Measured, Record, Value};

/// The name under which plans know this work.
pub const NAME: &str = "http";

/// What `http` measures. Phases are durations in microseconds; a phase that did not take place is 0. Of redirected
/// requests they are the sums.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HttpDetail {
    /// The response's status; none when no response came.
    pub status: Option<u16>,
    /// The protocol it came over.
    pub version: Option<HttpVersion>,
    /// The URL that gave the response, after redirects.
    pub url: Box<str>,
    /// How many redirects were followed.
    pub redirects: u8,
    /// Bytes of body received, before decoding.
    pub bytes: u64,
    /// Bytes of body after its content codings were undone.
    pub decoded_bytes: u64,
    /// Hash of the decoded body; none when it did not arrive whole.
    pub blake3: Option<Blake3>,
    /// The decoded body, where it is to be in the record: a text, bytes as `{"base64":"…"}`, or the JSON that it is.
    pub body: Option<Value>,
    /// The file that the decoded body is in. While the record is on its way, the name under which a worker has written it;
    /// in a results file, its final path in the folder of bodies.
    pub body_file: Option<Box<str>>,
    /// The URL of the page that comes next, where the answer is a page of a listing and there is one. It holds no
    /// credentials.
    pub next: Option<Box<str>>,
    /// Why the body could not be written to its file. A run does not go on after that, so it stands in no results file.
    pub body_error: Option<Box<str>>,
    /// Whether each connection it went over, those of its redirects too, was opened before it.
    pub reused: bool,
    /// Resolving the host's name.
    pub dns_us: u64,
    /// Establishing the TCP connection.
    pub connect_us: u64,
    /// The TLS handshake, and for the first ones of a process the wait until root certificates are loaded.
    pub tls_us: u64,
    /// From the request's first byte out to the response's head in.
    pub first_byte_us: u64,
    /// From the response's head to the end of its body.
    pub body_us: u64,
}

/// A version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HttpVersion {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
    /// HTTP/2
    Http2,
}

impl HttpVersion {
    /// As it stands in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            HttpVersion::Http10 => "HTTP/1.0",
            HttpVersion::Http11 => "HTTP/1.1",
            HttpVersion::Http2 => "HTTP/2",
        }
    }

    fn named(text: &str) -> Option<Self> {
        [Self::Http10, Self::Http11, Self::Http2].into_iter().find(|v| v.as_str() == text)
    }
}

impl Measured for HttpDetail {
    fn fields(&self, each: &mut dyn FnMut(&str, Field<'_>)) {
        if let Some(status) = self.status {
            each("status", Field::Unsigned(status.into()));
        }
        if let Some(version) = self.version {
            each("version", Field::Text(version.as_str()));
        }
        each("url", Field::Text(&self.url));
        each("redirects", Field::Unsigned(self.redirects.into()));
        each("bytes", Field::Unsigned(self.bytes));
        each("decoded_bytes", Field::Unsigned(self.decoded_bytes));
        if let Some(hash) = &self.blake3 {
            each("blake3", Field::Hash(hash));
        }
        if let Some(body) = &self.body {
            each("body", Field::Value(body));
        }
        for (name, text) in
            [("body_file", &self.body_file), ("body_error", &self.body_error), ("next", &self.next)]
        {
            if let Some(text) = text {
                each(name, Field::Text(text));
            }
        }
        each("reused", Field::Bool(self.reused));
        each("dns_us", Field::Unsigned(self.dns_us));
        each("connect_us", Field::Unsigned(self.connect_us));
        each("tls_us", Field::Unsigned(self.tls_us));
        each("first_byte_us", Field::Unsigned(self.first_byte_us));
        each("body_us", Field::Unsigned(self.body_us));
    }

    fn bytes(&self) -> usize {
        self.body.as_ref().map_or(0, Value::bytes)
    }

    fn boxed(&self) -> Box<dyn Measured> {
        Box::new(self.clone())
    }
}

impl HttpDetail {
    /// The item's next request goes over a connection that is `reused`, or was opened for it.
    pub(super) fn goes_over(&mut self, reused: bool) {
        self.reused = reused && (self.redirects == 0 || self.reused);
    }

    /// What `http` has measured of the item of `record`, wherever the record comes from; none if it was another work, or
    /// nothing was measured.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        record.detail.as_ref().and_then(Self::from_detail)
    }

    /// The same, from the detail alone.
    #[must_use]
    pub fn from_detail(detail: &Detail) -> Option<Self> {
        if detail.work() != NAME {
            return None;
        }
        if let Some(measured) = detail.downcast_ref::<Self>() {
            return Some(measured.clone());
        }
        let mut read = Self::default();
        detail.fields(|name, field| {
            let count = field.as_unsigned();
            match name {
                "status" => read.status = count.and_then(|status| status.try_into().ok()),
                "version" => read.version = field.as_text().and_then(HttpVersion::named),
                "url" => read.url = field.as_text().unwrap_or_default().into(),
                "redirects" => {
                    read.redirects = count.and_then(|n| n.try_into().ok()).unwrap_or_default();
                }
                "bytes" => read.bytes = count.unwrap_or_default(),
                "decoded_bytes" => read.decoded_bytes = count.unwrap_or_default(),
                "blake3" => read.blake3 = field.as_text().and_then(|text| text.parse().ok()),
                "body" => read.body = Some(field.to_value()),
                "body_file" => read.body_file = field.as_text().map(Box::from),
                "body_error" => read.body_error = field.as_text().map(Box::from),
                "next" => read.next = field.as_text().map(Box::from),
                "reused" => read.reused = field.as_bool().unwrap_or_default(),
                "dns_us" => read.dns_us = count.unwrap_or_default(),
                "connect_us" => read.connect_us = count.unwrap_or_default(),
                "tls_us" => read.tls_us = count.unwrap_or_default(),
                "first_byte_us" => read.first_byte_us = count.unwrap_or_default(),
                "body_us" => read.body_us = count.unwrap_or_default(),
                _ => {}
            }
        });
        Some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaits_core::{Outcome, Timing};

    #[test]
    fn it_reads_back_from_a_line() {
        let detail = HttpDetail {
            status: Some(200),
            version: Some(HttpVersion::Http2),
            url: "http://a/".into(),
            redirects: 2,
            bytes: 3,
            decoded_bytes: 4,
            blake3: Some(Blake3([7; 32])),
            body: Some(Value::Array(vec![Value::Null])),
            body_file: Some("00/000000256".into()),
            body_error: Some("the disk is full".into()),
            next: Some("http://a/?page=2".into()),
            reused: true,
            dns_us: 5,
            connect_us: 6,
            tls_us: 7,
            first_byte_us: 8,
            body_us: 9,
        };
        let record = Record {
            index: 0,
            item: "http://a/".into(),
            outcome: Outcome::Ok,
            attempts: 1,
            tries: Vec::new(),
            worker: None,
            timing: Timing::default(),
            detail: Some(Detail::new(NAME, detail.clone())),
            extract: Vec::new(),
            payload: None,
        };
        let line = serde_json::to_string(&record).unwrap();
        assert!(line.contains(r#""http":{"status":200,"version":"HTTP/2","url":"http://a/","#));
        let read: Record = serde_json::from_str(&line).unwrap();
        assert_eq!(HttpDetail::of(&read), Some(detail));
    }
}
