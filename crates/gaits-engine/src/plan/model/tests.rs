use super::*;
use proptest::prelude::*;

fn parse(text: &str) -> Result<Model, ModelError> {
    text.parse()
}

#[test]
fn every_form_parses_with_numbers_and_without() {
    for form in Model::FORMS {
        let plain: Vec<_> = form.split('/').map(|part| part.split(':').next().unwrap()).collect();
        assert!(parse(&plain.join("/")).is_ok(), "{form}");
        let numbered = form.replace([':'], ":3 ").replace([' ', 'N', 'T', 'P'], "");
        assert_eq!(parse(&numbered).unwrap().to_string(), numbered, "{form}");
    }
}

#[test]
fn numbers_left_out_follow_the_cores() {
    let cores = cores();
    assert_eq!(parse("threads").unwrap().layout().threads, (cores + 4).min(32));
    assert_eq!(parse("processes").unwrap().layout().processes, cores);
    assert_eq!(parse("async").unwrap().layout().in_flight, 100);
    let both = parse("processes/async:7").unwrap().layout();
    assert_eq!((both.processes, both.in_flight), (cores, 7));
}

#[test]
fn as_many_workers_as_are_asked_for_and_never_more() {
    for (model, workers, expected) in [
        ("async", 50, "async:50"),
        ("threads:8", 3, "threads:3"),
        ("processes:2", 5, "processes:5"),
        ("processes:2/async:100", 50, "processes:2/async:25"),
        ("processes:2/threads:4", 5, "processes:2/threads:2"),
        ("threads:4/async:100", 50, "threads:4/async:12"),
        ("processes:4/async:100", 3, "processes:3/async:1"),
        ("async:100/threads:8", 3, "async:3/threads:3"),
        ("sequential", 1, "sequential"),
    ] {
        let workers = NonZeroU32::new(workers).unwrap();
        let model = parse(model).unwrap().with_workers(workers).unwrap();
        assert_eq!(model.to_string(), expected);
    }
    let two = NonZeroU32::new(2).unwrap();
    let refused = parse("sequential").unwrap().with_workers(two).unwrap_err();
    assert!(refused.to_string().starts_with("`sequential` does one item at a time"));
    for (model, most) in [
        ("async:7", 100_000),
        ("threads:7", 10_000),
        ("processes:7", 1_000),
        ("processes:2/threads:3", 20_000),
        ("processes:50/threads:3", 100_000),
        ("threads:3/async:7", 100_000),
    ] {
        let with = |workers| parse(model).unwrap().with_workers(NonZeroU32::new(workers).unwrap());
        assert!(with(most).is_ok(), "{model}");
        let wanted =
            format!("{model} can have {most} workers at most, and {} are asked for", most + 1);
        assert_eq!(with(most + 1).unwrap_err().to_string(), wanted);
        assert!(with(u32::MAX).is_err(), "{model}");
    }
}

#[test]
fn a_near_miss_is_told_what_was_meant() {
    for (text, meant) in [
        ("thread:4", "threads:4"),
        ("multiprocessing", "processes"),
        ("asyncio:100", "async:100"),
        ("Async:100", "async:100"),
        ("async100", "async:100"),
        ("theads", "threads"),
        ("threads=10", "threads:10"),
        ("threads:4/processes:2", "processes:2/threads:4"),
        ("sequential:1", "sequential"),
    ] {
        match parse(text) {
            Err(ModelError::Unknown { meant: Some(found), .. }) => assert_eq!(found, meant),
            other => panic!("{text}: {other:?}"),
        }
    }
    let message = parse("quantum").unwrap_err().to_string();
    assert!(message.contains("unknown model `quantum`"), "{message}");
    assert!(message.contains("threads:T/async:N"), "{message}");
}

#[test]
fn zero_and_absurd_numbers_are_refused() {
    for text in ["threads:0", "async:-1", "async:", "async:+5", "processes:1001", "async:9999999"] {
        let error = parse(text).unwrap_err();
        assert!(matches!(error, ModelError::Number { .. }), "{text}: {error}");
    }
    let error = parse("processes:1000/async:100000").unwrap_err();
    assert!(matches!(error, ModelError::TooMany { .. }), "{error}");
}

proptest! {
    #[test]
    fn any_text_is_a_model_or_a_clear_error(text in ".{0,40}") {
        match parse(&text) {
            Ok(model) => prop_assert_eq!(parse(&model.to_string()).unwrap(), model),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn what_was_meant_is_always_a_form(text in "[a-z:/0-9]{0,20}") {
        if let Err(ModelError::Unknown { meant: Some(meant), .. }) = parse(&text) {
            prop_assert!(!matches!(parse(&meant), Err(ModelError::Unknown { .. })), "{}", meant);
        }
    }
}
