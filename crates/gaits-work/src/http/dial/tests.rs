//! Races on a paused clock, against scripted addresses and against real sockets on the loopback addresses.

use super::*;
use crate::http::dns::scripted::{self, Script, join_all};
use crate::http::target::Target;
use gaits_core::ManualClock;
use socket2::{Domain, Socket, Type};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::pending;
use std::net::TcpListener;
use tokio::runtime::Builder;
use tokio::time::{Instant, sleep, timeout};

const MS: Duration = Duration::from_millis(1);

/// Runs `future` on a clock that goes on as soon as nothing else is to be done.
fn paused<T>(future: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

fn ips(text: &str) -> Vec<IpAddr> {
    text.split_whitespace().map(|ip| ip.parse().unwrap()).collect()
}

fn order(ips_: &str, turn: usize) -> String {
    let order = in_turn(&ips(ips_), turn, 80);
    order.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(" ")
}

fn endpoint(url: &str) -> Endpoint {
    Endpoint::of(&Target::parse(url, None).unwrap().origin)
}

fn trace() -> Trace {
    Trace::new(Arc::<ManualClock>::default())
}

/// How an address behaves.
#[derive(Clone, Copy)]
enum Does {
    /// It connects after so many milliseconds.
    Connect(u64),
    /// It fails so after so many milliseconds.
    Fail(u64, io::ErrorKind),
    /// It never answers.
    Nothing,
    /// There is no file descriptor, for so many attempts; then it connects.
    Starve(usize),
}

/// Races addresses 127.0.0.1, 127.0.0.2, … that do so. Tells when each was tried, in milliseconds, what came of it, and
/// how long that took.
struct Raced {
    tried: Vec<(usize, u128)>,
    result: Result<Won<usize>, Lost>,
    took: Duration,
}

fn address(nth: usize) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, u8::try_from(nth).unwrap() + 1], 80))
}

fn raced(does: &[Does], make_room: impl FnMut() -> bool) -> Raced {
    let addresses: Vec<SocketAddr> = (0..does.len()).map(address).collect();
    let tried = RefCell::new(Vec::new());
    paused(async {
        let begun = Instant::now();
        let connect = |to: SocketAddr| {
            let nth = addresses.iter().position(|address| *address == to).unwrap();
            let before = tried.borrow().iter().filter(|(other, _)| *other == nth).count();
            tried.borrow_mut().push((nth, begun.elapsed().as_millis()));
            let does = does[nth];
            async move {
                match does {
                    Does::Connect(after) => sleep(MS * u32::try_from(after).unwrap()).await,
                    Does::Fail(after, kind) => {
                        sleep(MS * u32::try_from(after).unwrap()).await;
                        return Err(kind.into());
                    }
                    Does::Nothing => pending().await,
                    Does::Starve(times) if before < times => {
                        return Err(io::Error::from_raw_os_error(24));
                    }
                    Does::Starve(_) => {}
                }
                Ok(nth)
            }
        };
        let result = race(&addresses, ATTEMPT_DELAY, connect, make_room).await;
        Raced { tried: tried.take(), result, took: begun.elapsed() }
    })
}

fn no_room() -> bool {
    panic!("there were descriptors")
}

#[test]
fn families_alternate_and_the_first_is_the_preferred_one() {
    assert_eq!(order("::1 ::2 ::3 10.0.0.1 10.0.0.2", 0), "::1 10.0.0.1 ::2 10.0.0.2 ::3");
    assert_eq!(order("10.0.0.1 10.0.0.2 ::1", 0), "10.0.0.1 ::1 10.0.0.2");
    assert_eq!(order("10.0.0.1", 7), "10.0.0.1");
}

#[test]
fn each_connection_begins_with_the_next_address_of_the_preferred_family() {
    let hosts = "10.0.0.1 10.0.0.2 10.0.0.3 ::1 ::2";
    let orders = (4..7).map(|turn| order(hosts, turn)).collect::<Vec<_>>();
    assert_eq!(
        orders,
        [
            "10.0.0.2 ::1 10.0.0.3 ::2 10.0.0.1",
            "10.0.0.3 ::2 10.0.0.1 ::1 10.0.0.2",
            "10.0.0.1 ::1 10.0.0.2 ::2 10.0.0.3"
        ]
    );
}

#[test]
fn an_address_that_does_not_answer_costs_a_quarter_of_a_second() {
    let raced = raced(&[Does::Nothing, Does::Connect(0), Does::Connect(0)], no_room);
    let won = raced.result.unwrap();
    assert_eq!((won.stream, won.address, won.dead), (1, address(1), vec![address(0)]));
    assert_eq!(raced.tried, [(0, 0), (1, 250)]);
    assert_eq!(raced.took.as_millis(), 250);
}

