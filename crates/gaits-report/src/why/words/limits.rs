//! The sentences on where the limit is.

use super::parts::{cores_in_words, counted, one_or, percent, the_cores};
use crate::language::{Language, list, said};
use crate::units;
use crate::why::measured::{Measured, rounded};
use crate::why::{Job, Limit};

/// A share of the items' time is named where no rule fits if it is at least this large.
const WORTH_NAMING: f64 = 0.1;

/// Where the limit is.
pub(in crate::why) fn limit(language: Language, limit: &Limit) -> String {
    match *limit {
        Limit::Arrival { per_second } => arrival(language, per_second),
        Limit::StartAndEnd { share } => start_and_end(language, share),
        Limit::ClientCpu { busy, usable, cores, by_the_work, runs_programs } => {
            client_cpu(language, busy, (usable, cores), by_the_work, runs_programs)
        }
        Limit::SharedCpu { client, others, server_known, cores } => {
            shared_cpu(language, client, others, server_known, cores)
        }
        Limit::LongestItem { us, .. } => longest_item(language, us),
        Limit::NameLookups { share } => name_lookups(language, share),
        Limit::Connecting { share, opened, items } => connecting(language, share, opened, items),
        Limit::Bodies { share, bytes_per_second } => bodies(language, share, bytes_per_second),
        Limit::ServerRate { per_second, from, to } => server_rate(language, per_second, from, to),
        Limit::ServerQueue { few, few_us, many, many_us } => {
            server_queue(language, (few, few_us), (many, many_us))
        }
        Limit::ServerTime { share, few, many } => server_time(language, share, few, many),
        Limit::Waiting { cpu, few, many } => waiting(language, cpu, few, many),
    }
}

fn arrival(language: Language, per_second: f64) -> String {
    let rate = units::number(per_second);
    said!(
        language,
        "the limit is the rate at which items arrive, {rate}/s: whoever keeps up with it takes equally long, and is to \
         be judged by how long each item took",
        "한계는 항목이 도착하는 속도(초당 {rate}개)입니다. 이 속도를 따라가는 모델은 모두 같은 시간이 걸리므로, 항목 하나하나에 걸린 \
         시간으로 비교해야 합니다",
    )
}

fn start_and_end(language: Language, share: f64) -> String {
    let share = percent(language, share);
    said!(
        language,
        "the limit is starting and ending the workers: that takes {share} of the time, and less of it the more items \
         there are",
        "한계는 워커를 시작하고 끝내는 일입니다. 전체 시간의 {share}가 여기에 들며, 항목이 많을수록 이 비율은 줄어듭니다",
    )
}

fn client_cpu(
    language: Language,
    busy: f64,
    (usable, cores): (u64, u64),
    by_the_work: bool,
    runs_programs: bool,
) -> String {
    let who = if by_the_work {
        said!(language, "the CPU: the work", "CPU입니다. 계산이")
    } else {
        said!(language, "the client's CPU: the client", "클라이언트의 CPU입니다. 클라이언트가")
    };
    let share = percent(language, busy);
    if usable >= cores {
        let all = the_cores(language, cores);
        return said!(
            language,
            "the limit is {who} keeps {all} busy for {share} of the time",
            "한계는 {who} 전체 시간의 {share} 동안 {all}를 계속 썼습니다",
        );
    }
    let threads = match (language, usable) {
        (Language::English, 1) if runs_programs => "one program at a time".to_owned(),
        (Language::English, usable) if runs_programs => format!("{usable} programs at once"),
        (Language::English, 1) => "its one thread".to_owned(),
        (Language::English, usable) => format!("its {usable} threads"),
        (Language::Korean, 1) if runs_programs => "한 번에 프로그램 하나만 실행하므로".to_owned(),
        (Language::Korean, usable) if runs_programs => {
            format!("동시에 프로그램 {usable}개만 실행하므로")
        }
        (Language::Korean, 1) => "스레드가 하나뿐이라".to_owned(),
        (Language::Korean, usable) => format!("스레드가 {usable}개뿐이라"),
    };
    let (usable, cores) = (one_or(language, usable), units::count(cores));
    said!(
        language,
        "the limit is {who} keeps {usable} of {cores} cores busy for {share} of the time, and {threads} cannot use more",
        "한계는 {who} 전체 시간의 {share} 동안 코어 {cores}개 가운데 {usable}개를 계속 썼고, {threads} 그보다 더 쓸 수는 없습니다",
    )
}

fn shared_cpu(
    language: Language,
    client: f64,
    others: f64,
    server_known: bool,
    cores: u64,
) -> String {
    let (client, others) = (percent(language, client), percent(language, others));
    let who = if server_known {
        said!(language, "the server", "서버")
    } else {
        said!(language, "other programs, perhaps the server,", "다른 프로그램(아마도 서버)")
    };
    let cores = cores_in_words(language, cores);
    said!(
        language,
        "the limit is the CPU of this machine: the client took {client} of its {cores} and {who} {others}",
        "한계는 이 컴퓨터의 CPU입니다. {cores} 가운데 클라이언트의 몫이 {client}, {who}의 몫이 {others}였습니다",
    )
}

fn longest_item(language: Language, us: f64) -> String {
    let time = units::duration(rounded(us));
    said!(
        language,
        "the limit is one item that takes far longer than the others: {time} of all the time, which no other layout of \
         workers makes shorter",
        "한계는 다른 것보다 훨씬 오래 걸리는 항목 하나입니다. 전체 시간 가운데 {time} 동안 이 항목을 처리했고, 워커를 어떻게 두어도 이 \
         시간은 줄지 않습니다",
    )
}

