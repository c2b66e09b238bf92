//! Compares our HTTP/1.1 reader with hyper's client. Whatever bytes come, in whatever pieces, the two give the
//! same status and body, or both fail. `h1_support::DIFFERENCES` lists what only one of them accepts.

mod h1_responses;
mod h1_support;

use gaits_work::http::h1::LastHead;
use h1_responses::{any_bytes, any_cuts};
use h1_support::{Accepts, AnswerTo, DIFFERENCES, OurFault, agree, both, case, read, read_again};
use proptest::prelude::*;

/// Many cases, for they are small; `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig { cases: asked.cases.max(4000), ..asked }
}

#[test]
fn every_listed_difference_is_one() {
    for difference in &DIFFERENCES {
        let bytes = (difference.example)();
        let (ours, hypers) = both(AnswerTo::Other, &[&bytes]);
        let excused = difference.excuses(&bytes, &ours, &hypers);
        assert!(excused, "{}: ours {ours:?}, hyper's {hypers:?}", difference.what);
        match difference.accepts {
            Accepts::Hyper(said) => assert_eq!(ours, Err(OurFault::Malformed(said))),
            Accepts::Ours => assert!(ours.is_ok()),
        }
        assert!(!difference.why.is_empty());
    }
}

#[test]
fn every_kept_input_is_read_as_hyper_reads_it() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/h1_inputs");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let data = std::fs::read(file.unwrap().path()).unwrap();
        let (to, pieces) = case(&data).unwrap();
        let whole = agree(to, &[&pieces.concat()]);
        assert_eq!(agree(to, &pieces), whole);
        count += 1;
    }
    assert!(count > 0, "no inputs");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn ours_and_hypers_reading_agree(
        bytes in any_bytes(),
        cuts in any_cuts(),
        to in prop_oneof![9 => Just(AnswerTo::Other), 1 => Just(AnswerTo::Head)],
    ) {
        let _ = agree(to, &cuts.of(&bytes));
    }

    #[test]
    fn where_bytes_are_cut_makes_no_difference(
        bytes in any_bytes(),
        cuts in any_cuts(),
        to in prop_oneof![9 => Just(AnswerTo::Other), 1 => Just(AnswerTo::Head)],
    ) {
        prop_assert_eq!(read(to, &cuts.of(&bytes)), read(to, &[&bytes]));
    }

    /// Each is read a second time, and a second one behind the same beginning.
    #[test]
    fn what_is_remembered_of_a_head_makes_no_difference(
        bytes in any_bytes(),
        other in any_bytes(),
        keep in any::<prop::sample::Index>(),
        cuts in any_cuts(),
        head in any::<bool>(),
    ) {
        let to = |head| if head { AnswerTo::Head } else { AnswerTo::Other };
        let kept = &bytes[..keep.index(bytes.len() + 1)];
        let like = [kept, &other].concat();
        let mut last = LastHead::default();
        for (bytes, head) in
            [(&bytes, head), (&bytes, head), (&like, head), (&like, !head), (&bytes, head)]
        {
            let known = read(to(head), &[bytes]);
            prop_assert_eq!(read_again(to(head), &cuts.of(bytes), &mut last), known.clone());
            prop_assert_eq!(read_again(to(head), &[bytes], &mut last), known);
        }
    }
}
