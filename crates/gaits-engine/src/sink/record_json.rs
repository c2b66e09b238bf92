//! A record as JSON, byte for byte what serde makes of it, in a third of the instructions: most of what is written are
//! names that need no look and numbers.
//!
//! Limit: writes only. `Record` reads itself back.

use gaits_core::{Data, Detail, Field, ItemError, Record, Timing, Value};
use std::io;

/// Appends `record` to `out`, without a line's end.
///
/// # Errors
/// A value in it can't be written as JSON. What was appended by then is not a whole record.
pub(super) fn write(out: &mut Vec<u8>, record: &Record) -> io::Result<()> {
    let Timing { due_us, queued_us, started_us, finished_us, cpu_us } = record.timing;
    number(out, b"{\"index\":", record.index);
    out.extend_from_slice(b",\"item\":");
    data(out, &record.item)?;
    match record.error() {
        None => out.extend_from_slice(b",\"outcome\":\"ok\""),
        Some(error) => failure(out, error),
    }
    number(out, b",\"attempts\":", record.attempts.into());
    if !record.tries.is_empty() {
        out.extend_from_slice(b",\"tries\":");
        serde_json::to_writer(&mut *out, &record.tries)?;
    }
    if let Some(worker) = &record.worker {
        number(out, b",\"worker\":{\"pid\":", worker.pid.into());
        number(out, b",\"tid\":", worker.tid.into());
        number(out, b",\"slot\":", worker.slot.into());
        out.push(b'}');
    }
    if let Some(due_us) = due_us {
        number(out, b",\"due_us\":", due_us);
    }
    number(out, b",\"queued_us\":", queued_us);
    number(out, b",\"started_us\":", started_us);
    number(out, b",\"finished_us\":", finished_us);
    number(out, b",\"cpu_us\":", cpu_us);
    if let Some(measured) = &record.detail {
        out.push(b',');
        string(out, measured.work());
        out.push(b':');
        detail(out, measured)?;
    }
    if !record.extract.is_empty() {
        out.extend_from_slice(b",\"extract\":");
        let mut before = b'{';
        for (name, value) in &record.extract {
            out.push(before);
            before = b',';
            string(out, name);
            out.push(b':');
            self::value(out, value)?;
        }
        out.push(b'}');
    }
    if let Some(payload) = &record.payload {
        out.extend_from_slice(b",\"payload\":");
        data(out, payload)?;
    }
    out.push(b'}');
    Ok(())
}

fn failure(out: &mut Vec<u8>, error: &ItemError) {
    out.extend_from_slice(b",\"outcome\":\"failed\",\"error\":{\"kind\":\"");
    out.extend_from_slice(error.kind.as_str().as_bytes());
    out.extend_from_slice(b"\",\"message\":");
    string(out, &error.message);
    out.push(b'}');
}

fn detail(out: &mut Vec<u8>, detail: &Detail) -> io::Result<()> {
    let mut before = b'{';
    let mut result = Ok(());
    let is_plain = detail.has_plain_names();
    detail.fields(|name, field| {
        out.push(before);
        before = b',';
        if is_plain {
            debug_assert!(self::is_plain(name.as_bytes()), "{name} is no plain name");
            out.push(b'"');
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
        } else {
            string(out, name);
            out.push(b':');
        }
        match field {
            Field::Bool(true) => out.extend_from_slice(b"true"),
            Field::Bool(false) => out.extend_from_slice(b"false"),
            Field::Unsigned(number) => digits(out, number),
            Field::Text(text) => string(out, text),
            Field::Hash(hash) => {
                out.push(b'"');
                hash.with_hex(|hex| out.extend_from_slice(hex.as_bytes()));
                out.push(b'"');
            }
            Field::Value(value) => {
                if let Err(e) = self::value(out, value) {
                    result = Err(e);
                }
            }
        }
    });
    if before == b'{' {
        out.push(b'{');
    }
    out.push(b'}');
    result
}

fn data(out: &mut Vec<u8>, data: &Data) -> io::Result<()> {
    match data {
        Data::Text(text) => string(out, text),
        Data::Bytes(_) => serde_json::to_writer(out, data)?,
    }
    Ok(())
}

fn value(out: &mut Vec<u8>, value: &Value) -> io::Result<()> {
    match value {
        Value::String(text) => string(out, text),
        other => serde_json::to_writer(out, other)?,
    }
    Ok(())
}

// Always in place, since the copy of what is before the number is a few moves where its length is known.
#[expect(clippy::inline_always, reason = "it gains 300 instructions of 5,600 for a record")]
#[inline(always)]
fn number(out: &mut Vec<u8>, before: &[u8], number: u64) {
    out.extend_from_slice(before);
    digits(out, number);
}

#[inline(never)]
fn digits(out: &mut Vec<u8>, number: u64) {
    // Many are 0 or 1: phases that did not take place, attempts, redirects.
    if let Ok(digit @ 0..10) = u8::try_from(number) {
        out.push(b'0' + digit);
        return;
    }
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Writes a string in quotes.
fn string(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
    } else {
        escaped(out, bytes);
    }
    out.push(b'"');
}

