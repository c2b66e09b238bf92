//! What no row can say: what several items do together, what takes no time, and lists that are wrong.

use crate::engine::{failure, records};
use crate::heap::{Account, charge_nobody};
use crate::measure::{event_loop, open, perform};
use crate::row::{KIB, MIB};
use crate::server::{HELLO, IN_VAIN, Server, Speaks};
use crate::stage::Stage;
use gaits::ErrorKind::{BlockedAddress, InvalidItem, Redirect};
use gaits::http::{HttpDetail, HttpSpec, Trust};
use gaits::{
    Control, Input, InputError, Limits, Plan, Program, Run, RunError, WorkSpec, WorkerCommand,
};
use gaits_core::{ManualClock, Performed};
use gaits_engine::MonotonicClock;
use gaits_origin::{Config, Origin, Script};
use std::sync::{Arc, LazyLock, mpsc};
use tokio::runtime::{Builder, LocalOptions};
use tokio::task::JoinSet;

/// Runs `client` on an event loop for which no time passes: its timers never fire.
fn without_time<T: Send + 'static, F: Future<Output = T>>(
    client: impl FnOnce() -> F + Send + 'static,
) -> T {
    let (done, result) = mpsc::channel();
    let run = move || {
        let mut builder = Builder::new_current_thread();
        builder.enable_all().start_paused(true);
        let runtime = builder.build_local(LocalOptions::default()).unwrap();
        let result = runtime.block_on(async {
            // While this runs, tokio does not skip the time in which the loop has nothing to do.
            let (end, ended) = mpsc::channel::<()>();
            let holding = tokio::task::spawn_blocking(move || ended.recv().is_err());
            let result = client().await;
            drop(end);
            assert!(holding.await.unwrap());
            result
        });
        // Whoever waits for it in vain is gone.
        let _ = done.send(result);
    };
    std::thread::Builder::new().name("without-time".into()).spawn(run).unwrap();
    result.recv_timeout(IN_VAIN).expect("the client waits for a timer")
}