#[test]
fn an_address_that_fails_costs_nothing_more() {
    let refused = Does::Fail(3, io::ErrorKind::ConnectionRefused);
    let raced = raced(&[refused, refused, Does::Connect(0)], no_room);
    let won = raced.result.unwrap();
    assert_eq!((won.stream, won.dead), (2, vec![address(0), address(1)]));
    assert_eq!(raced.tried, [(0, 0), (1, 3), (2, 6)]);
}

#[test]
fn an_address_that_is_late_may_still_win_and_the_one_beside_it_is_not_dead() {
    let raced = raced(&[Does::Connect(300), Does::Connect(100)], no_room);
    let won = raced.result.unwrap();
    assert_eq!((won.stream, won.dead), (0, Vec::new()));
    assert_eq!((raced.tried.len(), raced.took.as_millis()), (2, 300));
}

#[test]
fn an_address_that_failed_for_a_reason_of_this_machine_is_not_dead() {
    let raced = raced(&[Does::Fail(0, io::ErrorKind::AddrNotAvailable), Does::Connect(0)], no_room);
    assert_eq!(raced.result.unwrap().dead, []);
}

#[test]
fn when_all_fail_it_is_the_first_that_is_told() {
    let raced = raced(
        &[
            Does::Fail(900, io::ErrorKind::HostUnreachable),
            Does::Fail(1, io::ErrorKind::ConnectionRefused),
            Does::Fail(1, io::ErrorKind::ConnectionReset),
        ],
        no_room,
    );
    let Err(Lost::Failed(e)) = raced.result else { panic!("{:?}", raced.result) };
    assert_eq!(e.kind(), io::ErrorKind::HostUnreachable);
    assert_eq!(raced.tried, [(0, 0), (1, 250), (2, 251)]);
}

#[test]
fn without_a_descriptor_an_attempt_is_repeated_once_if_there_is_room() {
    let asked = Cell::new(0);
    let room = |is_there| {
        let asked = &asked;
        move || {
            asked.set(asked.get() + 1);
            is_there
        }
    };
    let first = raced(&[Does::Starve(1), Does::Nothing], room(true));
    assert_eq!((first.result.unwrap().stream, asked.take()), (0, 1));
    let second = raced(&[Does::Nothing, Does::Starve(1)], room(true));
    assert_eq!((second.result.unwrap().stream, asked.take()), (1, 1));
    assert_eq!(second.tried, [(0, 0), (1, 250), (1, 250)]);
    for (times, is_room) in [(2, true), (1, false)] {
        let starved = raced(&[Does::Nothing, Does::Starve(times)], room(is_room));
        assert!(matches!(starved.result, Err(Lost::Exhausted(_))), "{:?}", starved.result);
        assert_eq!(asked.take(), 1);
    }
}

#[test]
fn an_address_that_was_dead_lately_comes_last_until_it_answers_or_a_minute_has_passed() {
    let clock = Arc::new(ManualClock::default());
    let dead = DeadAddresses::new(clock.clone());
    let all = || vec![address(0), address(1), address(2)];
    let others_first = [address(1), address(2), address(0)];
    assert_eq!(dead.last(all()), all());
    dead.learn(address(1), &[address(0)]);
    assert_eq!(dead.last(all()), others_first);
    dead.learn(address(0), &[]);
    assert_eq!(dead.last(all()), all());
    dead.learn(address(1), &[address(0)]);
    clock.advance_us(59_000_000);
    assert_eq!(dead.last(all()), others_first);
    clock.advance_us(2_000_000);
    assert_eq!(dead.last(all()), all());
}

#[test]
fn no_more_dead_addresses_are_remembered_than_there_is_room_for() {
    let clock = Arc::new(ManualClock::default());
    let dead = DeadAddresses::new(clock.clone());
    let many = |first: u16| -> Vec<SocketAddr> {
        (first..first + 700).map(|port| SocketAddr::from(([127, 0, 0, 9], port))).collect()
    };
    dead.learn(address(0), &many(1));
    dead.learn(address(0), &many(1001));
    assert_eq!(dead.len(), 1024);
    clock.advance_us(61_000_000);
    dead.learn(address(0), &many(2001));
    assert_eq!(dead.len(), 700, "the old ones have made room");
}

/// Listeners on one port of these loopback addresses.
fn listeners<const N: usize>(ips: [&str; N]) -> ([TcpListener; N], u16) {
    // Another program may have the port on one of them.
    for _ in 0..100 {
        let first = TcpListener::bind((ips[0], 0)).unwrap();
        let port = first.local_addr().unwrap().port();
        let others = ips[1..].iter().map(|ip| TcpListener::bind((*ip, port)));
        let all: Vec<TcpListener> =
            std::iter::once(Ok(first)).chain(others).filter_map(Result::ok).collect();
        if let Ok(all) = all.try_into() {
            return (all, port);
        }
    }
    panic!("no port is free on all of {ips:?}")
}

