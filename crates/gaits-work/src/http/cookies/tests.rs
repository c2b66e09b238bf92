use super::*;
use proptest::prelude::*;

pub(super) const NOW: i64 = 1_800_000_000;

pub(super) fn target(url: &str) -> Target {
    Target::parse(url, None).unwrap()
}

impl Jar {
    fn receive(&mut self, url: &str, fields: &[&str]) {
        self.take(fields.iter().map(|field| field.as_bytes()), &target(url), NOW);
    }

    fn sent(&mut self, url: &str) -> String {
        let header = self.header_for(&target(url), NOW).unwrap_or_default();
        String::from_utf8(header).unwrap()
    }
}

#[test]
fn what_is_noted_for_the_file_is_bounded_and_kept_for_cookies_in_it() {
    let of_file: Vec<_> = ["kept", "gone"]
        .into_iter()
        .map(|name| {
            let mut other = Jar::default();
            other.receive("https://file.example/", &[&format!("{name}=1; path=/")]);
            other
                .domains
                .remove_entry("file.example")
                .map(|(domain, mut all)| (domain, all.remove(0)))
        })
        .collect::<Option<_>>()
        .unwrap();
    let mut jar = Jar::with(of_file, NOW);
    let noted = |jar: &Jar| jar.changes.iter().flat_map(Changes::keys).count();
    assert_eq!(noted(&jar), 0);
    jar.receive("https://file.example/", &["gone=1; path=/; max-age=0"]);
    assert_eq!(noted(&jar), 1);
    for i in 0..2 * MOST {
        jar.receive(&format!("https://h{i}.example/"), &["a=1", "a=2"]);
    }
    assert!(noted(&jar) <= MOST + 2, "{}", noted(&jar));
    let is_noted = |jar: &Jar, name: &str| {
        let mut keys = jar.changes.iter().flat_map(Changes::keys);
        keys.any(|key| key.name() == name.as_bytes())
    };
    assert!(is_noted(&jar, "gone") && !is_noted(&jar, "kept"));
    // One after the other is set and removed by its server.
    for i in 0..5 * MOST {
        jar.receive("https://h.example/", &[&format!("n{i}=1"), &format!("n{i}=1; max-age=0")]);
    }
    assert!(noted(&jar) <= 3 * MOST + 2, "{}", noted(&jar));
    assert!(is_noted(&jar, "gone"));
}

/// What is sent to `to` after `field` came from `from`.
fn sent(from: &str, field: &str, to: &str) -> String {
    let mut jar = Jar::default();
    jar.receive(from, &[field]);
    jar.sent(to)
}

#[test]
fn cookies_go_back_to_where_they_came_from() {
    for (from, field, to, goes) in [
        // Hosts.
        ("http://a.example/", "k=v", "http://a.example/x?y", true),
        ("http://a.example/", "k=v", "http://b.a.example/", false),
        ("http://a.example/", "k=v", "http://example/", false),
        ("http://a.example:81/", "k=v", "https://a.example:82/", true),
        ("http://a.b.example/", "k=v; domain=b.example", "http://b.example/", true),
        ("http://a.b.example/", "k=v; domain=.B.Example", "http://c.d.b.example/", true),
        ("http://a.b.example/", "k=v; domain=b.example", "http://xb.example/", false),
        ("http://a.b.example/", "k=v; domain=a.b.example", "http://x.a.b.example/", true),
        ("http://a.b.example/", "k=v; domain=x.a.b.example", "http://x.a.b.example/", false),
        ("http://a.b.example/", "k=v; domain=other.example", "http://a.b.example/", false),
        ("http://a.b.example/", "k=v; domain=", "http://a.b.example/", true),
        ("http://a.b.example/", "k=v; domain=b\u{e4}.example", "http://a.b.example/", false),
        // Addresses have no subdomains.
        ("http://127.0.0.1/", "k=v", "http://127.0.0.1/", true),
        ("http://127.0.0.1/", "k=v; domain=127.0.0.1", "http://127.0.0.1/", true),
        ("http://127.0.0.1/", "k=v; domain=0.0.1", "http://127.0.0.1/", false),
        ("http://[::1]/", "k=v", "http://[::1]/", true),
        ("http://localhost/", "k=v; domain=localhost", "http://localhost/", true),
        // Paths.
        ("http://a.example/dir/file", "k=v", "http://a.example/dir/other", true),
        ("http://a.example/dir/file", "k=v", "http://a.example/dir", true),
        ("http://a.example/dir/file", "k=v", "http://a.example/dirs", false),
        ("http://a.example/dir/file", "k=v", "http://a.example/", false),
        ("http://a.example/dir/file", "k=v; path=/", "http://a.example/", true),
        ("http://a.example/", "k=v; path=/other/", "http://a.example/other/x", true),
        ("http://a.example/", "k=v; path=/other/", "http://a.example/other", false),
        ("http://a.example/", "k=v; path=other", "http://a.example/", true),
        // TLS.
        ("https://a.example/", "k=v; secure", "https://a.example/", true),
        ("https://a.example/", "k=v; secure", "http://a.example/", false),
        ("http://a.example/", "k=v; secure", "https://a.example/", false),
        ("http://127.0.0.9/", "k=v; secure", "http://127.0.0.9/", true),
        ("http://localhost/", "k=v; secure", "http://localhost/", true),
        ("http://x.localhost/", "k=v; secure", "http://x.localhost/", true),
        ("http://xlocalhost/", "k=v; secure", "http://xlocalhost/", false),
        // Time.
        ("http://a.example/", "k=v; max-age=1", "http://a.example/", true),
        ("http://a.example/", "k=v; max-age=0", "http://a.example/", false),
        (
            "http://a.example/",
            "k=v; expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "http://a.example/",
            false,
        ),
    ] {
        let wanted = if goes { "k=v" } else { "" };
        assert_eq!(sent(from, field, to), wanted, "{field} from {from} to {to}");
    }
}

