//! Reads any bytes, in any pieces, with our HTTP/1.1 reader and with hyper's client. It panics when the two
//! disagree in a way that is not listed, and when the same bytes give another result: in other pieces, or where the head of
//! the last response is remembered.

#![no_main]

#[path = "../../tests/h1_support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests use more of it")]
mod support;

use gaits_work::http::h1::LastHead;
use libfuzzer_sys::fuzz_target;
use support::{AnswerTo, OurFault, agree, case, read, read_again};

/// A response whose head takes the place of what is remembered.
const OTHER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

fuzz_target!(|data: &[u8]| {
    if let Some((to, pieces)) = case(data) {
        let ours = agree(to, &pieces);
        let whole = pieces.concat();
        assert_eq!(read(to, &[&whole]), ours, "cut otherwise");
        remembers(to, &[&whole], &ours);
        remembers(to, &pieces, &ours);
    }
});

/// Reads the same pieces twice in a row, and once more behind another head; each reading must give `known`.
fn remembers(to: AnswerTo, pieces: &[&[u8]], known: &Result<support::Answer, OurFault>) {
    let mut last = LastHead::default();
    for place in ["first", "again", "behind another head"] {
        if place == "behind another head" {
            assert!(read_again(to, &[OTHER], &mut last).is_ok());
        }
        assert_eq!(&read_again(to, pieces, &mut last), known, "read {place}");
    }
}
