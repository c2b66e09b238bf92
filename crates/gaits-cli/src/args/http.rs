//! Options of the work `http`.

use super::auth::{self, AuthArgs, read_pem};
use super::bodies::{Bodies, BodyArgs};
use super::help;
use super::job::Job;
use super::list::{ListArgs, Shows};
use super::pages::{Pages, PagesArgs};
use super::patience::PatienceArgs;
use super::request::RequestArgs;
use super::urls;
use super::values::{self, Timeout};
use super::ways::WaysArgs;
use crate::exit::Trouble;
use clap::{Args, ValueEnum};
use gaits::{Input, Model, SessionScope};
use gaits_engine::plan::WorkSpec;
use gaits_work::http::{self, Extract, HttpSpec, Method, Statuses, Trust};
use std::num::NonZeroU64;
use std::path::PathBuf;

/// How many requests each run of a race takes, if nothing is said.
const REQUESTS: u64 = 100;

/// `http`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Request")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct HttpArgs {
    /// http:// and https:// URLs; `-` is standard input
    ///
    /// Without any, and without --input, URLs are read from standard input if that is a pipe or a file, one a line. Braces
    /// stand for many: {1..100}, {001..999}, {1..100..7}, {a..f} and {a,b,c}; of several, the last goes fastest. Quote such a
    /// URL, or the shell reads it. Two braces stand for one, and -g takes URLs as they are.
    #[arg(value_name = "URL", help_heading = help::INPUT, display_order = 0)]
    urls: Vec<Box<str>>,

    #[command(flatten)]
    list: ListArgs,

    /// Fetch this many, taking the URLs over and over
    ///
    /// A race over URLs of the command line takes 100 if nothing is said, and each URL at least once. In a sweep it is
    /// the most that one run takes.
    #[arg(short = 'n', long, value_name = "N", conflicts_with = "input", value_parser = values::items)]
    #[arg(help_heading = help::INPUT, display_order = 2)]
    count: Option<NonZeroU64>,

    #[command(flatten)]
    request: RequestArgs,

    /// Send this header field; may be repeated
    ///
    /// In place of its value, or of what stands behind a scheme in Authorization, write env:NAME for the value of an environment
    /// variable, or @FILE for what a file holds. literal:TEXT is TEXT itself, should it begin with env: or @. As with curl,
    /// `Accept:` leaves out a field that would be sent by itself, and `X-Empty;` sends one without a value.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = values::header)]
    headers: Vec<(String, Option<String>)>,

    #[command(flatten)]
    auth: AuthArgs,

    /// Send this user-agent; empty for none
    #[arg(short = 'A', long, value_name = "TEXT", hide_short_help = true)]
    user_agent: Option<String>,

    /// Trust only the certificates in this PEM file
    ///
    /// Without it, the system's root certificates are trusted; if it has none, those of Mozilla, which are built in.
    #[arg(long, value_name = "FILE", conflicts_with = "insecure", hide_short_help = true)]
    cacert: Option<PathBuf>,

    /// Accept any certificate, without checking it
    ///
    /// That is about servers. The certificate of an https:// proxy is checked all the same; `SSL_CERT_FILE=FILE` in the
    /// environment names those to trust.
    #[arg(short = 'k', long, hide_short_help = true)]
    insecure: bool,

    /// Refuse addresses of this machine and of private networks, also after a redirect
    ///
    /// Loopback, private, link-local, multicast, unspecified and reserved addresses, and those behind a carrier's NAT. What
    /// counts is the address that is really connected to, whatever a name said before. Such an item fails, with the error
    /// kind `blocked_address`.
    #[arg(long, hide_short_help = true)]
    deny_private: bool,

    /// Obey each host's robots.txt
    ///
    /// Each process reads it before the first item of its host, over the same ways, time-outs and limits, and leaves no
    /// record; with --sitemap it is read again for each level of sitemaps, and within one for each 256 of them. An item that it
    /// forbids fails, with the error kind `robots`; so does a redirect to where it forbids to go. Its rules for the product that
    /// --user-agent names count, or those for all. Without one (4xx), all is allowed; while it can't be read, nothing is.
    /// Crawl-delay is kept: such a host is asked for one item at a time, with that time between two.
    #[arg(long, hide_short_help = true)]
    robots: bool,

    /// Give up connecting after this long; 0 for never
    ///
    /// The look-up of the name and the TLS handshake are part of connecting. A time is 230ms, 1.5s, 2m or 1h; a number
    /// alone is seconds.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = values::timeout)]
    #[arg(hide_short_help = true)]
    connect_timeout: Timeout,

    /// Give up a URL after this long
    ///
    /// Its redirects and its body are included; 0 is for never.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = values::timeout)]
    #[arg(hide_short_help = true)]
    timeout: Timeout,

    #[command(flatten)]
    patience: PatienceArgs,

    /// Fail items whose decoded body is larger
    ///
    /// A size is 500, 10kB or 1GiB; a number alone is bytes.
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = values::size, hide_short_help = true)]
    max_body_size: u64,

    /// Follow at most this many redirects; with 0, a redirect is the answer
    ///
    /// At most 255. With 1 or more, an item that is redirected more often fails, with the error kind `redirect`.
    #[arg(long, value_name = "N", default_value_t = 10, hide_short_help = true)]
    max_redirects: u8,

    /// Statuses that are a success, such as 200-399,404
    ///
    /// An item with any other status fails, with the error kind `http_status`. The list replaces the default: `--accept
    /// 404` accepts nothing but 404.
    #[arg(long, value_name = "STATUSES", default_value_t, hide_short_help = true)]
    accept: Statuses,

    /// Try an item again that gets one of these statuses
    ///
    /// The list replaces the default. 429, and 503 with a time, are not about the item: they pause its host, unless
    /// they are accepted.
    #[arg(long, value_name = "STATUSES", default_value_t = Statuses::that_may_pass())]
    #[arg(hide_short_help = true)]
    retry_on: Statuses,

    /// End the run when an item gets one of these statuses, such as 401,403
    ///
    /// For what would meet all other items as well, such as a token that has expired. The item is left undone, and the
    /// same command goes on with it.
    #[arg(long, value_name = "STATUSES", hide_short_help = true)]
    stop_on: Option<Statuses>,

    /// Which workers share a session, that is, connections and cookies
    ///
    /// Over HTTP/2, the requests of a session share a connection to a server, as many at once as the server allows.
    /// Over HTTP/1.1, each request in flight needs a connection of its own.
    #[arg(long, value_enum, default_value_t = SessionArg::Loop, hide_short_help = true)]
    session: SessionArg,

    /// Keep cookies and send them back; --session says which workers share them
    #[arg(long, hide_short_help = true)]
    cookies: bool,

    /// Begin with the cookies in this file (Netscape format), and write them back to it
    ///
    /// It is the format of curl and of browser extensions. The file need not be there. Each session begins with its cookies, and writes
    /// those that it has seen set or removed when it ends: aside and renamed, for you alone to read. If several sessions, say of
    /// several processes, have changed one cookie, the one that ends last counts. With --session none nothing is written.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    cookie_file: Option<PathBuf>,

    /// Put a field of the answer into the record
    ///
    /// May be repeated. PLACE is a JSON Pointer (/items/0/name), a `JSONPath` ($.items[*].name), header:etag, regex:ID-(\d+)
    /// for what the first group matches in the text, css:h1 for the text of elements of HTML, or css:a.next@href for an
    /// attribute. One value is put in as it is, several as an array. NAME:int, :float, :bool, :str or :json gives it a type,
    /// in an array each value. What is not there is null, and the summary counts it. In regular expressions, \w, \d, \s, \b and
    /// (?i) know ASCII only; other letters stand in classes such as [가-힣] or [À-ÿ]. An answer that is not JSON fails if a field
    /// is looked for in JSON. So does an answer of more than 32 MiB (4 MiB for a `JSONPath`, 8 MiB for regex and css), and one
    /// whose fields are more than 1 MiB in all.
    #[arg(long, value_name = "NAME=PLACE", help_heading = help::OUTPUT)]
    extract: Vec<Extract>,

    /// Fail items whose answer lacks a field of --extract
    ///
    /// The error kind is `decode`. Without it, the field is null.
    #[arg(long, requires = "extract", help_heading = help::OUTPUT, hide_short_help = true)]
    extract_required: bool,

    #[command(flatten)]
    pages: PagesArgs,

    #[command(flatten)]
    body: BodyArgs,

    #[command(flatten)]
    ways: WaysArgs,

    /// Whether all requests may be sent twice.
    #[arg(skip)]
    repeats_all: bool,

    /// What was assumed where nothing was said.
    #[arg(skip)]
    assumed: Option<String>,
}

