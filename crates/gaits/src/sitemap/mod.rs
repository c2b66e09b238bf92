//! Sitemaps: the URLs that a site lists of itself, with the sitemaps that its indexes lead to.
//!
//! All of them are fetched and read before the run begins, by runs of their own, level by level: so all that can be wrong with
//! them is told before anything is started, and an item has the same number each time. Their URLs lie in a file, so memory
//! does not grow with them. Limit: what is fetched is asked for as the caller's plan says.

mod parse;

use crate::input::{Input, Made, Place};
use crate::run::{Run, RunError, RunObserver};
use gaits_core::{ErrorKind, Outcome, Record, Sink};
use gaits_engine::plan::Plan;
use gaits_engine::source::{TextEncoding, text_of};
use gaits_engine::{Control, Program};
use gaits_work::http::{HttpDetail, redacted};
use parse::{Found, ParseError, Wrong};
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use url::{Position, Url};

/// The most sitemaps that are read: as many as an index may name.
const MOST_SITEMAPS: usize = 50_000;

/// How many bytes their URLs may have together, since they are held in memory.
const MOST_NAMED: usize = 16 << 20;

/// How many are fetched before they are read: what is fetched lies on the disk until then.
const AT_ONCE: usize = 256;

/// How many levels of indexes lead from one to the next.
const MOST_LEVELS: usize = 10;

/// How many bytes of a sitemap are fetched at most: it is packed often, and never larger than this unpacked.
pub const LARGEST_SITEMAP: u64 = parse::MOST_BYTES;

/// Why a sitemap gives no items.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SitemapError {
    /// It could not be fetched.
    #[error("can't fetch the sitemap {sitemap}: {why}")]
    Fetch {
        /// Its URL.
        sitemap: String,
        /// What its record says.
        why: String,
    },
    /// It could not be read.
    #[error("can't read the sitemap {sitemap}: {why}")]
    Read {
        /// Its URL or its path, and the line where it is about one.
        sitemap: String,
        /// What is wrong with it.
        why: String,
    },
    /// There are too many, or one leads to the next and so on.
    #[error("{what}; name those that you want with --sitemap, one by one")]
    TooMany {
        /// What there is too much of.
        what: String,
    },
    /// There is no URL in them.
    #[error("no URLs in {sitemaps}")]
    Empty {
        /// The sitemaps.
        sitemaps: String,
    },
    /// The run that fetches them could not go on.
    #[error("can't fetch sitemaps")]
    Run(#[from] RunError),
    /// What was found could not be kept.
    #[error("can't keep the URLs of sitemaps in a temporary file")]
    Keep(#[source] io::Error),
}

/// What sitemaps hold.
#[derive(Debug)]
#[non_exhaustive]
pub struct Sitemaps {
    /// Their URLs, in their order.
    pub input: Input,
    /// How many URLs there are.
    pub urls: u64,
    /// How many sitemaps were read.
    pub sitemaps: usize,
    /// Sitemaps that were named a second time, and read once.
    pub again: u64,
}

/// Reads the sitemaps at `places`, URLs or files, and all that they lead to. `plan` fetches a URL, and writes its body to a file in
/// `folder`. They are in `encoding`, or else in UTF-8, where they have no mark. `may_go_to` says whether a URL that one of them
/// names may be asked for with what the requests carry.
///
/// # Errors
/// One of them can't be fetched or read, or names a URL that may not be asked for.
pub fn read_sitemaps(
    program: &Program,
    plan: &Plan,
    folder: &Path,
    places: &[String],
    encoding: Option<TextEncoding>,
    may_go_to: &dyn Fn(&str) -> bool,
    observer: &mut dyn RunObserver,
) -> Result<Sitemaps, SitemapError> {
    let name = match places {
        [only] => shown(only),
        _ => format!("{} sitemaps", places.len()),
    };
    let file = NamedTempFile::new().map_err(SitemapError::Keep)?;
    let mut reading = Reading {
        out: BufWriter::new(file),
        urls: 0,
        seen: HashSet::new(),
        named: 0,
        again: 0,
        next: Vec::new(),
        encoding,
        may_go_to,
    };
    let (urls, files): (Vec<_>, Vec<_>) =
        places.iter().partition::<Vec<&String>, _>(|place| place.contains("://"));
    for path in files {
        reading.file(Path::new(path), path, None)?;
    }
    for url in urls {
        reading.name(url.clone());
    }
    for level in 0.. {
        let sitemaps = std::mem::take(&mut reading.next);
        if sitemaps.is_empty() {
            break;
        }
        if level == MOST_LEVELS {
            let what = format!("sitemaps lead to others for more than {MOST_LEVELS} levels");
            return Err(SitemapError::TooMany { what });
        }
        for sitemaps in sitemaps.chunks(AT_ONCE) {
            let bodies = fetch(program, plan, folder, sitemaps, observer)?;
            for (sitemap, (path, base)) in sitemaps.iter().zip(bodies) {
                let read = reading.file(&path, sitemap, base.as_ref());
                let _ = std::fs::remove_file(path);
                read?;
            }
        }
    }
    if reading.urls == 0 {
        return Err(SitemapError::Empty { sitemaps: name });
    }
    let Reading { out, urls, seen, again, .. } = reading;
    let file = out.into_inner().map_err(|error| SitemapError::Keep(error.into_error()))?;
    let input = Input::of(Place::Made(Made::new(name, file.into_temp_path())));
    Ok(Sitemaps { input, urls, sitemaps: seen.len(), again })
}

/// A URL or a path, without credentials.
fn shown(place: &str) -> String {
    redacted(place).unwrap_or_else(|| place.to_owned())
}

/// What was read so far.
struct Reading<'a> {
    /// The URLs of pages, one a line.
    out: BufWriter<NamedTempFile>,
    urls: u64,
    /// The sitemaps that were named.
    seen: HashSet<String>,
    /// How many bytes were named, those that were seen before among them.
    named: usize,
    again: u64,
    /// Those of them that are to be fetched.
    next: Vec<String>,
    /// What they are written in where they have no mark.
    encoding: Option<TextEncoding>,
    may_go_to: &'a dyn Fn(&str) -> bool,
}

