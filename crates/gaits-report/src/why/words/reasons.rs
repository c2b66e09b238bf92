//! The sentences on why a model is as fast, as slow or as large as it is.

use super::parts::{cores_in_words, counted, fraction, laid_out_as_one, layout, one_or, percent};
use crate::language::{Language, said};
use crate::why::Reason;
use crate::why::measured::rounded;
use crate::{Layout, units};

/// Why a model is as fast, as slow or as large as it is.
pub(in crate::why) fn reason(language: Language, reason: &Reason) -> String {
    match reason {
        Reason::OneAtATime { loops, configured, measured } => {
            one_at_a_time(language, *loops, *configured, *measured)
        }
        Reason::StartAndEnd { share, us } => {
            let (share, time) = (percent(language, *share), units::duration(rounded(*us)));
            said!(
                language,
                "{share} of the time goes into starting and ending its workers: {time}",
                "전체 시간의 {share}가 워커를 시작하고 끝내는 데 듭니다({time})",
            )
        }
        Reason::NoReuse { opened, items, best, best_opened } => {
            let opened = counted(language, *opened, ["connection", "connections"], "연결");
            let items = counted(language, *items, ["item", "items"], "항목");
            let best_opened = units::count(*best_opened);
            said!(
                language,
                "it opens {opened} for {items}, where {best} opens {best_opened}",
                "{items}에 {opened}를 새로 맺습니다. {best}에서는 {best_opened}개만 맺습니다",
            )
        }
        Reason::FewerThanConfigured { configured, measured } => {
            let (measured, configured) = (units::number(*measured), units::count(*configured));
            said!(
                language,
                "on average it had only {measured} in flight, where {configured} were possible",
                "동시에 {configured}개를 처리할 수 있는데 평균 {measured}개뿐이었습니다",
            )
        }
        Reason::MoreThanCores { cores: 1, .. } => said!(
            language,
            "the work needs the CPU and there is one core: more than one worker adds nothing",
            "CPU를 쓰는 작업인데 코어가 하나라서, 워커가 하나보다 많아도 빨라지지 않습니다",
        ),
        Reason::MoreThanCores { cores, .. } => {
            let cores = units::count(*cores);
            said!(
                language,
                "the work needs the CPU and there are {cores} cores: more than {cores} workers add nothing",
                "CPU를 쓰는 작업인데 코어가 {cores}개라서, 워커가 {cores}개보다 많아도 빨라지지 않습니다",
            )
        }
        Reason::FewerCores { used, of_best } => {
            let (used, of_best) = (cores_in_words(language, *used), units::count(*of_best));
            said!(
                language,
                "the work needs the CPU, and it uses {used} instead of {of_best}",
                "CPU를 쓰는 작업인데 코어 {of_best}개가 아니라 {used}만 씁니다",
            )
        }
        Reason::FewerInFlight { in_flight, of_best, .. } => {
            let (in_flight, of_best) = (one_or(language, *in_flight), units::count(*of_best));
            said!(
                language,
                "{in_flight} in flight instead of {of_best}",
                "동시에 처리하는 것이 {of_best}개가 아니라 {in_flight}개입니다",
            )
        }
        Reason::WaitsForCore { share, threads, cores, beside_server } => {
            waits_for_core(language, *share, *threads, *cores, *beside_server)
        }
        Reason::TakesTurns { threads, .. } => {
            let threads = units::count(*threads);
            said!(
                language,
                "its {threads} threads kept one core busy and no more: they take turns, as under an interpreter's lock",
                "스레드가 {threads}개인데도 코어를 하나만 썼습니다. 인터프리터 락(GIL)이 있을 때처럼 번갈아 가며 실행됩니다",
            )
        }
        Reason::FallsBehind { arriving, done } => {
            let (arriving, done) = (units::number(*arriving), units::number(*done));
            said!(
                language,
                "items arrive faster than it finishes them, {arriving}/s against {done}/s, so each waits longer than \
                 the one before",
                "항목이 도착하는 속도(초당 {arriving}개)를 처리하는 속도(초당 {done}개)가 따라가지 못해, 항목마다 앞의 것보다 더 오래 기다립니다",
            )
        }
        Reason::LessMemory { workers, other_workers, ratio, waiting_for_server, .. } => {
            less_memory(language, workers, other_workers, *ratio, *waiting_for_server)
        }
    }
}

fn one_at_a_time(language: Language, loops: u64, configured: u64, measured: f64) -> String {
    let (configured, measured) = (units::count(configured), units::number(measured));
    if loops == 1 {
        return said!(
            language,
            "an item holds its thread, so the event loop does one at a time: {configured} may be in flight, but on \
             average it had {measured}",
            "항목이 스레드를 놓아주지 않아서 이벤트 루프가 한 번에 하나씩만 처리합니다. 동시에 {configured}개까지 할 수 있지만 평균 \
             {measured}개였습니다",
        );
    }
    let loops = units::count(loops);
    said!(
        language,
        "an item holds its thread, so each of the {loops} event loops does one at a time: {configured} may be in flight, \
         but on average each had {measured}",
        "항목이 스레드를 놓아주지 않아서 이벤트 루프 {loops}개가 저마다 한 번에 하나씩만 처리합니다. 루프마다 동시에 {configured}개까지 할 \
         수 있지만 평균 {measured}개였습니다",
    )
}

fn waits_for_core(
    language: Language,
    share: f64,
    threads: u64,
    cores: u64,
    beside_server: bool,
) -> String {
    let whose = if threads == 1 { "its thread" } else { "one of its threads" };
    let share = percent(language, share);
    let cores = cores_in_words(language, cores);
    let threads = counted(language, threads, ["thread", "threads"], "스레드");
    let server = if beside_server {
        said!(language, " and the server", "와 서버")
    } else {
        String::new()
    };
    said!(
        language,
        "for {share} of the time in which {whose} could run, it waited for a core: {cores} for {threads}{server}",
        "실행할 수 있었던 시간의 {share} 동안 코어를 기다렸습니다({threads}{server}에 {cores})",
    )
}

fn less_memory(
    language: Language,
    workers: &Layout,
    other_workers: &Layout,
    ratio: f64,
    waiting: f64,
) -> String {
    let waiting = match percent(language, waiting) {
        share if waiting > 0.0 => said!(
            language,
            "{share} of the time is spent waiting for the server: ",
            "걸린 시간의 {share}가 서버를 기다린 시간입니다. ",
        ),
        _ => String::new(),
    };
    let does = if laid_out_as_one(workers) { "does" } else { "do" };
    let others_do = if laid_out_as_one(other_workers) { "does" } else { "do" };
    let (workers, others) = (layout(language, workers), layout(language, other_workers));
    let ratio = fraction(language, ratio);
    said!(
        language,
        "{waiting}{workers} {does} what {others} {others_do}, with {ratio} of the memory",
        "{waiting}{workers}만으로도 {others}만큼 해내며, 메모리는 {ratio}만 씁니다",
    )
}
