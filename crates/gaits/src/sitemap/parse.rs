//! What stands in one sitemap: URLs of pages, or of further sitemaps (<https://www.sitemaps.org/protocol.html>).
//!
//! Limit: entities that a document declares itself are not expanded, so a few lines can't become gigabytes.

use quick_xml::events::Event;
use quick_xml::reader::Reader;
use std::io::{self, BufRead, Read};

/// The most bytes of a sitemap, unpacked: 50 MiB, as the protocol has it.
pub(super) const MOST_BYTES: u64 = 50 * 1024 * 1024;

/// The longest URL: no longer item is taken from a list either.
const LONGEST: usize = 64 * 1024;

/// So many ends of lines are remembered of one tag, comment or text.
const MOST_ENDS: usize = 64 * 1024;

/// What stands in a sitemap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// The URL of a page.
    Page(String),
    /// The URL of another sitemap.
    Sitemap(String),
}

/// Why a text is no sitemap.
#[derive(Debug, thiserror::Error)]
pub(super) enum ParseError {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error("it is not well-formed: {0}")]
    Syntax(#[source] quick_xml::Error),
    #[error("it is not well-formed: {0}")]
    Reference(#[source] quick_xml::Error),
    #[error(
        "it has more than {MOST_BYTES} bytes unpacked, which is the most that a sitemap may have"
    )]
    TooLarge,
    #[error(
        "it is no sitemap: its first element is <{0}>, and that of a sitemap is <urlset> or <sitemapindex>"
    )]
    NoSitemap(String),
    #[error("it is no sitemap: there is nothing in it")]
    Nothing,
    #[error("it is no sitemap: it is neither XML nor a list of URLs, as {0:?} in it shows")]
    NoUrl(String),
    #[error("it has the entity &{0};, which is none of XML's own")]
    Entity(String),
    #[error("it ends in the middle")]
    Cut,
    #[error("a URL in it is longer than {LONGEST} bytes")]
    LongUrl,
    /// A URL that stands in it is of no use; says why.
    #[error("{0}")]
    Useless(String),
}

/// What is wrong with a text, and in which line.
#[derive(Debug)]
pub(super) struct Wrong {
    /// Counted from 1; none where it is about no line.
    pub(super) line: Option<u64>,
    pub(super) error: ParseError,
}

/// Hands what stands in the sitemap `text` to `each`, in its order. A text that is not XML has a URL on each line.
pub(super) fn parse(
    text: impl BufRead,
    mut each: impl FnMut(Found) -> Result<(), ParseError>,
) -> Result<(), Wrong> {
    let mut text = Bounded { inner: text, at: 0, line: 1, ends: Vec::new(), more_ends: 0 };
    let wrong = |error, line| {
        let is_about_all =
            matches!(error, ParseError::Read(_) | ParseError::TooLarge | ParseError::Nothing);
        Wrong { line: (!is_about_all).then_some(line), error }
    };
    let first = first_byte(&mut text).map_err(|error| wrong(error, 1))?;
    if first != b'<' {
        return lines(&mut text, &mut each).map_err(|error| wrong(error, text.line));
    }
    let begins = text.at;
    let mut reader = Reader::from_reader(text);
    xml(&mut reader, &mut each).map_err(|error| {
        let text = reader.get_ref();
        let line = match &error {
            ParseError::Syntax(_) => text.line_at(begins + reader.error_position()),
            _ => text.line,
        };
        wrong(error, line)
    })
}

/// Passes white space over, and gives the byte that follows, which is still to be read.
fn first_byte(text: &mut impl BufRead) -> Result<u8, ParseError> {
    loop {
        let chunk = text.fill_buf().map_err(of_io)?;
        if chunk.is_empty() {
            return Err(ParseError::Nothing);
        }
        let blank = chunk.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let first = chunk.get(blank).copied();
        text.consume(blank);
        if let Some(first) = first {
            return Ok(first);
        }
    }
}