/// Whether a redirect or a name led there makes no difference: an address is looked at where a connection is opened.
#[test]
fn what_denies_private_addresses_sends_nothing_to_them() {
    let origin = Origin::start(Config::default()).unwrap();
    let spec = HttpSpec { deny_private: true, ..HttpSpec::default() };
    let port = origin.url("/").rsplit(':').next().unwrap().trim_end_matches('/').to_owned();
    let hosts = ["127.0.0.1", "localhost", "127.0.0.2", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1"];
    let items = hosts.map(|host| format!("http://{host}:{port}/uuid").into_boxed_str());
    for model in ["sequential", "async:8"] {
        let input = Input::Listed { items: items.to_vec(), count: None };
        for record in records(model, &spec, &input) {
            let (kind, message) = failure(&record).expect("it is refused");
            assert_eq!(kind, BlockedAddress, "{model}: {}: {message}", record.item);
            assert!(message.ends_with(": --deny-private allows none such"), "{message}");
        }
    }
    assert_eq!(origin.requests(), 0);
}

/// The clock of the test below, which its server turns on.
static CLOCK: LazyLock<Arc<ManualClock>> = LazyLock::new(Arc::default);

#[test]
fn a_redirect_whose_body_does_not_end_takes_no_time_and_is_booked_as_no_body() {
    let server = Server::start(Speaks::Http1(|peer| {
        if peer.request().is_some() {
            CLOCK.advance_us(1_000_000);
            if peer.number() < 3 {
                peer.say("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 50\r\n\r\nhello");
            } else {
                peer.say(HELLO);
            }
            peer.wait_for_end();
        }
    }));
    let url = server.url();
    let performed = without_time(move || async move {
        let session = open(&HttpSpec::default(), CLOCK.clone());
        perform(&*session, &url).await
    });
    let detail = detail(&performed);
    assert_eq!((performed.outcome, detail.redirects, detail.bytes), (Ok(()), 3, 5));
    assert_eq!((detail.first_byte_us, detail.body_us), (4_000_000, 0));
}

fn detail(performed: &Performed) -> HttpDetail {
    HttpDetail::from_detail(performed.detail.as_ref().unwrap()).unwrap()
}

#[test]
fn redirects_whose_bodies_stall_do_not_pile_up_connections() {
    /// How many may be held, and are worth it.
    const MOST: usize = 64;
    let server = Server::start(Speaks::Http1(|peer| {
        if peer.request().is_some() {
            peer.say("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 50\r\n\r\nhello");
            peer.wait_for_end();
        }
    }));
    let url = server.url();
    let (ended, all_ended) = mpsc::channel();
    let (end, may_end) = mpsc::channel::<()>();
    let client = std::thread::scope(|scope| {
        let server = &server;
        scope.spawn(move || {
            all_ended.recv_timeout(IN_VAIN).expect("an item waits for a timer");
            server.wait_for_open(MOST);
            drop(end);
        });
        without_time(move || async move {
            let session = open(&HttpSpec::default(), Arc::new(MonotonicClock::start()));
            let mut items = JoinSet::new();
            for _ in 0..30 {
                let (session, url) = (session.clone(), url.clone());
                items.spawn_local(async move { perform(&*session, &url).await });
            }
            let performed = items.join_all().await;
            ended.send(()).unwrap();
            // The session lives until what it has given up has been seen to be closed.
            assert!(may_end.recv().is_err());
            performed
        })
    });
    assert_eq!(server.requests(), 30 * 11);
    for performed in client {
        assert_eq!(performed.outcome.unwrap_err().kind, Redirect);
    }
}

#[test]
fn large_bodies_in_flight_hold_little_memory() {
    const IN_FLIGHT: i64 = 32;
    const LONG: u64 = 4_000_000;
    let origin = |tls, script| Origin::start(Config { tls, script, ..Config::default() });
    // Of HTTP/2 it is what the connection has received and nobody has taken yet, and not so much for each body.
    for (what, origin, most) in [
        ("HTTP/1.1", origin(false, None), IN_FLIGHT * 16 * KIB),
        ("HTTP/1.1 over TLS", origin(true, Some(Script::default())), IN_FLIGHT * 64 * KIB),
        ("HTTP/2", origin(true, None), 4 * MIB),
    ] {
        let origin = origin.unwrap();
        let url = origin.url(&format!("/bytes/{LONG}"));
        let spec = HttpSpec { trust: Trust::Insecure, ..HttpSpec::default() };
        let account = Account::open();
        account.charge_this_thread();
        let runtime = event_loop(account);
        let (lengths, peak) = runtime.block_on(async {
            let session = open(&spec, Arc::new(MonotonicClock::start()));
            let before = account.begin();
            let mut items = JoinSet::new();
            for _ in 0..IN_FLIGHT {
                let (session, url) = (session.clone(), url.clone());
                items.spawn_local(async move { detail(&perform(&*session, &url).await).bytes });
            }
            (items.join_all().await, account.peak() - before)
        });
        drop(runtime);
        charge_nobody();
        assert!(lengths.iter().all(|length| *length == LONG), "{lengths:?}");
        assert!(peak <= most, "{} kB over {what}", peak / KIB);
    }
}

#[test]
fn a_list_with_anything_in_it_gives_a_record_for_each_line() {
    let stage = Stage::new();
    let healthy = stage.healthy();
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("list");
    let wrong: [&[u8]; 12] = [
        b"http://a..example/",
        b"http://",
        b"http://[::1",
        b"http://127.0.0.1:99999/",
        b"http://127.0.0.1:0/",
        b"ftp://127.0.0.1/",
        b"//127.0.0.1/",
        b"http://127.0.0.1/\xff\xfe",
        b"http://127.0.0.1/\0",
        b"../../etc/passwd",
        &[b"http://", "a".repeat(300).as_bytes(), b".example/"].concat(),
        &[b"http://127.0.0.1/", "a".repeat(1 << 20).as_bytes()].concat(),
    ];
    let mut list = [b"\xef\xbb\xbf", healthy.as_bytes(), b"\r\n\r\n# a comment\r\n"].concat();
    for line in wrong {
        list.extend([line, b"\r\n", healthy.as_bytes(), b" \n"].concat());
    }
    // The last line has no end.
    list.truncate(list.len() - 1);
    std::fs::write(&path, list).unwrap();
    for model in ["sequential", "async:4"] {
        let records = records(model, &HttpSpec::default(), &Input::File(path.clone()));
        assert_eq!(records.len(), 1 + 2 * wrong.len(), "{model}");
        for record in records {
            let ended = failure(&record).map(|(kind, message)| {
                assert!(message.len() < 1_000, "{message}");
                kind
            });
            let wanted = (record.index % 2 == 1).then_some(InvalidItem);
            assert_eq!(ended, wanted, "{model}: {record:?}");
        }
    }
}

#[test]
fn a_list_without_items_is_an_error() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("list");
    for list in ["", "\u{feff}", "\r\n\r\n", "# a comment"] {
        std::fs::write(&path, list).unwrap();
        let program = Program { works: gaits::works(), worker: WorkerCommand::this_binary() };
        let work = WorkSpec::new(gaits::http::NAME, HttpSpec::default().settings().unwrap());
        let (model, session) = ("async:4".parse().unwrap(), gaits::SessionScope::default());
        let plan = Plan { work, model, session, limits: Limits::default() };
        let run = Run::over(&program, &plan, &Input::File(path.clone())).unwrap();
        let error = run.run(&mut (), &Control::new()).unwrap_err();
        assert!(matches!(error, RunError::Input(InputError::Empty { .. })), "{list:?}: {error}");
    }
}
