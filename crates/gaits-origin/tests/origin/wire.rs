//! A bare HTTP/1.1 client: it writes what it is told, and reads one response with all that is wrong with it.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use gaits_origin::{Config, Origin};

/// One connection.
pub(crate) struct Wire<S>(BufReader<S>);

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn length(&self) -> Option<u64> {
        self.header("content-length").map(|text| text.parse().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A faultless origin on a free port.
pub(crate) fn origin() -> Origin {
    Origin::start(Config::default()).unwrap()
}

/// One GET over a connection of its own.
pub(crate) fn get(origin: &Origin, path: &str) -> Response {
    Wire::open(origin).get(path).unwrap()
}

/// Waits until the origin has read that many requests.
pub(crate) fn arrived(origin: &Origin, requests: u64) {
    while origin.requests() < requests {
        std::thread::yield_now();
    }
}

impl Wire<TcpStream> {
    pub(crate) fn open(origin: &Origin) -> Self {
        let stream = TcpStream::connect(origin.addr()).unwrap();
        // No test may hang for ever.
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        Self::over(stream)
    }

    /// The address of this end, as the origin sees it.
    pub(crate) fn peer(&self) -> String {
        self.0.get_ref().local_addr().unwrap().to_string()
    }

    /// The next bytes that come; none at the end of the connection.
    pub(crate) fn next(&mut self) -> io::Result<Vec<u8>> {
        let bytes = self.0.fill_buf()?.to_vec();
        self.0.consume(bytes.len());
        Ok(bytes)
    }

    /// Whether nothing at all comes for a while.
    pub(crate) fn is_silent(&mut self) -> bool {
        self.0.get_ref().set_read_timeout(Some(Duration::from_millis(60))).unwrap();
        let read = self.0.read(&mut [0]);
        self.0.get_ref().set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        matches!(read, Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut))
    }
}

impl<S: Read + Write> Wire<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self(BufReader::new(stream))
    }

    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).unwrap();
        self.0.get_mut().flush().unwrap();
    }

    /// Sends a request without a body, and reads nothing.
    pub(crate) fn send(&mut self, method: &str, path: &str, headers: &str) {
        self.write(format!("{method} {path} HTTP/1.1\r\nHost: origin.test\r\n{headers}\r\n"));
    }

    pub(crate) fn get(&mut self, path: &str) -> io::Result<Response> {
        self.send("GET", path, "");
        self.response()
    }

    pub(crate) fn get_with(&mut self, path: &str, headers: &str) -> Response {
        self.send("GET", path, headers);
        self.response().unwrap()
    }

    pub(crate) fn post(&mut self, path: &str, media_type: &str, body: &[u8]) -> Response {
        self.send(
            "POST",
            path,
            &format!("Content-Type: {media_type}\r\nContent-Length: {}\r\n", body.len()),
        );
        self.write(body);
        self.response().unwrap()
    }

    /// A whole response with a body of the announced length.
    pub(crate) fn response(&mut self) -> io::Result<Response> {
        let mut response = self.head()?;
        let length = response.length().unwrap_or(0);
        response.body = self.some(length.try_into().unwrap())?;
        Ok(response)
    }

    /// A response up to its body.
    pub(crate) fn head(&mut self) -> io::Result<Response> {
        let line = self.line()?;
        let status = line.strip_prefix("HTTP/1.1 ").unwrap().get(..3).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(Response { status, headers, body: Vec::new() });
            }
            let (name, value) = line.split_once(": ").unwrap();
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
    }

    /// That many bytes of a body.
    pub(crate) fn some(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// All that still comes.
    pub(crate) fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).map(|_| bytes)
    }

    pub(crate) fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