/// Makes `listener` drop what comes: nobody accepts, and more have come already than it keeps.
fn deaden(listener: &TcpListener) -> Vec<Socket> {
    socket2::SockRef::from(listener).listen(0).unwrap();
    let address = listener.local_addr().unwrap().into();
    let come = || {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        // It is under way.
        let _ = socket.connect(&address);
        socket
    };
    std::iter::repeat_with(come).take(4).collect()
}

/// The route to a host that has these addresses.
fn route_to(addresses: &Arc<Addresses>) -> Located {
    Located::Name(Lookup::known(Ok(addresses.clone())))
}

fn dialer(delay: Duration) -> Dialer {
    let servers = NameServers::System(Family::Any);
    let dialer = Dialer::new(
        servers,
        None,
        Arc::<ManualClock>::default(),
        LastDescriptors::ForAnything,
        Reach::Any,
    );
    Dialer { delay, ..dialer }
}

#[test]
fn a_host_is_reached_though_its_first_address_drops_what_is_sent_to_it() {
    let ([dead, alive], port) = listeners(["127.0.0.2", "127.0.0.3"]);
    let _filled = deaden(&dead);
    let addresses = Arc::new(Addresses::new(ips("127.0.0.2 127.0.0.3")).unwrap());
    let (dialer, origin) =
        (dialer(ATTEMPT_DELAY), endpoint(&format!("http://host.example:{port}/")));
    paused(async {
        // Whatever turn they begin with, the dead address is the first of one of two.
        for _ in 0..2 {
            let route = route_to(&addresses);
            let tcp = dialer.connect(route, &origin, no_room, &mut trace()).await.unwrap();
            assert_eq!(tcp.peer_addr().unwrap(), alive.local_addr().unwrap());
        }
        let order = dialer.dead.last(vec![dead.local_addr().unwrap(), alive.local_addr().unwrap()]);
        assert_eq!(order[0], alive.local_addr().unwrap(), "the dead one was remembered");
    });
}

#[test]
fn the_addresses_of_a_host_share_the_load() {
    let (_all, port) = listeners(["127.0.0.2", "127.0.0.3", "127.0.0.4"]);
    let addresses = Arc::new(Addresses::new(ips("127.0.0.2 127.0.0.3 127.0.0.4")).unwrap());
    // The delay is longer than any busy machine takes to connect to itself.
    let (dialer, origin) =
        (dialer(Duration::from_mins(10)), endpoint(&format!("http://host.example:{port}/")));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut shares = HashMap::new();
    runtime.block_on(async {
        for _ in 0..12 {
            let route = route_to(&addresses);
            let tcp = dialer.connect(route, &origin, no_room, &mut trace()).await.unwrap();
            *shares.entry(tcp.peer_addr().unwrap()).or_insert(0) += 1;
        }
    });
    assert_eq!(shares.into_values().collect::<Vec<_>>(), [4, 4, 4]);
}

#[test]
fn a_host_that_refuses_everywhere_says_so() {
    let (closed, port) = listeners(["127.0.0.1"]);
    drop(closed);
    let (dialer, origin) = (dialer(ATTEMPT_DELAY), endpoint(&format!("http://localhost:{port}/")));
    paused(async {
        let route = dialer.locate(&origin, &mut trace()).await;
        let failed = dialer.connect(route, &origin, no_room, &mut trace()).await;
        let Err(Fault::Failed(e)) = failed else { panic!("{failed:?}") };
        let wanted =
            format!("connection refused by 127.0.0.1:{port} (and none of its other 1 addresses)");
        assert_eq!((e.kind, e.message), (ErrorKind::Connect, wanted));
    });
}

#[test]
fn a_connect_timeout_leaves_time_for_more_than_one_address() {
    let delay = |ms: u64| {
        let patience = Some(Duration::from_millis(ms));
        {
            let clock = Arc::<ManualClock>::default();
            Dialer::new(
                NameServers::System(Family::Any),
                patience,
                clock,
                LastDescriptors::ForAnything,
                Reach::Any,
            )
            .delay
            .as_millis()
        }
    };
    assert_eq!([10_000, 200, 1].map(delay), [250, 50, 10]);
}

