//! Look-ups against a name server of the test's own on the loopback address.

use super::scripted::join_all;
use super::upstream::Families;
use super::*;
use gaits_core::ManualClock;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::mpsc as std_mpsc;
use tokio::time::Instant;

/// A name server that tells which names it was asked for, and answers as the test says.
struct FakeServer {
    address: SocketAddr,
    asked: std_mpsc::Receiver<String>,
}

/// What it answers to a question for an address: a response code and addresses with a time to live; none for
/// silence.
type Script = dyn Fn(&str, u16) -> Option<(u8, Vec<IpAddr>, u32)> + Send;

const A: u16 = 1;
const AAAA: u16 = 28;
const NX_DOMAIN: u8 = 3;

impl FakeServer {
    fn start(script: Box<Script>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let (tell, asked) = std_mpsc::channel();
        std::thread::Builder::new()
            .name("fake-dns".into())
            .spawn(move || {
                let mut buffer = [0; 512];
                while let Ok((len, from)) = socket.recv_from(&mut buffer) {
                    let (name, kind, end) = question(&buffer[..len]);
                    if kind == A && tell.send(name.clone()).is_err() {
                        return;
                    }
                    if let Some((code, addresses, ttl)) = script(&name, kind) {
                        let response = response(&buffer[..end], code, kind, &addresses, ttl);
                        let _ = socket.send_to(&response, from);
                    }
                }
            })
            .unwrap();
        Self { address, asked }
    }

    fn dns(&self, clock: Arc<ManualClock>) -> Dns {
        self.dns_for(Families::V4, clock)
    }

    fn dns_for(&self, families: Families, clock: Arc<ManualClock>) -> Dns {
        let servers = NameServers::Only(self.address, families);
        Dns::new(servers, Some(Duration::from_mins(1)), clock)
    }
}

/// The name and type that a query asks for, and where its question ends.
fn question(query: &[u8]) -> (String, u16, usize) {
    let (mut at, mut labels) = (12, Vec::new());
    while query[at] != 0 {
        let len = usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..=at + len]).to_ascii_lowercase());
        at += len + 1;
    }
    (labels.join("."), u16::from_be_bytes([query[at + 1], query[at + 2]]), at + 5)
}

