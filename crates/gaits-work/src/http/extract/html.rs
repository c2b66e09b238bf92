//! What CSS selectors match in HTML.
//!
//! The parser does in one pass what browsers do, and a page can be made so that this takes a time that grows with the square of
//! its length: a million elements in each other, a tag with a million attributes. So a page is parsed in small pieces and matched
//! element by element, and in between the time and the size of the tree are looked at. Limit: runs no scripts, and fetches
//! nothing.

use super::room::{Cannot, Room};
use gaits_core::{Clock, Value};
use html5ever::driver::{self, ParseOpts};
use html5ever::tendril::{StrTendril, TendrilSink as _};
use scraper::{ElementRef, Html, HtmlTreeSink, Node};

/// How much is parsed before the time is looked at.
const PIECE: usize = 4 * 1024;

/// How many elements are matched before it is looked at.
const ELEMENTS: usize = 64;

/// How many nodes a page may have. One takes 200 bytes and more.
const MOST_NODES: usize = 1_000_000;

/// How much CPU time one page may take, in microseconds. Pages of megabytes take 0.1 s.
const MOST_US: u64 = 1_000_000;

/// How much of a text that is no selector is looked at to find where it is none, in bytes.
const MOST_LOOKED_AT: usize = 1000;

/// How much of it is shown from there on, in characters.
const SHOWN: usize = 40;

/// A CSS selector.
#[derive(Debug)]
pub(super) struct Selector(scraper::Selector);

impl Selector {
    /// Takes it from its text, or says what is wrong with that.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("it is empty".to_owned());
        }
        // The library does not say where it is wrong, and some of its words are for its developers.
        scraper::Selector::parse(text).ok().map(Self).ok_or_else(|| why(text))
    }
}

/// Why a text is no selector, and where that begins.
fn why(text: &str) -> String {
    let text = text.trim_end();
    let begins_well = |end: &usize| scraper::Selector::parse(&text[..*end]).is_ok();
    // What is longer is not looked at, since each try reads it from its beginning.
    let ends = text.char_indices().map(|(at, _)| at).filter(|at| *at <= MOST_LOOKED_AT);
    let rest = text[ends.rev().find(begins_well).unwrap_or(0)..].trim_start();
    let hint = if rest.starts_with("::") {
        "; pseudo-elements are not known here: css:SELECTOR takes the text, css:SELECTOR@NAME an attribute"
    } else if rest.starts_with(':') {
        "; this pseudo-class is not known here"
    } else {
        ""
    };
    let mut shown = rest.to_owned();
    if let Some((at, _)) = rest.char_indices().nth(SHOWN) {
        shown = format!("{}\u{2026}", &rest[..at]);
    }
    format!("it can't be read from {shown:?} on{hint}")
}

/// A page, and the time that it may still take.
pub(super) struct Page<'c> {
    html: Html,
    time: Time<'c>,
}

struct Time<'c> {
    clock: &'c dyn Clock,
    began_us: u64,
}

impl Time<'_> {
    fn check(&self) -> Result<(), Cannot> {
        if self.clock.thread_cpu_us().saturating_sub(self.began_us) > MOST_US {
            return Err(Cannot::TooLarge("HTML that takes more than 1 s to look into".to_owned()));
        }
        Ok(())
    }
}

impl<'c> Page<'c> {
    /// Parses a page.
    pub(super) fn parse(mut text: &str, clock: &'c dyn Clock) -> Result<Self, Cannot> {
        let time = Time { clock, began_us: clock.thread_cpu_us() };
        let sink = HtmlTreeSink::new(Html::new_document());
        let mut parser = driver::parse_document(sink, ParseOpts::default());
        while !text.is_empty() {
            let (piece, rest) = text.split_at(text.floor_char_boundary(PIECE));
            parser.process(StrTendril::from(piece));
            text = rest;
            time.check()?;
            if parser.tokenizer.sink.sink.0.borrow().tree.values().len() > MOST_NODES {
                return Err(Cannot::TooLarge(format!("HTML with more than {MOST_NODES} nodes")));
            }
        }
        Ok(Self { html: parser.finish(), time })
    }

    /// The texts of what `selector` matches, in the order of the page, or its attribute of this name.
    pub(super) fn select(
        &self,
        selector: &Selector,
        attribute: Option<&str>,
        room: &mut Room,
    ) -> Result<Vec<Value>, Cannot> {
        let mut found = Vec::new();
        let elements = self.html.tree.root().descendants().filter_map(ElementRef::wrap);
        for (number, element) in elements.enumerate() {
            if number % ELEMENTS == 0 {
                self.time.check()?;
            }
            if !selector.0.matches(&element) {
                continue;
            }
            let text = match attribute {
                Some(name) => element.attr(name).map(str::to_owned),
                None => Some(text_of(element, room)?),
            };
            if let Some(text) = text {
                room.take(text.len() + 1)?;
                found.push(Value::String(text.into()));
            }
        }
        Ok(found)
    }
}

/// The text in an element as it is read: runs of white space are one space, and scripts and styles are no text, unless the
/// element is one.
fn text_of(element: ElementRef<'_>, room: &Room) -> Result<String, Cannot> {
    let mut text = String::new();
    for node in element.descendants() {
        let Node::Text(part) = node.value() else { continue };
        let unread =
            node.parent().filter(|parent| parent.id() != element.id()).is_some_and(|parent| {
                let parent = parent.value().as_element();
                parent.is_some_and(|parent| matches!(parent.name(), "script" | "style"))
            });
        if unread {
            continue;
        }
        for (number, word) in part.split_ascii_whitespace().enumerate() {
            let apart = number > 0 || part.starts_with(|c: char| c.is_ascii_whitespace());
            if apart && !text.is_empty() && !text.ends_with(' ') {
                text.push(' ');
            }
            text.push_str(word);
        }
        if part.ends_with(|c: char| c.is_ascii_whitespace())
            && !text.is_empty()
            && !text.ends_with(' ')
        {
            text.push(' ');
        }
        room.check(text.len())?;
    }
    text.truncate(text.trim_end().len());
    Ok(text)
}