#[test]
fn prefixes_of_names_are_promises_that_are_kept() {
    for (from, field, taken) in [
        ("https://a.b.example/", "__Secure-k=v; secure", true),
        ("https://a.b.example/", "__Secure-k=v", false),
        ("https://a.b.example/", "=__Secure-k=v", false),
        ("https://a.b.example/", "__Host-k=v; secure; path=/", true),
        ("https://a.b.example/", "__host-k=v; secure; path=/", true),
        ("https://a.b.example/", "__Host-k=v; path=/", false),
        ("https://a.b.example/", "__Host-k=v; secure", false),
        ("https://a.b.example/", "__Host-k=v; secure; path=/x", false),
        ("https://a.b.example/", "__Host-k=v; secure; path=/; domain=a.b.example", false),
        ("http://a.b.example/", "__Host-k=v; secure; path=/", false),
    ] {
        assert_eq!(!sent(from, field, from).is_empty(), taken, "{field}");
    }
}

#[test]
fn nobody_sets_cookies_for_a_public_suffix() {
    for (host, domain, taken) in [
        ("a.co.uk", "co.uk", false),
        ("a.co.uk", "a.co.uk", true),
        ("b.a.co.uk", "a.co.uk", true),
        ("a.example.com", "com", false),
        ("a.github.io", "github.io", false),
        ("a.xn--55qx5d.cn", "xn--55qx5d.cn", false),
        ("b.a.xn--55qx5d.cn", "a.xn--55qx5d.cn", true),
        ("a.x.ck", "x.ck", false),
        ("a.www.ck", "www.ck", true),
        ("a.intranet", "intranet", false),
        ("a.co.uk.", "co.uk.", false),
    ] {
        let url = format!("http://{host}/");
        let field = format!("k=v; domain={domain}");
        assert_eq!(!sent(&url, &field, &url).is_empty(), taken, "{host} for {domain}");
    }
    // The host of that very name may, for itself.
    let field = "k=v; domain=github.io";
    assert_eq!(sent("http://github.io/", field, "http://github.io/"), "k=v");
    assert_eq!(sent("http://github.io/", field, "http://a.github.io/"), "");
}

#[test]
fn longer_paths_come_first_and_then_older_cookies() {
    let mut jar = Jar::default();
    jar.receive(
        "http://a.b.example/x/y",
        &["one=1; path=/", "two=2; path=/x", "three=3; path=/x; domain=b.example", "4"],
    );
    jar.receive("http://a.b.example/x/y", &["one=new; path=/", "five=5; path=/"]);
    assert_eq!(jar.sent("http://a.b.example/x/z"), "two=2; three=3; 4; one=new; five=5");
    assert_eq!(jar.count, 5);
}

#[test]
fn a_cookie_is_removed_by_setting_it_expired() {
    let mut jar = Jar::default();
    jar.receive("http://a.example/", &["a=1", "b=2"]);
    jar.receive("http://a.example/", &["a=; max-age=0", "c=; max-age=0"]);
    assert_eq!(jar.sent("http://a.example/"), "b=2");
    jar.receive("http://a.example/", &["b=; expires=Thu, 01 Jan 1970 00:00:00 GMT"]);
    assert_eq!((jar.count, jar.domains.len()), (0, 0));
}

#[test]
fn cookies_expire_as_time_goes_by() {
    let mut jar = Jar::default();
    let target = target("http://a.example/");
    jar.receive("http://a.example/", &["a=1; max-age=10", "b=2"]);
    let mut sent = |now_s| String::from_utf8(jar.header_for(&target, now_s).unwrap()).unwrap();
    assert_eq!(sent(NOW + 9), "a=1; b=2");
    assert_eq!(sent(NOW + 10), "b=2");
}

