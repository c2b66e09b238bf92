//! Parts of sentences: shares, numbers of things, and how workers are laid out.

use crate::language::{Language, said};
use crate::why::measured::rounded;
use crate::{Layout, units};

/// Workers as the subject of a sentence: `one thread with 100 in flight`, `2 processes with 3 threads each`.
pub(super) fn layout(language: Language, workers: &Layout) -> String {
    let Layout { processes, threads, in_flight, pool_threads } = *workers;
    let (processes, threads) = (processes.max(1), threads.max(1));
    let count = |number: u32| units::count(number.into());
    let in_threads = || match threads {
        1 => said!(language, "one thread", "스레드 하나"),
        n => counted(language, n.into(), ["thread", "threads"], "스레드"),
    };
    let in_processes = || counted(language, processes.into(), ["process", "processes"], "프로세스");
    let loops = match (processes, threads) {
        (1, _) => in_threads(),
        (_, 1) => in_processes(),
        _ => {
            let (processes, threads) = (in_processes(), in_threads());
            said!(language, "{processes} with {threads} each", "{processes}에 저마다 {threads}")
        }
    };
    let pool = match pool_threads {
        0 => String::new(),
        n => {
            let pool = counted(language, n.into(), ["pool thread", "pool threads"], "풀의 스레드");
            said!(language, " and {pool}", " + {pool}")
        }
    };
    match (in_flight, processes, threads) {
        (..=1, ..) => loops + &pool,
        (n, 1, 1) => {
            let n = count(n);
            said!(language, "{loops} with {n} in flight{pool}", "{loops}(동시에 {n}개){pool}")
        }
        (n, 2.., 2..) => {
            let n = count(n);
            said!(
                language,
                "{loops} and {n} in flight on each thread{pool}",
                "{loops}(스레드마다 동시에 {n}개){pool}"
            )
        }
        (n, ..) => {
            let n = count(n);
            said!(
                language,
                "{loops} with {n} in flight each{pool}",
                "{loops}(저마다 동시에 {n}개){pool}"
            )
        }
    }
}

/// Whether the layout in words is a singular.
pub(super) const fn laid_out_as_one(workers: &Layout) -> bool {
    workers.processes <= 1 && workers.threads <= 1
}

/// A share in whole per cent; never rounded to nothing or to all. In Korean it ends in a vowel, whichever it is, so that the particle
/// behind it is always the same.
pub(super) fn percent(language: Language, share: f64) -> String {
    match share {
        share if share <= 0.0 => "0 %".to_owned(),
        share if share < 0.01 => said!(language, "less than 1 %", "1 % 이하"),
        share if share >= 1.0 => "100 %".to_owned(),
        share if share > 0.99 => "99 %".to_owned(),
        share => format!("{:.0} %", share * 100.0),
    }
}

/// A part of a whole: `half`, `a ninth`, and in per cent if it is smaller than a tenth.
pub(super) fn fraction(language: Language, ratio: f64) -> String {
    const NAMES: [(&str, &str); 9] = [
        ("half", "절반"),
        ("a third", "3분의 1"),
        ("a quarter", "4분의 1"),
        ("a fifth", "5분의 1"),
        ("a sixth", "6분의 1"),
        ("a seventh", "7분의 1"),
        ("an eighth", "8분의 1"),
        ("a ninth", "9분의 1"),
        ("a tenth", "10분의 1"),
    ];
    let parts = 1.0 / ratio;
    let name = rounded(parts).checked_sub(2).and_then(|at| NAMES.get(usize::try_from(at).ok()?));
    match name.map(|(english, korean)| said!(language, "{english}", "{korean}")) {
        Some(name) if (parts / parts.round() - 1.0).abs() <= 0.05 => name,
        Some(name) => said!(language, "about {name}", "약 {name}"),
        None => percent(language, ratio),
    }
}

pub(super) fn cores_in_words(language: Language, cores: u64) -> String {
    match cores {
        1 => said!(language, "one core", "코어 1개"),
        cores => counted(language, cores, ["core", "cores"], "코어"),
    }
}

pub(super) fn the_cores(language: Language, cores: u64) -> String {
    let cores = cores_in_words(language, cores);
    said!(language, "the {cores}", "{cores}")
}

/// A number where a single one is spelled out in English; Korean has a counter behind it.
pub(super) fn one_or(language: Language, number: u64) -> String {
    match (language, number) {
        (Language::English, 1) => "one".to_owned(),
        (_, number) => units::count(number),
    }
}

/// `1 item`, `2 items`, `항목 2개`.
pub(super) fn counted(
    language: Language,
    number: u64,
    [one, several]: [&str; 2],
    korean: &str,
) -> String {
    let english = if number == 1 { one } else { several };
    let number = units::count(number);
    said!(language, "{number} {english}", "{korean} {number}개")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Said;

    #[test]
    fn workers_are_the_subject_of_a_sentence() {
        for (workers, text) in [
            (Layout::new(1, 1, 1), "one thread"),
            (Layout::new(1, 1, 100), "one thread with 100 in flight"),
            (Layout::new(1, 100, 1), "100 threads"),
            (Layout::new(2, 1, 1), "2 processes"),
            (Layout::new(2, 1, 50), "2 processes with 50 in flight each"),
            (Layout::new(1, 2, 50), "2 threads with 50 in flight each"),
            (Layout::new(2, 3, 1), "2 processes with 3 threads each"),
            (
                Layout::new(2, 3, 9),
                "2 processes with 3 threads each and 9 in flight on each thread",
            ),
            (Layout::new(1, 1, 9).with_pool(1), "one thread with 9 in flight and 1 pool thread"),
        ] {
            let said = Said::of(|language| layout(language, &workers));
            assert_eq!(said.english(), text);
        }
    }

    #[test]
    fn a_share_is_never_rounded_to_nothing_or_to_all() {
        let shares = [0.0, 0.001, 0.01, 0.345, 0.985, 0.999, 1.0, 1.5];
        let texts = ["0 %", "less than 1 %", "1 %", "34 %", "98 %", "99 %", "100 %", "100 %"];
        assert_eq!(shares.map(|share| percent(Language::English, share)), texts);
        let texts = ["0 %", "1 % 이하", "1 %", "34 %", "98 %", "99 %", "100 %", "100 %"];
        assert_eq!(shares.map(|share| percent(Language::Korean, share)), texts);
    }

    #[test]
    fn a_fraction_has_a_name_as_long_as_there_is_one() {
        for (ratio, english, korean) in [
            (0.5, "half", "절반"),
            (0.4, "about a third", "약 3분의 1"),
            (0.111, "a ninth", "9분의 1"),
            (0.108, "a ninth", "9분의 1"),
            (0.1, "a tenth", "10분의 1"),
            (0.08, "8 %", "8 %"),
            (0.001, "less than 1 %", "1 % 이하"),
        ] {
            assert_eq!(fraction(Language::English, ratio), english, "{ratio}");
            assert_eq!(fraction(Language::Korean, ratio), korean, "{ratio}");
        }
    }
}