/// A response to `query`, which has been cut after its question.
fn response(query: &[u8], code: u8, kind: u16, addresses: &[IpAddr], ttl: u32) -> Vec<u8> {
    let wanted: Vec<Vec<u8>> = addresses
        .iter()
        .filter_map(|ip| match ip {
            IpAddr::V4(ip) if kind == A => Some(ip.octets().to_vec()),
            IpAddr::V6(ip) if kind == AAAA => Some(ip.octets().to_vec()),
            _ => None,
        })
        .collect();
    let mut response = query.to_vec();
    // A response, recursion desired and available.
    response[2] = 0x81;
    response[3] = 0x80 | code;
    response[6..12].copy_from_slice(&[0, u8::try_from(wanted.len()).unwrap(), 0, 0, 0, 0]);
    for address in wanted {
        // The question's name, at offset 12.
        response.extend([0xc0, 12]);
        response.extend(kind.to_be_bytes());
        response.extend([0, 1]);
        response.extend(ttl.to_be_bytes());
        response.extend(u16::try_from(address.len()).unwrap().to_be_bytes());
        response.extend(address);
    }
    response
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// The addresses of `host`.
async fn lookup(dns: &Dns, host: &str) -> Result<Vec<IpAddr>, LookupError> {
    dns.look_up(host).answer().await.map(|addresses| addresses.ips().to_vec())
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn reserved_names_are_answered_without_asking() {
    let server = FakeServer::start(Box::new(|_, _| panic!("nobody should ask")));
    let dns = server.dns(Arc::default());
    run(async {
        for name in ["localhost", "a.localhost", "localhost."] {
            assert_eq!(lookup(&dns, name).await.unwrap(), [ip("127.0.0.1"), ip("::1")]);
        }
        for name in ["invalid", "no.such.invalid"] {
            assert_eq!(lookup(&dns, name).await, Err(LookupError::Failed("no such name".into())));
        }
    });
    assert!(dns.thread.lock().unwrap().is_none(), "no thread is needed for these");
}

#[test]
fn many_who_want_one_name_ask_once_and_the_answer_is_remembered() {
    let server = FakeServer::start(Box::new(|_, kind| {
        Some((0, if kind == A { vec![ip("127.0.0.2"), ip("127.0.0.3")] } else { Vec::new() }, 60))
    }));
    let clock = Arc::new(ManualClock::default());
    let dns = server.dns(clock.clone());
    run(async {
        let wanted = (0..100).map(|_| lookup(&dns, "many.example"));
        for answer in join_all(wanted).await {
            assert_eq!(answer.unwrap(), [ip("127.0.0.2"), ip("127.0.0.3")]);
        }
        assert_eq!(server.asked.try_iter().collect::<Vec<_>>(), ["many.example"]);
        clock.advance_us(59_000_000);
        lookup(&dns, "many.example").await.unwrap();
        assert_eq!(server.asked.try_iter().count(), 0, "it is still valid");
        clock.advance_us(2_000_000);
        lookup(&dns, "many.example").await.unwrap();
        assert_eq!(server.asked.try_iter().count(), 1, "it has grown old");
    });
}

#[test]
fn a_name_that_is_not_there_is_remembered_for_a_moment() {
    let server = FakeServer::start(Box::new(|_, _| Some((NX_DOMAIN, Vec::new(), 0))));
    let clock = Arc::new(ManualClock::default());
    let dns = server.dns(clock.clone());
    run(async {
        for _ in 0..2 {
            assert_eq!(
                lookup(&dns, "gone.example").await,
                Err(LookupError::Failed("no such name".into()))
            );
        }
        assert_eq!(server.asked.try_iter().count(), 1);
        clock.advance_us(6_000_000);
        assert!(lookup(&dns, "gone.example").await.is_err());
        assert_eq!(server.asked.try_iter().count(), 1);
    });
}

#[test]
fn a_name_without_addresses_says_so() {
    let server = FakeServer::start(Box::new(|_, _| Some((0, Vec::new(), 0))));
    let dns = server.dns(Arc::default());
    let answer = run(lookup(&dns, "empty.example"));
    assert_eq!(answer, Err(LookupError::Failed("it has no address".into())));
}

#[test]
fn a_server_that_never_answers_fails_in_time_and_holds_up_nobody_else() {
    let server = FakeServer::start(Box::new(|name, kind| {
        let addresses = if kind == A { vec![ip("127.0.0.2")] } else { Vec::new() };
        name.starts_with("quick").then_some((0, addresses, 60))
    }));
    let servers = NameServers::Only(server.address, Families::V4);
    let patience = Some(Duration::from_millis(200));
    let dns = Dns::new(servers, patience, Arc::<ManualClock>::default());
    run(async {
        let (silent, quick) =
            tokio::join!(lookup(&dns, "silent.example"), lookup(&dns, "quick.example"));
        assert!(quick.is_ok());
        let Err(LookupError::Failed(why)) = silent else { panic!("{silent:?}") };
        assert!(why.starts_with("no answer from a name server within 0.18 s"), "{why}");
    });
}

#[test]
fn both_families_are_asked_for_and_ipv6_is_the_preferred_one() {
    let server = FakeServer::start(Box::new(|_, kind| {
        Some((0, vec![ip(if kind == A { "127.0.0.2" } else { "::1" })], 60))
    }));
    let dns = server.dns_for(Families::Both, Arc::default());
    assert_eq!(run(lookup(&dns, "dual.example")), Ok(vec![ip("::1"), ip("127.0.0.2")]));
}

#[test]
fn a_server_that_answers_for_one_family_only_is_not_waited_for_and_soon_asked_again() {
    let clock = Arc::new(ManualClock::default());
    for (answered, address) in [(A, "127.0.0.2"), (AAAA, "::1")] {
        let server = FakeServer::start(Box::new(move |_, kind| {
            (kind == answered).then(|| (0, vec![ip(address)], 600))
        }));
        let dns = server.dns_for(Families::Both, clock.clone());
        run(async {
            assert_eq!(lookup(&dns, "half.example").await, Ok(vec![ip(address)]));
            server.asked.try_iter().for_each(drop);
            clock.advance_us(6_000_000);
            assert_eq!(lookup(&dns, "half.example").await, Ok(vec![ip(address)]));
            assert_ne!(server.asked.try_iter().count(), 0, "half an answer is not kept for long");
        });
    }
}

#[test]
fn a_name_that_does_not_exist_has_no_ipv6_addresses_either() {
    let server =
        FakeServer::start(Box::new(|_, kind| (kind == A).then(|| (NX_DOMAIN, Vec::new(), 0))));
    let dns = server.dns_for(Families::Both, Arc::default());
    assert_eq!(run(lookup(&dns, "gone.example")), Err(LookupError::failed("no such name")));
}

#[test]
fn an_endless_answer_is_cut_but_keeps_both_families() {
    let v6 = (0..40).map(|i| ip(&format!("fd00::{i}")));
    let addresses = Addresses::new(v6.chain([ip("127.0.0.2"), ip("127.0.0.2")])).unwrap();
    assert_eq!(addresses.ips().len(), 17);
    assert_eq!(addresses.ips()[16], ip("127.0.0.2"));
    assert!(Addresses::new([]).is_none());
}

#[test]
fn dropping_it_ends_its_thread_though_a_look_up_is_under_way() {
    let server = FakeServer::start(Box::new(|_, _| None));
    let dns = server.dns(Arc::default());
    run(async {
        tokio::select! {
            answer = lookup(&dns, "silent.example") => panic!("{answer:?}"),
            asked = tokio::task::spawn_blocking(move || server.asked.recv().unwrap()) => {
                assert_eq!(asked.unwrap(), "silent.example");
            }
        }
    });
    // Waits for the thread.
    drop(dns);
}

#[test]
fn a_look_up_that_is_given_up_says_whether_its_name_was_asked_for() {
    let names = Arc::new(Names::new(Arc::<ManualClock>::default()));
    for (asked, why) in [
        (true, "the look-up was given up"),
        (false, "the look-up was given up before the name was asked for"),
    ] {
        let (lookup, question) = names.find("some.example");
        let mut question = question.expect("nothing is remembered of it");
        if asked {
            question.asked(Instant::now());
        }
        drop(question);
        assert_eq!(run(lookup.answer()).unwrap_err(), LookupError::failed(why));
    }
}