fn lines(
    text: &mut Bounded<impl BufRead>,
    each: &mut impl FnMut(Found) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    let mut line = Vec::new();
    loop {
        text.goes_on();
        line.clear();
        let most = LONGEST as u64 + 2;
        if text.by_ref().take(most).read_until(b'\n', &mut line).map_err(of_io)? == 0 {
            return Ok(());
        }
        let url = String::from_utf8_lossy(&line);
        let url = url.trim();
        if url.len() > LONGEST {
            return Err(ParseError::LongUrl);
        }
        if !url.is_empty() {
            if !is_absolute(url) {
                return Err(ParseError::NoUrl(beginning(url)));
            }
            each(Found::Page(url.to_owned()))?;
        }
    }
}

/// Whether a text begins as a URL of the web.
fn is_absolute(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// What the elements that are open are.
#[derive(Debug, Default)]
struct Open {
    /// How many elements are open.
    depth: usize,
    /// Whether the first one is an index, and what stands in front of the names of its vocabulary.
    is_index: bool,
    prefix: String,
    /// The second one is an entry: `<url>`, or `<sitemap>` in an index.
    in_entry: bool,
    /// The third one is `<loc>`: its text so far.
    url: Option<String>,
}

fn xml(
    reader: &mut Reader<Bounded<impl BufRead>>,
    each: &mut impl FnMut(Found) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    let (mut buffer, mut open, mut begun) = (Vec::new(), Open::default(), false);
    loop {
        reader.get_mut().goes_on();
        buffer.clear();
        let event = reader.read_event_into(&mut buffer).map_err(of_xml)?;
        match event {
            Event::Start(element) => {
                let (name, whole) = (element.local_name(), element.name());
                let prefix = whole.prefix();
                let prefix = prefix.as_ref().map_or("", |prefix| prefix.as_ref());
                match (open.depth, name.as_ref()) {
                    (0, "urlset" | "sitemapindex") => {
                        open.is_index = name.as_ref() == "sitemapindex";
                        prefix.clone_into(&mut open.prefix);
                    }
                    (0, other) => return Err(ParseError::NoSitemap(beginning(other))),
                    (1, name) => {
                        let entry = if open.is_index { "sitemap" } else { "url" };
                        open.in_entry = name == entry && prefix == open.prefix;
                    }
                    // Images and videos have a <loc> of their own, with another prefix.
                    (2, _) if open.in_entry && prefix == open.prefix => {
                        open.url = (name.as_ref() == "loc").then(String::new);
                    }
                    _ => {}
                }
                begun = true;
                open.depth += 1;
            }
            Event::Empty(element) if open.depth == 0 => {
                let name = element.local_name();
                if !matches!(name.as_ref(), "urlset" | "sitemapindex") {
                    return Err(ParseError::NoSitemap(beginning(name.as_ref())));
                }
                begun = true;
            }
            Event::End(_) => {
                open.depth = open.depth.saturating_sub(1);
                if open.depth == 2
                    && let Some(url) = open.url.take()
                {
                    let url = url.trim();
                    if !url.is_empty() {
                        let url = url.to_owned();
                        each(if open.is_index { Found::Sitemap(url) } else { Found::Page(url) })?;
                    }
                }
            }
            Event::Text(piece) => open.add(&piece.xml10_content())?,
            Event::CData(piece) => open.add(&piece.xml10_content())?,
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(ParseError::Reference)?;
                if let Some(character) = character {
                    open.add(character.encode_utf8(&mut [0; 4]))?;
                } else {
                    let name = reference.xml10_content();
                    let known = quick_xml::escape::resolve_predefined_entity(&name);
                    let known = known.ok_or_else(|| ParseError::Entity(beginning(&name)))?;
                    open.add(known)?;
                }
            }
            Event::Eof if open.depth > 0 => return Err(ParseError::Cut),
            Event::Eof => return if begun { Ok(()) } else { Err(ParseError::Nothing) },
            _ => {}
        }
    }
}

impl Open {
    fn add(&mut self, text: &str) -> Result<(), ParseError> {
        let Some(url) = &mut self.url else { return Ok(()) };
        url.push_str(text);
        if url.len() > LONGEST { Err(ParseError::LongUrl) } else { Ok(()) }
    }
}

