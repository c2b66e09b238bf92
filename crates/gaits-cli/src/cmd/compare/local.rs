//! A comparison that was given no work: requests to a server that is started for it, and two questions.

use super::local_origin::LocalOrigin;
use super::{Question, ask};
use crate::args::{CompareArgs, Job};
use crate::exit::{Exit, Trouble};
use crate::talk::Colors;
use anyhow::Context as _;
use gaits::http::HttpSpec;
use gaits::{Entrant, Extent, Input, Model, Program, Said, SessionScope, equally_many, said};
use std::num::NonZeroU32;
use std::time::Duration;

/// Requests to the origin of a comparison that was given no work.
const REQUESTS: u64 = 100;
/// How long that origin holds each of them, in milliseconds.
const LATENCY_MS: u32 = 10;
/// With how many in flight the second question of such a comparison is asked.
const EQUALLY_MANY: NonZeroU32 = NonZeroU32::new(8).expect("it is not 0");
/// How much of the budget goes to the first question.
const FIRST_QUESTION: f64 = 0.6;

/// Races on requests to a server that is started for them: once as people use the models, and once with equally many in
/// flight, since that may be all that makes them differ.
pub(super) fn race(program: &Program, args: &CompareArgs, colors: Colors) -> Result<Exit, Trouble> {
    let origin = LocalOrigin::start(LATENCY_MS)
        .context("can't start a server to race on")
        .map_err(Trouble::CouldNotGoOn)?;
    let url: Box<str> = origin.url("/uuid").into();
    let job = || {
        let about = format!("GET {url}, answered after {LATENCY_MS} ms");
        let input = Input::Listed { items: vec![url.clone()], count: Some(REQUESTS) };
        let job = Job::http(&HttpSpec::default(), SessionScope::default(), input)?;
        Ok::<_, Trouble>(Job { about, ..job })
    };
    let question = || {
        let mut question = Question::of(job()?, program, args)?;
        // The server is known to be no other program.
        question.race.subject.job.server_here = false;
        Ok::<_, Trouble>(question)
    };
    let mut first = question()?;
    if args.concurrency.is_some() || !args.models.is_empty() {
        return ask(vec![first], args, colors);
    }
    let mut second = question()?;
    second.race.seed = first.race.seed;
    let models: Vec<Model> = first.race.entrants.iter().filter_map(model_of).collect();
    second.race.entrants =
        equally_many(&models, EQUALLY_MANY).into_iter().map(Entrant::Model).collect();
    if let Extent::Budget(budget) = first.race.extent {
        let share = budget.mul_f64(FIRST_QUESTION);
        first.race.extent = Extent::Budget(share);
        second.race.extent =
            Extent::Budget(budget.saturating_sub(share).max(Duration::from_secs(1)));
    }
    first.text = Some(Said::of(|language| {
        said!(
            language,
            "Which way is fastest, as people use them?",
            "사람들이 쓰는 그대로라면 어느 방법이 가장 빠른가?",
        )
    }));
    second.text = Some(Said::of(|language| {
        said!(
            language,
            "With {EQUALLY_MANY} requests in flight each, does the way matter?",
            "동시 요청 수가 {EQUALLY_MANY}개로 모두 같다면 방법이 중요한가?",
        )
    }));
    ask(vec![first, second], args, colors)
}

const fn model_of(entrant: &Entrant) -> Option<Model> {
    match entrant {
        Entrant::Model(model) => Some(*model),
        Entrant::Program(_) => None,
    }
}
