//! Options that take items from sitemaps.

use super::help;
use crate::exit::Trouble;
use crate::program::program;
use crate::talk::{self, Notices};
use anyhow::Context as _;
use clap::Args;
use gaits::http::{self, BodyUse, HttpSpec, Method};
use gaits::{
    Input, LARGEST_SITEMAP, Limits, Model, Notice, Plan, RunObserver, SessionScope, TextEncoding,
    WorkSpec, read_sitemaps,
};
use std::num::NonZeroU32;
use std::time::Duration;

/// How many sitemaps are fetched at a time: a site has few of them.
const AT_ONCE: NonZeroU32 = NonZeroU32::new(4).unwrap();

/// Where sitemaps are.
#[derive(Debug, Args)]
pub(super) struct SitemapArgs {
    /// Take the URLs of this sitemap, and of those that it leads to; may be repeated
    ///
    /// A URL or a file: XML, an index of sitemaps, or one URL a line, packed with gzip or not. All sitemaps are fetched before
    /// the first item, with --dry-run as well, with the options of the requests, such as -H and --robots; each is tried up to
    /// four times. One that can't be fetched or read ends the run before it has begun, and so does one that names a URL on another host
    /// where requests carry what is not for all, such as a token. They are in UTF-8 unless they have a mark, or
    /// --encoding says otherwise.
    #[arg(long, value_name = "URL", help_heading = help::INPUT, hide_short_help = true)]
    #[arg(conflicts_with_all = ["urls", "input", "count", "from_curl", "template", "url_column"])]
    sitemap: Vec<String>,
}

impl SitemapArgs {
    /// Whether there are any.
    pub(super) fn is_given(&self) -> bool {
        !self.sitemap.is_empty()
    }

    /// Reads them; requests are made as `spec` says. Gives their URLs, and what is to be said of them.
    pub(super) fn read(
        &self,
        spec: &HttpSpec,
        session: SessionScope,
        encoding: Option<TextEncoding>,
    ) -> Result<(Input, String), Trouble> {
        let folder = tempfile::tempdir()
            .context("can't make a temporary folder for sitemaps")
            .map_err(Trouble::Wrong)?;
        let may_go_to = |url: &str| !http::takes_secrets_away(spec, &self.sitemap, url);
        let defaults = HttpSpec::default();
        let fetching = HttpSpec {
            method: Method::GET,
            payload: None,
            upload_file: None,
            upload_type: None,
            form: None,
            query: Vec::new(),
            filled: false,
            idempotency_key: None,
            accept: defaults.accept,
            retry_on: defaults.retry_on,
            stop_on: None,
            extract: Vec::new(),
            extract_required: false,
            next: None,
            each: None,
            max_body_size: LARGEST_SITEMAP,
            body: BodyUse::Files(folder.path().to_owned()),
            ..spec.clone()
        };
        let settings = fetching.settings().map_err(|error| Trouble::Wrong(error.into()))?;
        let plan = Plan {
            work: WorkSpec::new(http::NAME, settings),
            model: Model::ASYNC
                .with_workers(AT_ONCE)
                .map_err(|error| Trouble::Wrong(error.into()))?,
            session,
            limits: Limits {
                polite: Some(AT_ONCE),
                retries: 3,
                longest_pause: Some(Duration::from_hours(1)),
                ..Limits::default()
            },
        };
        let mut teller = Teller::default();
        let (program, folder) = (program(), folder.path());
        let read = read_sitemaps(
            &program,
            &plan,
            folder,
            &self.sitemap,
            encoding,
            &may_go_to,
            &mut teller,
        );
        teller.0.rest().iter().for_each(|line| talk::line(line));
        let read = read.map_err(|error| Trouble::Wrong(error.into()))?;
        let counted = |number: u64, one: &str, many: &str| {
            format!("{number} {}", if number == 1 { one } else { many })
        };
        let sitemaps = counted(read.sitemaps as u64, "sitemap has", "sitemaps have");
        let again = match read.again {
            0 => String::new(),
            again => {
                format!("; {} and read once", counted(again, "was named twice", "were named twice"))
            }
        };
        let said = format!("{sitemaps} {}{again}", counted(read.urls, "URL", "URLs"));
        Ok((read.input, said))
    }
}

/// Tells what happens while sitemaps are fetched, such as a pause.
#[derive(Debug, Default)]
struct Teller(Notices);

impl RunObserver for Teller {
    fn notice(&mut self, notice: Notice) {
        if let Some(line) = self.0.say(notice) {
            talk::line(&line);
        }
    }
}