impl Reading<'_> {
    /// Takes in that there is a sitemap at `url`.
    fn name(&mut self, url: String) {
        if self.seen.insert(url.clone()) {
            self.next.push(url);
        } else {
            self.again += 1;
        }
    }

    /// Reads the sitemap in a file. URLs in it may be relative to `base`.
    fn file(&mut self, path: &Path, sitemap: &str, base: Option<&Url>) -> Result<(), SitemapError> {
        if base.is_none() {
            self.seen.insert(sitemap.to_owned());
        }
        let wrong = |Wrong { line, error }| SitemapError::Read {
            sitemap: match line {
                Some(line) => format!("{}:{line}", shown(sitemap)),
                None => shown(sitemap),
            },
            why: error.to_string(),
        };
        let file =
            File::open(path).map_err(|error| wrong(Wrong { line: None, error: error.into() }))?;
        let mut named = Vec::new();
        let (mut kept, mut fits) = (Ok(()), true);
        let read = parse::parse(text_of(file, self.encoding), |found| {
            let (Found::Page(text) | Found::Sitemap(text)) = &found;
            // Some write paths, which nobody can take for anything else.
            let url = match base.filter(|_| text.starts_with('/')) {
                Some(base) => base.join(text),
                None => Url::parse(text),
            };
            let is_web = |url: &Url| matches!(url.scheme(), "http" | "https");
            let wrong = |why: &str| {
                let text: String = text.chars().take(100).collect();
                ParseError::Useless(format!("{text:?} is no URL of the web{why}"))
            };
            let url = url.map_err(|error| wrong(&format!(": {error}")))?;
            if !is_web(&url) {
                return Err(wrong(""));
            }
            if !(self.may_go_to)(url.as_str()) {
                return Err(ParseError::Useless(format!(
                    "it names a URL on another host, {}, which must not get what the requests carry; make a run of its own for \
                     that host's URLs",
                    &url[..Position::BeforePath]
                )));
            }
            match found {
                Found::Sitemap(_) => {
                    self.named += url.as_str().len();
                    fits = self.named <= MOST_NAMED;
                    if !fits {
                        return Err(io::Error::other("stopped").into());
                    }
                    named.push(String::from(url));
                }
                Found::Page(_) => {
                    self.urls += 1;
                    // A URL that was parsed has neither a line break nor a brace or # in front.
                    if let Err(error) = writeln!(self.out, "{url}") {
                        kept = Err(error);
                        return Err(io::Error::other("stopped").into());
                    }
                }
            }
            Ok(())
        });
        kept.map_err(SitemapError::Keep)?;
        if !fits {
            let most = MOST_NAMED >> 20;
            let what = format!("the URLs of the sitemaps that are named have more than {most} MiB");
            return Err(SitemapError::TooMany { what });
        }
        read.map_err(wrong)?;
        for url in named {
            self.name(url);
        }
        if self.seen.len() > MOST_SITEMAPS {
            let what = format!("there are more than {MOST_SITEMAPS} sitemaps");
            return Err(SitemapError::TooMany { what });
        }
        Ok(())
    }
}