impl Job {
    /// Requests over `input` as `spec` says.
    pub(crate) fn http(
        spec: &HttpSpec,
        session: SessionScope,
        input: Input,
    ) -> Result<Self, Trouble> {
        let settings = spec.settings().map_err(|error| Trouble::Wrong(error.into()))?;
        Ok(Self {
            work: WorkSpec::new(http::NAME, settings),
            session,
            input,
            bodies: Bodies::Settled,
            model: Model::ASYNC,
            retries: Some(3),
            pages: Pages::default(),
            about: "http".into(),
            notices: Vec::new(),
        })
    }
}

/// Which workers share a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SessionArg {
    /// All workers of an event loop share a session; a plain thread or process has one of its own
    Loop,
    /// Each worker has a session of its own; each in-flight slot of an event loop is a worker
    Worker,
    /// Each item has a new session: new connections, and no cookies of other items
    None,
}

impl From<SessionArg> for SessionScope {
    fn from(arg: SessionArg) -> Self {
        match arg {
            SessionArg::Loop => SessionScope::Loop,
            SessionArg::Worker => SessionScope::Worker,
            SessionArg::None => SessionScope::None,
        }
    }
}

impl HttpArgs {
    /// Refuses what has no place in a race or a sweep, which does each item once, whatever comes of it.
    pub(super) fn check_for(&self, what: &str) -> Result<(), Trouble> {
        if self.shows().is_some() {
            return Err(Trouble::wrong(format!(
                "{what} sends its requests: leave out --dry-run and --print-curl"
            )));
        }
        if self.stop_on.is_some() {
            return Err(Trouble::wrong(format!("{what} does all items: leave out --stop-on")));
        }
        if self.pages.next.is_some() {
            return Err(Trouble::wrong(format!(
                "{what} does the same items each time: leave out --next"
            )));
        }
        if self.retry_on != Statuses::that_may_pass() {
            return Err(Trouble::wrong(format!(
                "{what} tries nothing again: leave out --retry-on"
            )));
        }
        Ok(())
    }

