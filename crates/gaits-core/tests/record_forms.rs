//! Every record reads back as it was written, in JSON and on the wire.

use gaits_core::{
    Blake3, CpuDetail, Detail, ErrorKind, HttpDetail, HttpVersion, ItemError, Outcome, Record,
    Timing, Value, WaitDetail, WorkerId,
};
use proptest::prelude::*;

fn text() -> impl Strategy<Value = Box<str>> {
    any::<String>().prop_map(String::into_boxed_str)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        (u64::MAX / 2 + 1..).prop_map(Value::Unsigned),
        (-1.0e300..1.0e300).prop_map(|x: f64| Value::Float(x + 0.5)),
        text().prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((text(), inner), 0..4).prop_map(Value::Object),
        ]
    })
}

fn http() -> impl Strategy<Value = HttpDetail> {
    let version =
        prop_oneof![Just(HttpVersion::Http10), Just(HttpVersion::Http11), Just(HttpVersion::Http2)];
    (
        (prop::option::of(100..600_u16), prop::option::of(version), text(), any::<u8>()),
        (any::<u64>(), any::<u64>(), prop::option::of(any::<[u8; 32]>()), any::<bool>()),
        any::<[u64; 5]>(),
    )
        .prop_map(|((status, version, url, redirects), (bytes, decoded, hash, reused), us)| {
            HttpDetail {
                status,
                version,
                url,
                redirects,
                bytes,
                decoded_bytes: decoded,
                blake3: hash.map(Blake3),
                reused,
                dns_us: us[0],
                connect_us: us[1],
                tls_us: us[2],
                first_byte_us: us[3],
                body_us: us[4],
            }
        })
}

fn detail() -> impl Strategy<Value = Detail> {
    prop_oneof![
        Just(Detail::None),
        http().prop_map(|http| Detail::Http(Box::new(http))),
        (any::<u64>(), text()).prop_map(|(bits, sha256)| Detail::Cpu(CpuDetail { bits, sha256 })),
        any::<u64>().prop_map(|asked_us| Detail::Wait(WaitDetail { asked_us })),
    ]
}

fn record() -> impl Strategy<Value = Record> {
    let kind = prop::sample::select(ErrorKind::ALL);
    let error = (kind, any::<String>()).prop_map(|(kind, text)| ItemError::new(kind, text));
    let worker = any::<(u32, u32)>().prop_map(|(pid, tid)| WorkerId { pid, tid });
    (
        (any::<u64>(), text(), prop::option::of(error), any::<u32>(), prop::option::of(worker)),
        any::<[u64; 4]>(),
        detail(),
        prop::collection::vec((text(), value()), 0..3),
    )
        .prop_map(|((index, item, error, attempts, worker), us, detail, extract)| Record {
            index,
            item,
            outcome: error.map_or(Outcome::Ok, Outcome::Failed),
            attempts,
            worker,
            timing: Timing {
                queued_us: us[0],
                started_us: us[1],
                finished_us: us[2],
                cpu_us: us[3],
            },
            detail,
            extract,
        })
}

proptest! {
    #[test]
    fn a_record_reads_back_from_json(record in record()) {
        let line = serde_json::to_string(&record).unwrap();
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record);
    }

    #[test]
    fn a_record_reads_back_from_the_wire(record in record()) {
        let bytes = postcard::to_stdvec(&record).unwrap();
        prop_assert_eq!(postcard::from_bytes::<Record>(&bytes).unwrap(), record);
    }
}

#[test]
fn a_line_has_the_documented_form() {
    let record = Record {
        index: 0,
        item: "http://a/uuid".into(),
        outcome: Outcome::Ok,
        attempts: 1,
        worker: Some(WorkerId { pid: 4711, tid: 4712 }),
        timing: Timing { queued_us: 12, started_us: 40, finished_us: 231_040, cpu_us: 85 },
        detail: Detail::Http(Box::new(HttpDetail {
            status: Some(200),
            version: Some(HttpVersion::Http11),
            url: "http://a/uuid".into(),
            bytes: 53,
            decoded_bytes: 53,
            blake3: Some(Blake3([0xa5; 32])),
            reused: true,
            first_byte_us: 230_900,
            body_us: 15,
            ..HttpDetail::default()
        })),
        extract: vec![("uuid".into(), Value::String("x".into()))],
    };
    let expected = concat!(
        r#"{"index":0,"item":"http://a/uuid","outcome":"ok","attempts":1,"#,
        r#""worker":{"pid":4711,"tid":4712},"queued_us":12,"started_us":40,"finished_us":231040,"cpu_us":85,"#,
        r#""http":{"status":200,"version":"HTTP/1.1","url":"http://a/uuid","redirects":0,"bytes":53,"#,
        r#""decoded_bytes":53,"blake3":"a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5","#,
        r#""reused":true,"dns_us":0,"connect_us":0,"tls_us":0,"first_byte_us":230900,"body_us":15},"#,
        r#""extract":{"uuid":"x"}}"#
    );
    assert_eq!(serde_json::to_string(&record).unwrap(), expected);
}

#[test]
fn a_failed_record_names_its_error_and_leaves_out_what_is_not_there() {
    let error = ItemError::new(ErrorKind::InvalidItem, "list.txt:3: no scheme");
    let item = gaits_core::Item::new(2, "nonsense");
    let line = serde_json::to_string(&Record::unperformed(item, error, 0, None, 7)).unwrap();
    assert_eq!(
        line,
        concat!(
            r#"{"index":2,"item":"nonsense","outcome":"failed","#,
            r#""error":{"kind":"invalid_item","message":"list.txt:3: no scheme"},"attempts":0,"#,
            r#""queued_us":0,"started_us":7,"finished_us":7,"cpu_us":0}"#
        )
    );
}

#[test]
fn contradictory_lines_are_refused() {
    let line = r#"{"index":0,"item":"a","outcome":"failed","attempts":1,"queued_us":0,"started_us":0,"finished_us":0,"cpu_us":0}"#;
    let message = serde_json::from_str::<Record>(line).unwrap_err().to_string();
    assert!(message.contains("a failed record has no error"), "{message}");
    let line = line.replace("\"failed\"", "\"ok\"");
    assert!(serde_json::from_str::<Record>(&line).is_ok());
}