fn name_lookups(language: Language, share: f64) -> String {
    let share = percent(language, share);
    said!(
        language,
        "the limit is name look-ups: they take {share} of the items' time",
        "한계는 이름 조회(DNS)입니다. 항목에 걸린 시간의 {share}가 여기에 듭니다",
    )
}

fn connecting(language: Language, share: f64, opened: u64, items: u64) -> String {
    let share = percent(language, share);
    let opened = counted(language, opened, ["connection", "connections"], "연결");
    let items = counted(language, items, ["item", "items"], "항목");
    said!(
        language,
        "the limit is opening connections: that takes {share} of the items' time, with {opened} for {items}",
        "한계는 연결을 맺는 일입니다. 항목에 걸린 시간의 {share}가 여기에 듭니다({items}에 {opened})",
    )
}

fn bodies(language: Language, share: f64, bytes_per_second: f64) -> String {
    let share = percent(language, share);
    let rate = units::bytes_per_second(bytes_per_second);
    said!(
        language,
        "the limit is the network, or how fast the server sends: receiving bodies takes {share} of the items' time, at \
         {rate} in all",
        "한계는 네트워크, 아니면 서버가 보내는 속도입니다. 본문을 받는 데 항목에 걸린 시간의 {share}가 들고, 받는 속도는 모두 합쳐 \
         {rate}입니다",
    )
}

fn server_rate(language: Language, per_second: f64, from: u64, to: u64) -> String {
    let rate = units::number(per_second);
    // As it is shown.
    let requests = if rate == "1.00" { "request" } else { "requests" };
    let (from, to) = (one_or(language, from), units::count(to));
    said!(
        language,
        "the limit is the server: it answers about {rate} {requests} a second, whether {from} or {to} are in flight; \
         that is a queue or a rate limit, which look the same from here",
        "한계는 서버입니다. 동시 요청이 {from}개든 {to}개든 초당 요청 {rate}개 정도에 응답합니다. 대기열이 있거나 속도 제한(rate limit)이 \
         걸린 것인데, 여기서는 어느 쪽인지 알 수 없습니다",
    )
}

fn server_queue(language: Language, few: (u64, f64), many: (u64, f64)) -> String {
    let [few_time, many_time] = [few.1, many.1].map(|us| units::duration(rounded(us)));
    let (few, many) = (one_or(language, few.0), units::count(many.0));
    said!(
        language,
        "the limit is the server's queue: an answer takes {few_time} with {few} in flight, and {many_time} with {many}",
        "한계는 서버의 대기열입니다. 응답을 받는 데 동시 요청이 {few}개일 때는 {few_time}, {many}개일 때는 {many_time} 걸립니다",
    )
}

fn server_time(language: Language, share: f64, few: u64, many: u64) -> String {
    let share = percent(language, share);
    let (few, many) = (one_or(language, few), units::count(many));
    said!(
        language,
        "the limit is how long the server takes to answer: {share} of the items' time is spent waiting for it, and with \
         {many} in flight no longer than with {few}, so only the number in flight matters",
        "한계는 서버가 응답하는 데 걸리는 시간입니다. 항목에 걸린 시간의 {share}가 서버를 기다린 시간이고, 동시 요청이 {many}개여도 {few}개일 \
         때보다 더 기다리지는 않습니다. 그래서 동시 요청 수만이 중요합니다",
    )
}

fn waiting(language: Language, cpu: f64, few: u64, many: u64) -> String {
    let cpu = percent(language, cpu);
    let (few, many) = (one_or(language, few), units::count(many));
    said!(
        language,
        "the limit is a wait for something other than the CPU: items need a core for {cpu} of their time, and with \
         {many} in flight each takes no longer than with {few}, so only the number in flight matters",
        "한계는 CPU가 아닌 다른 것을 기다리는 시간입니다. 항목에 걸린 시간에서 코어가 필요한 것은 {cpu}뿐이고, 동시에 {many}개를 처리해도 \
         {few}개일 때보다 오래 걸리지 않습니다. 그래서 동시에 처리하는 수만이 중요합니다",
    )
}

/// Where no rule fits: what was measured of the best.
pub(in crate::why) fn measured(language: Language, best: &Measured<'_>, job: &Job) -> String {
    let shares = best.shares;
    let cores = the_cores(language, job.cores.max(1));
    let (model, cpu) = (best.model, percent(language, shares.cpu));
    let mut text = said!(
        language,
        "nothing stands out as the limit: {model} kept {cores} busy for {cpu} of the time",
        "한계라고 할 만한 것이 보이지 않습니다. {model} 모델은 전체 시간의 {cpu} 동안 {cores}를 썼습니다",
    );
    let named = [
        (shares.name_lookups, said!(language, "on name look-ups", "이름 조회")),
        (shares.connecting, said!(language, "on opening connections", "연결 맺기")),
        (shares.first_byte, said!(language, "waiting for the server", "서버 대기")),
        (shares.body, said!(language, "receiving bodies", "본문 수신")),
    ];
    let named = named.iter().filter(|(share, _)| *share >= WORTH_NAMING);
    let named = named.map(|(share, what)| {
        let share = percent(language, *share);
        said!(language, "{share} {what}", "{what} {share}")
    });
    let named = named.collect::<Vec<_>>();
    if !named.is_empty() {
        let named = list(language, &named);
        text += &said!(
            language,
            "; of the items' time, it spent {named}",
            ". 항목에 걸린 시간을 나누어 보면 {named}입니다"
        );
    }
    text
}

/// There is no best.
pub(in crate::why) fn nothing_measured(language: Language) -> String {
    said!(
        language,
        "no model did all the work, so there is nothing to explain",
        "작업을 모두 마친 모델이 없어서 설명할 것이 없습니다",
    )
}
