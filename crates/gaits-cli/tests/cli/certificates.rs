//! Client certificates, before a server that demands one.

use crate::harness::{Dir, Gaits, gaits, http, parse_file, spawn};
use gaits_core::{ErrorKind, Outcome};
use gaits_origin::{Config, Origin};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{RootCertStore, ServerConfig, ServerConnection, Stream, crypto};

/// An authority, and what it has signed.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    roots: RootCertStore,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).unwrap();
        Self { issuer: Issuer::new(params, key), roots, pem: certificate.pem() }
    }

    /// A certificate for `name`, and its key.
    fn sign(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// A server that demands a certificate of this authority; its URL.
    fn serve(&self, version: &'static tokio_rustls::rustls::SupportedProtocolVersion) -> String {
        let (certificate, key) = self.sign("localhost");
        let provider = Arc::new(crypto::ring::default_provider());
        let roots = Arc::new(self.roots.clone());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
            );
        let config = Arc::new(config.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        spawn("demanding", move || {
            for mut tcp in listener.incoming().flatten() {
                let config = config.clone();
                spawn("demanding connection", move || {
                    let mut tls = ServerConnection::new(config).unwrap();
                    let mut stream = Stream::new(&mut tls, &mut tcp);
                    if matches!(stream.read(&mut [0; 4096]), Ok(1..)) {
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
                        let _ = stream.flush();
                    }
                    // What the client has sent is read, or its refusal would get lost behind a reset.
                    let _ = tcp.shutdown(std::net::Shutdown::Write);
                    let _ = std::io::copy(&mut tcp, &mut std::io::sink());
                });
            }
        });
        format!("https://localhost:{port}/")
    }
}

fn fetch(dir: &Path, url: &str, words: &str) -> Gaits {
    gaits(&format!("fetch --fresh -o out --retries 0 --cacert ca.pem {url} {words}")).dir(dir)
}

#[test]
fn a_server_that_demands_a_certificate_gets_the_one_that_is_named() {
    let (authority, other) = (Authority::new("ours"), Authority::new("another"));
    let dir = Dir::new();
    dir.file("ca.pem", &authority.pem);
    for (name, signed) in [("mine", authority.sign("me")), ("foreign", other.sign("me"))] {
        let (certificate, key) = (signed.0.pem(), signed.1.serialize_pem());
        dir.file(&format!("{name}.pem"), &certificate);
        dir.file(&format!("{name}.key"), &key);
        dir.file(&format!("{name}.both"), format!("{key}{certificate}"));
    }
    for version in [&TLS12, &TLS13] {
        let url = authority.serve(version);
        for words in [
            "--cert mine.both",
            "--cert mine.pem --cert-key mine.key -m threads:1",
            "--cert mine.both -m processes:1",
        ] {
            fetch(dir.path(), &url, words).run().expect_exit(0);
            let records = parse_file(&dir.at("out")).expect_items(1);
            assert_eq!(http(&records.0[0]).status, Some(200), "{words}");
            for file in ["out", "out.run"] {
                let text = std::fs::read_to_string(dir.at(file)).unwrap();
                assert!(!text.contains("PRIVATE KEY") && !text.contains("BEGIN"), "{text}");
            }
        }
        for (words, wanted) in
            [("", "wants a client certificate"), ("--cert foreign.both", "client certificate")]
        {
            fetch(dir.path(), &url, words).run().expect_exit(1);
            let message = parse_file(&dir.at("out")).expect_one_failure(ErrorKind::Tls);
            assert!(message.contains(wanted), "{words}: {message}");
        }
    }
}

#[test]
fn a_server_that_a_redirect_leads_to_is_not_shown_the_certificate() {
    let (authority, origin) = (Authority::new("ours"), Origin::start(Config::default()).unwrap());
    let dir = Dir::new();
    dir.file("ca.pem", &authority.pem);
    let (certificate, key) = authority.sign("me");
    dir.file("mine.both", format!("{}{}", key.serialize_pem(), certificate.pem()));
    for version in [&TLS12, &TLS13] {
        let url = authority.serve(version);
        let led = origin.url(&format!("/redirect-to?url={url}"));
        // Nor where there is a connection over which it was shown.
        dir.file("list", format!("{url}\n{led}\n{url}\n{led}\n{url}\n"));
        fetch(dir.path(), "-i list", "--cert mine.both -m async:1").run().expect_exit(1);
        let records = parse_file(&dir.at("out")).expect_items(5);
        for record in records.iter() {
            match &record.outcome {
                Outcome::Ok => assert_eq!(record.index % 2, 0, "{record:?}"),
                Outcome::Failed(error) => {
                    assert_eq!((record.index % 2, error.kind), (1, ErrorKind::Tls), "{record:?}");
                    let wanted = "certificate; --cert is not shown to one that a redirect from another led to";
                    assert!(error.message.contains(wanted), "{record:?}");
                }
            }
        }
    }
}

#[test]
fn a_certificate_that_is_no_use_is_refused_before_anything_is_sent() {
    let (authority, dir) = (Authority::new("ours"), Dir::new());
    let ((mine, key), (_, other)) = (authority.sign("me"), authority.sign("you"));
    dir.file("ca.pem", &authority.pem);
    dir.file("mine.pem", mine.pem());
    dir.file("mine.key", key.serialize_pem());
    dir.file("other.key", other.serialize_pem());
    let encrypted = key.serialize_pem().replace("PRIVATE", "ENCRYPTED PRIVATE");
    dir.file("encrypted.key", encrypted);
    dir.file("nothing", "");
    dir.file("mine.der", mine.der());
    dir.file("key.der", key.serialize_der());
    dir.file("bad.pem", mine.pem().replacen("MII", "M!!", 1));
    for (words, wanted) in [
        ("--cert missing", "can't read --cert missing"),
        ("--cert nothing", "nothing is of no use as a client certificate: it holds no -----BEGIN"),
        ("--cert mine.pem", "it holds no private key; name the file that does with --cert-key"),
        ("--cert mine.pem --cert-key nothing", "nothing is of no use"),
        ("--cert mine.pem --cert-key missing", "can't read --cert-key missing"),
        ("--cert mine.pem --cert-key other.key", "another key than the one in other.key"),
        ("--cert mine.pem --cert-key encrypted.key", "its key is encrypted"),
        ("--cert-key mine.key", "--cert <FILE>"),
        ("--cert mine.der", "`openssl x509 -inform der -in mine.der -out mine.der.pem`"),
        (
            "--cert mine.pem --cert-key key.der",
            "`openssl pkey -inform der -in key.der -out key.der",
        ),
        ("--cert bad.pem", "bad.pem is of no use as a client certificate: what stands between"),
    ] {
        let end = fetch(dir.path(), "https://localhost:9/", words).run();
        end.expect_refused(wanted).expect_stderr_lacks("PRIVATE");
    }
    for (file, wanted) in [("mine.der", "openssl x509"), ("bad.pem", "it is no Base64")] {
        let run = gaits("fetch https://localhost:9/ --cacert").arg(file).dir(dir.path()).run();
        run.expect_refused(wanted).expect_stderr_lacks("decode");
    }
}