#[test]
fn without_tls_no_secure_cookie_is_replaced_or_hidden() {
    let mut jar = Jar::default();
    jar.receive("https://www.a.example/", &["id=good; secure", "other=1; secure; path=/login"]);
    jar.receive("http://www.a.example/", &["id=bad"]);
    jar.receive("http://x.a.example/", &["id=bad; domain=a.example"]);
    jar.receive("http://www.a.example/", &["id=bad; path=/deeper", "other=bad; path=/"]);
    assert_eq!(jar.sent("https://www.a.example/deeper/x"), "id=good; other=bad");
    jar.receive("https://www.a.example/", &["id=new"]);
    assert_eq!(jar.sent("http://www.a.example/"), "id=new; other=bad");
}

#[test]
fn a_domain_has_fifty_cookies_and_the_oldest_go_first() {
    let mut jar = Jar::default();
    let url = "https://a.example/";
    jar.receive(url, &["secure=1; secure", "expires=1; max-age=1000", "used=1"]);
    for i in 3..MOST_OF_DOMAIN {
        jar.receive(url, &[&format!("c{i}=1; path=/elsewhere")]);
    }
    assert_eq!(jar.sent(url), "secure=1; expires=1; used=1");
    jar.receive(url, &["d1=1"]);
    assert_eq!(jar.count, MOST_OF_DOMAIN);
    // The first that was neither secure nor sent since is gone.
    assert!(!jar.sent("https://a.example/elsewhere").contains("c3=1"));
    assert!(jar.sent("https://a.example/elsewhere").contains("c4=1"));
    let late = NOW + 1000;
    jar.take([&b"d2=1"[..]].into_iter(), &target(url), late);
    let sent = jar.header_for(&target("https://a.example/elsewhere"), late).unwrap();
    let sent = String::from_utf8(sent).unwrap();
    assert!(
        !sent.contains("expires=1") && sent.contains("c4=1") && sent.contains("d1=1"),
        "{sent}"
    );
    for i in 0..200 {
        jar.receive(url, &[&format!("e{i}=1")]);
    }
    assert_eq!(jar.count, MOST_OF_DOMAIN);
    assert!(jar.sent(url).starts_with("secure=1; "));
    // Another domain has room of its own.
    jar.receive("https://b.a.example/", &["f=1"]);
    assert_eq!(jar.count, MOST_OF_DOMAIN + 1);
}

#[test]
fn there_are_three_thousand_cookies_in_all() {
    let mut jar = Jar::default();
    for i in 0..MOST {
        jar.receive(&format!("http://h{i}.example/"), &["k=v"]);
    }
    assert_eq!(jar.count, MOST);
    assert_eq!(jar.sent("http://h0.example/"), "k=v");
    jar.receive("http://new.example/", &["k=v"]);
    assert_eq!(jar.count, MOST - REMOVED_AT_ONCE + 1);
    assert_eq!(jar.sent("http://h0.example/"), "k=v", "it was sent lately");
    assert_eq!(jar.sent("http://h1.example/"), "");
    assert_eq!(jar.sent(&format!("http://h{}.example/", REMOVED_AT_ONCE + 1)), "k=v");
    assert_eq!(jar.sent("http://new.example/"), "k=v");
}

#[test]
fn what_is_sent_stays_small_whatever_is_set() {
    let mut jar = Jar::default();
    for i in 0..300 {
        let field = format!("c{i}={}; domain=a.example; path=/", "x".repeat(4000));
        jar.receive("http://b.a.example/", &[&field, "small=1; path=/"]);
    }
    let sent = jar.sent("http://b.a.example/x");
    assert!(sent.len() <= MOST_SENT, "{}", sent.len());
    assert!(sent.contains("small=1"), "what fits is sent");
    assert!(jar.count <= 2 * MOST_OF_DOMAIN);
    let many: Vec<String> = (0..1000).map(|i| format!("k{i}=v")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut jar = Jar::default();
    jar.receive("http://a.example/", &many);
    assert_eq!(jar.count, MOST_OF_RESPONSE);
}

proptest! {
    #[test]
    fn no_server_gets_beyond_the_limits(
        responses in prop::collection::vec(
            (
                "https?://[a-c]\\.([a-c]\\.)?(example|co\\.uk)/[a-c/]{0,5}",
                prop::collection::vec(
                    "(__Host-)?[a-c]{0,2}=.{0,20}(; (domain=[.a-c]{0,3}example|path=/[a-c]|secure|max-age=[0-9]|expires=.{0,30}|.{0,9})){0,3}",
                    0..60,
                ),
                0..20_i64,
            ),
            0..20,
        ),
    ) {
        let mut jar = Jar::default();
        for (url, fields, later) in &responses {
            let target = target(url);
            jar.take(fields.iter().map(String::as_bytes), &target, NOW + later);
            let counted: usize = jar.domains.values().map(Vec::len).sum();
            prop_assert_eq!(jar.count, counted);
            prop_assert!(jar.domains.values().all(|all| (1..=MOST_OF_DOMAIN).contains(&all.len())));
            if let Some(header) = jar.header_for(&target, NOW + later) {
                prop_assert!((1..=MOST_SENT).contains(&header.len()));
                prop_assert!(http::HeaderValue::from_bytes(&header).is_ok());
            }
        }
    }
}