/// Whether nothing has to be escaped. Eight bytes are looked at together: in a word, subtracting 1 from each byte sets the
/// highest bit of those that were 0, and of none before the first of them that had it clear.
fn is_plain(bytes: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    let below = |word: u64, least: u64| word.wrapping_sub(ONES * least) & !word;
    let is = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let look = |found: u64, word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        found | below(word, 0x20) | is(word, b'"') | is(word, b'\\')
    };
    // The last eight bytes are checked as one word, which may overlap the word before.
    let Some(last) = bytes.last_chunk() else {
        return !bytes.iter().any(|b| *b < 0x20 || *b == b'"' || *b == b'\\');
    };
    let found = bytes.as_chunks::<8>().0.iter().fold(look(0, last), look);
    found & HIGH == 0
}

#[cold]
fn escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        let short = match byte {
            b'"' | b'\\' => *byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
                continue;
            }
            _ => {
                out.push(*byte);
                continue;
            }
        };
        out.extend([b'\\', short]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaits_core::{Blake3, ErrorKind, Measured, Outcome, Try, WorkerId};
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    struct Walk(Vec<(String, Value)>, u64, Option<Blake3>);

    impl Measured for Walk {
        fn fields(&self, each: &mut dyn FnMut(&str, Field<'_>)) {
            for (name, value) in &self.0 {
                each(name, Field::Value(value));
                each("flag", Field::Bool(name.len().is_multiple_of(2)));
                each("text", Field::Text(name));
                each("count", Field::Unsigned(self.1));
            }
            if let Some(hash) = &self.2 {
                each("blake3", Field::Hash(hash));
            }
        }

        fn boxed(&self) -> Box<dyn Measured> {
            Box::new(self.clone())
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Integer),
            any::<f64>()
                .prop_filter("JSON has no others", |x| x.is_finite())
                .prop_map(Value::Float),
            any::<String>().prop_map(|text| Value::String(text.into())),
            any::<Vec<bool>>()
                .prop_map(|list| Value::Array(list.into_iter().map(Value::Bool).collect())),
        ]
    }

    fn any_data() -> impl Strategy<Value = Data> {
        prop_oneof![
            any::<String>().prop_map(Data::from),
            "[ -~]{0,60}".prop_map(Data::from),
            any::<Vec<u8>>().prop_map(|bytes| Data::Bytes(bytes.into())),
        ]
    }

    prop_compose! {
        fn any_record()(
            (index, item, attempts) in (any::<u64>(), any_data(), any::<u32>()),
            error in proptest::option::of(
                (proptest::sample::select(ErrorKind::ALL), any::<String>())
            ),
            worker in proptest::option::of(any::<(u32, u32, u32)>()),
            us in any::<[u64; 4]>(),
            walk in proptest::option::of((
                proptest::collection::vec(("[a-z0-9_]{0,20}", any_value()), 0..3),
                any::<u64>(),
                any::<Option<[u8; 32]>>(),
            )),
            extract in proptest::collection::vec((any::<String>(), any_value()), 0..3),
            payload in proptest::option::of(any_data()),
            tries in proptest::collection::vec(
                (any::<[u64; 2]>(), proptest::sample::select(ErrorKind::ALL), any::<String>()), 0..3,
            ),
        ) -> Record {
            let tries = tries.into_iter().map(|([started_us, finished_us], kind, message)| {
                Try { started_us, finished_us, error: ItemError::new(kind, message) }
            });
            let detail = walk.map(|(fields, count, hash)| {
                Detail::new("walk", Walk(fields, count, hash.map(Blake3)))
            });
            let extract = extract.into_iter().map(|(name, value)| (name.into(), value));
            Record {
                index,
                item,
                outcome: error.map_or(Outcome::Ok, |(kind, message)| {
                    Outcome::Failed(ItemError::new(kind, message))
                }),
                attempts,
                tries: tries.collect(),
                worker: worker.map(|(pid, tid, slot)| WorkerId { pid, tid, slot }),
                timing: Timing {
                    due_us: (us[0] % 2 == 0).then_some(us[1]),
                    queued_us: us[0],
                    started_us: us[1],
                    finished_us: us[2],
                    cpu_us: us[3],
                },
                detail,
                extract: extract.collect(),
                payload,
            }
        }
    }

    proptest! {
        #[test]
        fn it_is_what_serde_makes_of_the_record(record in any_record()) {
            let mut line = Vec::new();
            write(&mut line, &record).unwrap();
            prop_assert_eq!(String::from_utf8(line).unwrap(), serde_json::to_string(&record).unwrap());
        }
    }

    proptest! {
        #[test]
        fn a_string_is_what_serde_makes_of_it(text in any::<String>(), ascii in "[\\x00-\\x7f]{0,40}") {
            for text in [text, ascii] {
                let mut line = Vec::new();
                string(&mut line, &text);
                prop_assert_eq!(String::from_utf8(line).unwrap(), serde_json::to_string(&text).unwrap());
            }
        }
    }

    #[test]
    fn every_control_character_is_escaped_as_serde_does() {
        let text: String =
            (0..=0x7f_u8).map(char::from).chain("é\u{2028}\u{1f600}".chars()).collect();
        let mut line = Vec::new();
        string(&mut line, &text);
        assert_eq!(String::from_utf8(line).unwrap(), serde_json::to_string(&text).unwrap());
    }
}