/// Where each sitemap was written to, and which URL has answered.
type Bodies = Vec<(PathBuf, Option<Url>)>;

/// Fetches sitemaps.
fn fetch(
    program: &Program,
    plan: &Plan,
    folder: &Path,
    sitemaps: &[String],
    observer: &mut dyn RunObserver,
) -> Result<Bodies, SitemapError> {
    let items = sitemaps.iter().map(|url| url.as_str().into()).collect();
    let input = Input::Listed { items, count: None };
    let mut fetched = Fetched { folder, bodies: vec![None; sitemaps.len()], failed: None };
    let end =
        Run::over(program, plan, &input)?.sink(&mut fetched).run(observer, &Control::new())?;
    let Fetched { bodies, failed, .. } = fetched;
    if let Some((_, sitemap, why)) = failed {
        return Err(SitemapError::Fetch { sitemap, why });
    }
    let missing = |at: usize| SitemapError::Fetch {
        sitemap: shown(&sitemaps[at]),
        why: if end.end.stopped.is_some() {
            "its server wants to be left alone for a long time".to_owned()
        } else {
            "it was left undone".to_owned()
        },
    };
    let bodies = bodies.into_iter().enumerate();
    bodies.map(|(at, body)| body.ok_or_else(|| missing(at))).collect()
}

/// Collects where bodies were written to.
struct Fetched<'f> {
    folder: &'f Path,
    bodies: Vec<Option<(PathBuf, Option<Url>)>>,
    /// The first of them that failed, by its number.
    failed: Option<(u64, String, String)>,
}

impl Sink for Fetched<'_> {
    fn write(&mut self, record: &Record) -> io::Result<()> {
        match &record.outcome {
            Outcome::Ok => {
                let Some(detail) = HttpDetail::of(record) else { return Ok(()) };
                let body = detail
                    .body_file
                    .map(|name| (self.folder.join(&*name), Url::parse(&detail.url).ok()));
                let at = usize::try_from(record.index).unwrap_or(usize::MAX);
                if let Some(place) = self.bodies.get_mut(at) {
                    *place = body;
                }
            }
            Outcome::Failed(error) => {
                if self.failed.as_ref().is_none_or(|(index, ..)| record.index < *index) {
                    let why = match error.kind {
                        ErrorKind::TooLarge => ParseError::TooLarge.to_string(),
                        _ => error.message.clone(),
                    };
                    self.failed = Some((record.index, record.item.to_string(), why));
                }
            }
        }
        Ok(())
    }
}