    /// What is to be shown in place of sending anything.
    pub(super) fn shows(&self) -> Option<Shows> {
        self.list.shows()
    }

    /// The names of the fields that answers give; none if nobody can know them.
    pub(super) fn extracted(&self) -> Option<Vec<String>> {
        if self.pages.each.is_some() && self.extract.is_empty() {
            return None;
        }
        Some(self.extract.iter().map(|field| field.name().to_owned()).collect())
    }

    /// Lets requests be sent twice that may have an effect each time.
    pub(super) const fn repeat_all(&mut self) {
        self.repeats_all = true;
    }

    /// Takes a number of requests that a race can tell models apart by, if none is given: a few URLs, each once, are
    /// over before most models have started their workers.
    pub(super) fn assume_count(&mut self) {
        if self.count.is_some() || !urls::is_listed(&self.urls) {
            return;
        }
        let urls = urls::how_many(&self.urls, self.list.takes_urls_as_they_are());
        let count = urls.max(REQUESTS);
        self.count = NonZeroU64::new(count);
        self.assumed = Some(format!(
            "no number is given, so a round has {count} requests for each model; -n N sets another"
        ));
    }

    /// What they come to; reads the file of `--cacert`.
    pub(super) fn resolve(mut self) -> Result<Job, Trouble> {
        if self.list.has_commands() {
            self.request.refuse_beside_commands()?;
        }
        let of_curl = self.list.take_template(self.insecure)?;
        let trust = match (self.cacert, self.insecure) {
            (Some(path), _) => {
                let pem = read_pem("--cacert", &path)?;
                Trust::Pem { path, pem }
            }
            (None, true) => Trust::Insecure,
            (None, false) => Trust::SystemRoots,
        };
        let (body, bodies) = self.body.resolve();
        let (ways, by_proxy) = self.ways.resolve()?;
        let pages = self.pages.pages();
        let defaults = HttpSpec::default();
        let (headers, left_out) = auth::headers(self.headers)?;
        let mut names = headers.iter().map(|(name, _)| name).chain(&left_out);
        if self.user_agent.is_some() && names.any(|name| name.eq_ignore_ascii_case("user-agent")) {
            return Err(Trouble::wrong("-A and -H User-Agent both say who asks: give one of them"));
        }
        let spec = HttpSpec {
            headers,
            left_out,
            auth: self.auth.resolve()?,
            user_agent: self.user_agent.unwrap_or(defaults.user_agent),
            trust,
            deny_private: self.deny_private,
            robots: self.robots,
            ways,
            connect_timeout: self.connect_timeout.0,
            timeout: self.timeout.0,
            patience: self.patience.resolve(),
            max_body_size: self.max_body_size,
            max_redirects: self.max_redirects,
            accept: self.accept,
            retry_on: self.retry_on,
            stop_on: self.stop_on,
            cookies: self.cookies || self.cookie_file.is_some(),
            cookie_file: self.cookie_file.map(auth::read_cookies).transpose()?,
            extract: self.extract,
            extract_required: self.extract_required,
            next: self.pages.next,
            each: self.pages.each,
            body,
            repeats_all: self.repeats_all,
            filled: self.list.has_fields(),
            ..defaults
        };
        if self.list.has_fields() {
            self.request.refuse_places()?;
        }
        let spec = match of_curl {
            Some(template) => self.request.on_top_of(template, spec)?,
            None => self.request.resolve(spec)?,
        };
        spec.validate().map_err(|error| Trouble::Wrong(error.into()))?;
        let spec = match self.list.shows() {
            None => HttpSpec { auth: auth::with_token(spec.auth)?, ..spec },
            // The token is needed only if there are sitemaps to fetch, and is asked for then.
            Some(_) => spec,
        };
        // Whoever has a list, takes fields of the answers or asks for heads knows what becomes of the rest.
        let is_settled =
            self.list.is_given() || !spec.extract.is_empty() || spec.method == Method::HEAD;
        let bodies = match bodies {
            Bodies::NotKept if is_settled => Bodies::Settled,
            bodies => bodies,
        };
        let needs = http::needs(&spec).map_err(|error| Trouble::Wrong(error.into()))?;
        if needs.is_empty() {
            self.list.refuse_same_requests()?;
        }
        let session = self.session.into();
        let (input, said) = if self.list.sitemaps.is_given() {
            let (input, said) = self.list.sitemaps.read(&spec, session, self.list.encoding())?;
            (self.list.part_of(input), Some(said))
        } else {
            let (input, said) =
                urls::input(self.urls, self.list, self.count, needs, self.insecure)?;
            (input, said.map(str::to_owned))
        };
        let notices = said.into_iter().chain(self.assumed).chain(by_proxy);
        let notices = notices.collect();
        Ok(Job { bodies, pages, notices, ..Job::http(&spec, session, input)? })
    }
}
