//! Proxies for tests: one that speaks HTTP, with whole URLs and tunnels, and one that speaks SOCKS5.
//!
//! Whatever host it is asked for, a proxy connects to the one server of the test, so no name has to exist.

use crate::harness::spawn;
use std::io::{self, BufRead, BufReader, Read, Write, copy};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A proxy at work.
pub(crate) struct TestProxy {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

/// What a proxy has seen.
#[derive(Debug, Default, Clone)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    /// The first line of each request; for SOCKS5, what it was to connect to.
    pub(crate) asked: Vec<String>,
    /// The heads that it has passed on, and for tunnels those that it was asked with.
    pub(crate) heads: String,
}

impl TestProxy {
    /// One that speaks HTTP, and demands `user:password` in base64 if any is given.
    pub(crate) fn http(server: SocketAddr, base64: Option<&'static str>) -> Self {
        Self::start(move |client, seen| serve_http(client, server, base64, seen))
    }

    /// One that speaks SOCKS5, and demands this user and password if any are given.
    pub(crate) fn socks(
        server: SocketAddr,
        credentials: Option<(&'static str, &'static str)>,
    ) -> Self {
        Self::start(move |client, seen| serve_socks(client, server, credentials, seen))
    }

    fn start(
        serve: impl Fn(TcpStream, &Mutex<Seen>) -> io::Result<()> + Clone + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Seen>>::default();
        let shared = seen.clone();
        spawn("proxy", move || {
            for client in listener.incoming() {
                let (client, serve, seen) = (client.unwrap(), serve.clone(), shared.clone());
                seen.lock().unwrap().connections += 1;
                // A client that goes away is no matter.
                spawn("proxied", move || drop(serve(client, &seen)));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

/// Reads a head, line by line; none at the end of the stream.
fn head(client: &mut impl BufRead) -> io::Result<Option<Vec<String>>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if client.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => return Ok(Some(lines)),
            line => lines.push(line.to_owned()),
        }
    }
}

fn field<'a>(head: &'a [String], name: &str) -> Option<&'a str> {
    let fields = head.iter().filter_map(|line| line.split_once(": "));
    fields.into_iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn serve_http(
    client: TcpStream,
    server: SocketAddr,
    base64: Option<&str>,
    seen: &Mutex<Seen>,
) -> io::Result<()> {
    let mut input = BufReader::new(client.try_clone()?);
    let mut client = client;
    while let Some(mut lines) = head(&mut input)? {
        seen.lock().unwrap().asked.push(lines[0].clone());
        let wanted = base64.map(|base64| format!("Basic {base64}"));
        if wanted.is_some() && field(&lines, "proxy-authorization") != wanted.as_deref() {
            client.write_all(
                b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
            )?;
            continue;
        }
        if lines[0].starts_with("CONNECT ") {
            seen.lock().unwrap().heads.push_str(&lines.join("\n"));
            let far = TcpStream::connect(server)?;
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
            return relay(client, far);
        }
        // The proxy's own fields are not for the server, and what was a URL becomes a path.
        lines.retain(|line| !line.to_lowercase().starts_with("proxy-"));
        let mut words = lines[0].split(' ');
        let (method, url) = (words.next().unwrap(), words.next().unwrap());
        let rest = url.strip_prefix("http://").expect("a whole URL");
        let path = &rest[rest.find('/').unwrap()..];
        lines[0] = format!("{method} {path} HTTP/1.1");
        seen.lock().unwrap().heads.push_str(&lines.join("\n"));
        let mut far = TcpStream::connect(server)?;
        far.write_all(format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n")).as_bytes())?;
        let length = field(&lines, "content-length").map_or(0, |length| length.parse().unwrap());
        copy(&mut (&mut input).take(length), &mut far)?;
        let mut far = BufReader::new(far);
        let mut answer = head(&mut far)?.expect("an answer");
        answer.retain(|line| !line.to_lowercase().starts_with("connection:"));
        client.write_all(format!("{}\r\n\r\n", answer.join("\r\n")).as_bytes())?;
        match field(&answer, "content-length") {
            Some(length) => copy(&mut far.take(length.parse().unwrap()), &mut client)?,
            None => return copy(&mut far, &mut client).map(drop),
        };
    }
    Ok(())
}

/// Both ways, until both have ended.
fn relay(near: TcpStream, far: TcpStream) -> io::Result<()> {
    let (mut back, mut answers) = (near.try_clone()?, far.try_clone()?);
    spawn("proxied-back", move || {
        drop(copy(&mut answers, &mut back));
        drop(back.shutdown(Shutdown::Write));
    });
    let (mut near, mut far) = (near, far);
    copy(&mut near, &mut far)?;
    far.shutdown(Shutdown::Write)
}

fn serve_socks(
    mut client: TcpStream,
    server: SocketAddr,
    credentials: Option<(&str, &str)>,
    seen: &Mutex<Seen>,
) -> io::Result<()> {
    let greeting = bytes(&mut client, 2)?;
    let offered = bytes(&mut client, greeting[1].into())?;
    let method = if credentials.is_some() { 2 } else { 0 };
    if !offered.contains(&method) {
        return client.write_all(&[5, 0xff]);
    }
    client.write_all(&[5, method])?;
    if let Some((user, password)) = credentials {
        let length = bytes(&mut client, 2)?[1];
        let given_user = bytes(&mut client, length.into())?;
        let length = bytes(&mut client, 1)?[0];
        let given_password = bytes(&mut client, length.into())?;
        let right = given_user == user.as_bytes() && given_password == password.as_bytes();
        client.write_all(&[1, u8::from(!right)])?;
        if !right {
            return Ok(());
        }
    }
    let request = bytes(&mut client, 4)?;
    let host = match request[3] {
        1 => {
            let ip: [u8; 4] = bytes(&mut client, 4)?.try_into().unwrap();
            std::net::Ipv4Addr::from(ip).to_string()
        }
        4 => {
            let ip: [u8; 16] = bytes(&mut client, 16)?.try_into().unwrap();
            std::net::Ipv6Addr::from(ip).to_string()
        }
        _ => {
            let length = bytes(&mut client, 1)?[0];
            let name = bytes(&mut client, length.into())?;
            format!("name {}", String::from_utf8_lossy(&name))
        }
    };
    bytes(&mut client, 2)?;
    seen.lock().unwrap().asked.push(host.clone());
    if host.ends_with("refused.test") {
        return client.write_all(&[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]);
    }
    let far = TcpStream::connect(server)?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    relay(client, far)
}

fn bytes(client: &mut TcpStream, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    client.read_exact(&mut bytes)?;
    Ok(bytes)
}