#[test]
fn the_time_to_connect_does_not_begin_before_the_name_is_asked_for() {
    let (script, _) = Script::new(|host, _| host.starts_with("good").then_some(Duration::ZERO));
    let limit = Duration::from_millis(100);
    scripted::run(script, limit, async |dns| {
        let dialer = Dialer::with(dns, Some(limit), Arc::<ManualClock>::default());
        let resolve = |host: String| {
            let (dialer, origin) = (&dialer, endpoint(&format!("http://{host}.example/")));
            async move {
                let mut trace = trace();
                let route = dialer.locate(&origin, &mut trace).await;
                assert_eq!(trace.phase(), Phase::Dns);
                let Located::Name(lookup) = route else { panic!("{route:?}") };
                timeout(limit, dialer.resolve(lookup, &origin, &mut || false)).await.unwrap()
            }
        };
        let begun = Instant::now();
        let silent = (0..128).map(|i| format!("silent{i}"));
        let good = (0..20).map(|i| format!("good{i}"));
        let resolved = join_all(silent.chain(good).map(resolve)).await;
        assert!(begun.elapsed() > limit, "the good names had to wait");
        for silent in &resolved[..128] {
            let Err(Fault::Failed(e)) = silent else { panic!("{silent:?}") };
            assert_eq!(e.kind, ErrorKind::Dns);
            assert!(e.message.ends_with(": no answer from a name server within 0.09 s"), "{e}");
        }
        for good in &resolved[128..] {
            assert_eq!(good.as_ref().unwrap().ips(), ips("127.0.0.2"));
        }
    });
}

#[test]
fn a_request_whose_name_waits_says_that_no_name_server_was_asked() {
    let (script, _) = Script::new(|_, _| None);
    scripted::run(script, Duration::from_secs(10), async |dns| {
        let silent: Vec<Lookup> = (0..64).map(|i| dns.look_up(&format!("s{i}.example"))).collect();
        let dialer = Dialer::with(dns, None, Arc::<ManualClock>::default());
        let (origin, mut trace) = (endpoint("http://last.example/"), trace());
        let route = timeout(Duration::from_millis(100), dialer.locate(&origin, &mut trace)).await;
        assert!(route.is_err(), "{route:?}");
        let wanted = "waiting to resolve the host name (no name server was asked yet)";
        assert_eq!(trace.phase().to_string(), wanted);
        drop(silent);
    });
}

#[test]
fn what_is_private_is_not_connected_to_whatever_name_leads_there() {
    let reached = |reach: Reach, text: &str| reach.allowed(&ips(text)).map(Cow::into_owned);
    let public = |text: &str| reached(Reach::Public, text);
    assert_eq!(public("8.8.8.8 127.0.0.1 ::1"), Ok(ips("8.8.8.8")));
    assert_eq!(public("127.0.0.1 ::1"), Err(("127.0.0.1".parse().unwrap(), "a loopback address")));
    assert_eq!(reached(Reach::Any, "::1"), Ok(ips("::1")));

    let ([listening], port) = listeners(["127.0.0.2"]);
    let dialer = Dialer { reach: Reach::Public, ..dialer(ATTEMPT_DELAY) };
    let addresses = Arc::new(Addresses::new(ips("127.0.0.2")).unwrap());
    paused(async {
        let named = endpoint(&format!("http://rebound.example:{port}/"));
        let numbered = endpoint(&format!("http://127.0.0.2:{port}/"));
        let at = Located::Address("127.0.0.2".parse().unwrap());
        for (located, endpoint, wanted) in [
            (route_to(&addresses), &named, "rebound.example is at 127.0.0.2, a loopback address"),
            (at, &numbered, "127.0.0.2, a loopback address: --deny-private"),
        ] {
            let refused = dialer.connect(located, endpoint, no_room, &mut trace()).await;
            let Err(Fault::Failed(error)) = refused else { panic!("{refused:?}") };
            assert_eq!(error.kind, ErrorKind::BlockedAddress);
            assert!(error.message.starts_with(wanted), "{error}");
        }
    });
    listening.set_nonblocking(true).unwrap();
    assert_eq!(listening.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn an_address_needs_no_look_up() {
    let ([listening], port) = listeners(["127.0.0.2"]);
    let (dialer, origin) = (dialer(ATTEMPT_DELAY), endpoint(&format!("http://127.0.0.2:{port}/")));
    paused(async {
        let mut trace = trace();
        let route = dialer.locate(&origin, &mut trace).await;
        assert!(matches!(route, Located::Address(_)));
        assert_eq!(trace.phase(), Phase::Between);
        let tcp = dialer.connect(route, &origin, no_room, &mut trace).await.unwrap();
        assert_eq!(tcp.peer_addr().unwrap(), listening.local_addr().unwrap());
        assert_eq!(trace.phase(), Phase::Connect);
    });
}
