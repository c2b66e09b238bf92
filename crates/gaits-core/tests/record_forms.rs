//! Every record reads back as it was written, in JSON and on the wire.

use gaits_core::{
    Blake3, Data, Detail, ErrorKind, Field, ItemError, Measured, Outcome, Record, Timing, Try,
    Value, WorkerId,
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

fn data() -> impl Strategy<Value = Data> {
    prop_oneof![
        text().prop_map(Data::Text),
        any::<Vec<u8>>().prop_map(|bytes| Data::Bytes(bytes.into()))
    ]
}

/// What a work of these tests measures.
#[derive(Debug, Clone)]
struct Walk {
    steps: u64,
    tired: bool,
    way: Box<str>,
    hash: Option<Blake3>,
    more: Value,
}

impl Measured for Walk {
    fn fields(&self, each: &mut dyn FnMut(&str, Field<'_>)) {
        each("steps", Field::Unsigned(self.steps));
        each("tired", Field::Bool(self.tired));
        each("way", Field::Text(&self.way));
        if let Some(hash) = &self.hash {
            each("blake3", Field::Hash(hash));
        }
        each("more", Field::Value(&self.more));
    }

    fn boxed(&self) -> Box<dyn Measured> {
        Box::new(self.clone())
    }
}

fn detail() -> impl Strategy<Value = Option<Detail>> {
    let walk = (any::<u64>(), any::<bool>(), text(), any::<Option<[u8; 32]>>(), value()).prop_map(
        |(steps, tired, way, hash, more)| {
            Detail::new("walk", Walk { steps, tired, way, hash: hash.map(Blake3), more })
        },
    );
    prop::option::of(walk)
}

fn failed_try(started_us: u64) -> Try {
    let error = ItemError::new(ErrorKind::Reset, "closed");
    Try { started_us, finished_us: started_us + 7, error }
}

fn record() -> impl Strategy<Value = Record> {
    let kind = prop::sample::select(ErrorKind::ALL);
    let error = (kind, any::<String>()).prop_map(|(kind, text)| ItemError::new(kind, text));
    let worker = any::<(u32, u32, u32)>().prop_map(|(pid, tid, slot)| WorkerId { pid, tid, slot });
    (
        (any::<u64>(), data(), prop::option::of(error), any::<u32>(), prop::option::of(worker)),
        any::<[u64; 4]>(),
        detail(),
        (prop::collection::vec((text(), value()), 0..3), prop::option::of(data())),
    )
        .prop_map(|((index, item, error, attempts, worker), us, detail, given)| Record {
            index,
            item,
            outcome: error.map_or(Outcome::Ok, Outcome::Failed),
            attempts,
            tries: (0..attempts.min(2)).map(|n| failed_try(n.into())).collect(),
            worker,
            timing: Timing {
                due_us: (us[0] % 2 == 0).then_some(us[1]),
                queued_us: us[0],
                started_us: us[1],
                finished_us: us[2],
                cpu_us: us[3],
            },
            detail,
            extract: given.0,
            payload: given.1,
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
        tries: Vec::new(),
        worker: Some(WorkerId { pid: 4711, tid: 4712, slot: 3 }),
        timing: Timing {
            due_us: None,
            queued_us: 12,
            started_us: 40,
            finished_us: 231_040,
            cpu_us: 85,
        },
        detail: Some(Detail::new(
            "walk",
            Walk {
                steps: 53,
                tired: true,
                way: "uphill".into(),
                hash: Some(Blake3([0xa5; 32])),
                more: Value::Null,
            },
        )),
        extract: vec![("uuid".into(), Value::String("x".into()))],
        payload: Some(Data::Bytes(Box::new([0, 255]))),
    };
    let expected = concat!(
        r#"{"index":0,"item":"http://a/uuid","outcome":"ok","attempts":1,"#,
        r#""worker":{"pid":4711,"tid":4712,"slot":3},"#,
        r#""queued_us":12,"started_us":40,"finished_us":231040,"cpu_us":85,"#,
        r#""walk":{"steps":53,"tired":true,"way":"uphill","#,
        r#""blake3":"a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5","more":null},"#,
        r#""extract":{"uuid":"x"},"payload":{"base64":"AP8="}}"#
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

#[test]
fn what_shows_a_secret_is_replaced_in_the_record() {
    let mut item = gaits_core::Item::new(0, "http://user:s3cret@a/");
    item.shown = Some(Box::new("http://***@a/".into()));
    let error = ItemError::new(ErrorKind::Connect, "refused");
    let line = serde_json::to_string(&Record::unperformed(item, error, 0, None, 7)).unwrap();
    assert!(line.contains(r#""item":"http://***@a/""#) && !line.contains("s3cret"), "{line}");
}

#[test]
fn fields_that_are_not_known_are_passed_over() {
    let line = r#"{"index":0,"item":"a","outcome":"ok","attempts":1,"later":7,"queued_us":0,"started_us":0,
        "finished_us":0,"cpu_us":0,"walk":{"steps":2},"other":{"a":1}}"#;
    let record: Record = serde_json::from_str(line).unwrap();
    let detail = record.detail.unwrap();
    assert_eq!((detail.work(), detail.get("steps")), ("walk", Some(Value::Integer(2))));
}