/// The beginning of a name, which may be as long as a server likes.
fn beginning(name: &str) -> String {
    name.chars().take(60).collect()
}

/// Why reading went wrong: where a document is too large, that is it.
fn of_io(error: io::Error) -> ParseError {
    if is_too_large(&error) { ParseError::TooLarge } else { ParseError::Read(error) }
}

fn is_too_large(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<TooLarge>)
}

fn of_xml(error: quick_xml::Error) -> ParseError {
    match &error {
        quick_xml::Error::Io(inner) if is_too_large(inner) => ParseError::TooLarge,
        quick_xml::Error::Io(inner) => {
            ParseError::Read(io::Error::new(inner.kind(), inner.to_string()))
        }
        _ => ParseError::Syntax(error),
    }
}

/// There is more than may be.
#[derive(Debug, thiserror::Error)]
#[error("too large")]
struct TooLarge;

/// Reads up to [`MOST_BYTES`], and fails beyond. Knows in which line it is.
struct Bounded<R> {
    inner: R,
    /// How many bytes were read.
    at: u64,
    /// The line in which the piece begins that is being read, counted from 1.
    line: u64,
    /// Where lines have ended in this piece: the first of them, and how many there were beyond.
    ends: Vec<u64>,
    more_ends: u64,
}

impl<R> Bounded<R> {
    /// The next piece begins.
    fn goes_on(&mut self) {
        self.line += self.ends.len() as u64 + std::mem::take(&mut self.more_ends);
        self.ends.clear();
    }

    /// The line of a byte in this piece, if it has not too many.
    fn line_at(&self, at: u64) -> u64 {
        self.line + self.ends.iter().filter(|end| **end < at).count() as u64
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let left = usize::try_from(MOST_BYTES - self.at).unwrap_or(usize::MAX);
        let chunk = self.inner.fill_buf()?;
        if left == 0 && !chunk.is_empty() {
            return Err(io::Error::other(TooLarge));
        }
        Ok(&chunk[..chunk.len().min(left)])
    }

    fn consume(&mut self, bytes: usize) {
        // What is consumed has been read, so this asks for nothing.
        let chunk = self.inner.fill_buf().unwrap_or_default();
        let ends = (self.at..).zip(&chunk[..bytes.min(chunk.len())]);
        for (at, _) in ends.filter(|(_, byte)| **byte == b'\n') {
            if self.ends.len() < MOST_ENDS {
                self.ends.push(at);
            } else {
                self.more_ends += 1;
            }
        }
        self.at += bytes as u64;
        self.inner.consume(bytes);
    }
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut chunk = self.fill_buf()?;
        let read = chunk.read(out)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::BufReader;

    fn found(text: &[u8]) -> Result<Vec<Found>, ParseError> {
        let mut all = Vec::new();
        parse(BufReader::with_capacity(7, text), |found| {
            all.push(found);
            Ok(())
        })
        .map_err(|wrong| wrong.error)?;
        Ok(all)
    }

    fn pages(urls: &[&str]) -> Vec<Found> {
        urls.iter().map(|url| Found::Page((*url).to_owned())).collect()
    }

