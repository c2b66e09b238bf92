//! Reads any bytes, in any pieces, with our HTTP/1.1 reader and with hyper's client. It panics when the two
//! disagree in a way that is not listed, and when other pieces of the same bytes give another result.

#![no_main]

#[path = "../../tests/h1_support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests use more of it")]
mod support;

use libfuzzer_sys::fuzz_target;
use support::{agree, case, read};

fuzz_target!(|data: &[u8]| {
    if let Some((to, pieces)) = case(data) {
        let ours = agree(to, &pieces);
        assert_eq!(read(to, &[&pieces.concat()]), ours, "cut otherwise");
    }
});
