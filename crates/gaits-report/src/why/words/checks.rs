//! The sentences on why the measurement is to be doubted.

use super::parts::{cores_in_words, counted, percent};
use crate::language::{Language, said};
use crate::units;
use crate::why::Check;

/// Why the measurement is to be doubted.
pub(in crate::why) fn check(language: Language, check: &Check) -> String {
    let percent = |share: f64| percent(language, share);
    match check {
        Check::TooManyInFlight { model, configured, measured } => {
            let (measured, configured) = (units::number(*measured), units::count(*configured));
            said!(
                language,
                "the times of {model} cannot be right: by them {measured} items were in flight on average, where \
                 {configured} is the most",
                "{model} 모델의 시간은 맞을 수 없습니다. 그 시간대로라면 평균 {measured}개를 동시에 처리했는데, 많아야 {configured}개까지 할 수 \
                 있습니다",
            )
        }
        Check::TooFewItems { model, items, at_once } => {
            let (items, at_once) =
                (counted(language, *items, ["item", "items"], "항목"), units::count(*at_once));
            said!(
                language,
                "{model} had only {items}, and could be at work on {at_once} at once: more items would show what that \
                 is worth",
                "{model} 모델은 동시에 {at_once}개를 처리할 수 있는데 {items}만 받았습니다. 항목이 더 많아야 그 효과를 볼 수 있습니다",
            )
        }
        Check::WaitsForCore { model, share, threads, cores } => {
            let english_threads = if *threads == 1 { "its thread" } else { "one of its threads" };
            let share = percent(*share);
            let cores = cores_in_words(language, *cores);
            let threads = counted(language, *threads, ["thread", "threads"], "스레드");
            said!(
                language,
                "something else kept {model} from running: for {share} of the time in which {english_threads} could \
                 run, it waited for a core, with {cores} for {threads}",
                "{model} 모델은 다른 것 때문에 실행되지 못했습니다. 실행할 수 있었던 시간의 {share} 동안 코어를 기다렸습니다({threads}에 {cores})",
            )
        }
        Check::Others { share } => {
            let share = percent(*share);
            said!(
                language,
                "this machine was busy with something else: other programs took {share} of its CPU, so times may be \
                 too long",
                "이 컴퓨터가 다른 일로 바빴습니다. 다른 프로그램이 CPU의 {share}를 썼으므로, 잰 시간이 실제보다 길 수 있습니다",
            )
        }
        Check::Memory { share } => {
            let share = percent(*share);
            said!(
                language,
                "this machine was short of memory: for {share} of the time something waited until there was some, so \
                 times may be too long",
                "이 컴퓨터의 메모리가 모자랐습니다. 전체 시간의 {share} 동안 메모리가 날 때까지 기다린 것이 있으므로, 잰 시간이 실제보다 길 수 있습니다",
            )
        }
        Check::Disk { share } => {
            let share = percent(*share);
            said!(
                language,
                "a disk of this machine was busy: for {share} of the time something waited for it",
                "이 컴퓨터의 디스크가 바빴습니다. 전체 시간의 {share} 동안 디스크를 기다린 것이 있습니다",
            )
        }
        Check::Stolen { share } => {
            let share = percent(*share);
            said!(
                language,
                "this is a virtual machine, and its host took {share} of its CPU away, so times may be too long",
                "이 컴퓨터는 가상 머신이고, 호스트가 CPU의 {share}를 가져갔으므로 잰 시간이 실제보다 길 수 있습니다",
            )
        }
    }
}