    #[test]
    fn the_urls_of_pages_are_found_in_whatever_form_they_are_written() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?>
            <!-- made by hand --><s:urlset xmlns:s="http://www.sitemaps.org/schemas/sitemap/0.9"></s:urlset>"#;
        assert_eq!(found(text.as_bytes()).unwrap(), []);
        let text = r#"
            <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="x">
              <url><loc> http://h/?a=1&amp;b=&#50;&#x33; </loc><lastmod>2026-01-01</lastmod></url>
              <url><loc><![CDATA[http://h/c?d&e]]></loc>
                <image:image><image:loc>http://h/picture</image:loc></image:image></url>
              <url><lastmod>x</lastmod></url><url><loc></loc></url><url/><other><loc>no</loc></other>
              <url><loc>http://h/<!-- c -->d</loc><image:loc>no</image:loc></url>
            </urlset>"#;
        let prefixed = "<s:urlset xmlns:s='x'><s:url><s:loc>http://h/a</s:loc><loc>no</loc></s:url></s:urlset>";
        assert_eq!(found(prefixed.as_bytes()).unwrap(), pages(&["http://h/a"]));
        let wanted = pages(&["http://h/?a=1&b=23", "http://h/c?d&e", "http://h/d"]);
        assert_eq!(found(text.as_bytes()).unwrap(), wanted);
        assert_eq!(
            found(b" http://h/a\r\n\nhttp://h/b").unwrap(),
            pages(&["http://h/a", "http://h/b"])
        );
    }

    #[test]
    fn an_index_has_sitemaps() {
        let text = "<sitemapindex><sitemap><loc>http://h/1.xml.gz</loc></sitemap><url><loc>x</loc></url></sitemapindex>";
        assert_eq!(
            found(text.as_bytes()).unwrap(),
            [Found::Sitemap("http://h/1.xml.gz".to_owned())]
        );
    }

    #[test]
    fn what_is_no_sitemap_is_told() {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><urlset><url><loc>&b;</loc></url></urlset>";
        for (text, why) in [
            ("", "there is nothing in it"),
            (" \n ", "there is nothing in it"),
            ("Not found\n", "it is neither XML nor a list of URLs, as \"Not found\" in it shows"),
            ("<html><body/></html>", "its first element is <html>"),
            ("<urlset><url><loc>http://h/", "it ends in the middle"),
            ("<urlset><url></loc></url>", "it is not well-formed"),
            (bomb, "it has the entity &b;"),
        ] {
            let error = found(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line) in [
            ("<urlset>\n<url></loc></url>", Some(2)),
            ("\n\n<urlset>\n\n<url>\n<loc>x</lock>\n</url></urlset>", Some(6)),
            // It is noticed at the end, and has begun before.
            ("<urlset>\n<url>\n<loc\n\n", Some(3)),
            ("<urlset>\n<!-- never closed\n\n", Some(2)),
            ("<urlset>\n<url><loc>a\n&b;</loc></url></urlset>", Some(3)),
            ("<urlset>\n<url><loc>a\n\n&#xffffffff;</loc></url></urlset>", Some(4)),
            ("<urlset>\n<url>\n<loc>http://h/", Some(3)),
            ("<!-- -->\n<html\nlang='en'><body/></html>", Some(2)),
            ("http://h/\n\nftp://h/\n", Some(3)),
            ("\n\n", None),
            (&format!("<urlset><!--{}-->\n</x>", "\n".repeat(100_000)), Some(100_002)),
        ] {
            let wrong = parse(BufReader::with_capacity(3, text.as_bytes()), |_| Ok(()));
            let wrong = wrong.unwrap_err();
            assert_eq!(wrong.line, line, "{text:?}: {wrong:?}");
        }
        let useless = |_| Err(ParseError::Useless("no".to_owned()));
        let text = "<urlset>\n<url><loc>x</loc></url></urlset>";
        assert_eq!(parse(text.as_bytes(), useless).unwrap_err().line, Some(2));
    }

    #[test]
    fn a_document_without_end_is_given_up() {
        let endless = io::repeat(b' ').take(3 * MOST_BYTES);
        let text = "<urlset>".as_bytes().chain(endless);
        let end = parse(BufReader::new(text), |_| Ok(()));
        assert!(
            matches!(&end, Err(wrong) if matches!(wrong.error, ParseError::TooLarge) && wrong.line.is_none()),
            "{end:?}"
        );
        let line = io::repeat(b'x').take(3 * MOST_BYTES);
        let end = parse(BufReader::new(line), |_| Ok(()));
        assert!(
            matches!(&end, Err(wrong) if matches!(wrong.error, ParseError::LongUrl)),
            "{end:?}"
        );
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(text in "(<[a-z/!?&;\\[\\]-]{0,6}>?|loc|url|set|&[a-z#0-9]{0,4};|\\PC){0,40}") {
            let _ = found(text.as_bytes());
            let _ = found(format!("<urlset><url><loc>{text}").as_bytes());
        }
    }
}
