//! Takes fields from an answer.
//!
//! Limit: what is taken from one answer has a bound, and so has the time for it. Whatever takes long is done on another thread.

use super::answer::Answer;
use super::html::Page;
use super::kind::Kind;
use super::listing::{self, Named};
use super::room::{Cannot, Room};
use super::source::Source;
use super::{Extract, charset, pick};
use crate::http::blocking;
use crate::http::next_page::NextPage;
use gaits_core::{Clock, ErrorKind, ItemError, Value};
use http::HeaderName;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The largest body that a `JSONPath` is followed in. As a tree it takes up to fifty times that.
const MOST_TREE: usize = 4 * 1024 * 1024;

/// The largest body that is looked into as text or HTML.
const MOST_TEXT: usize = 8 * 1024 * 1024;

/// The largest body in which anything but pointers is looked for on the event loop.
const LIGHT: usize = 4 * 1024;

/// How many bodies a process holds as trees at once.
const TREES: usize = 4;

/// What is to be taken from each answer.
#[derive(Debug, Default)]
pub(in crate::http) struct Wanted {
    /// Fields, by name.
    pub(in crate::http) all: Box<[Extract]>,
    /// Whether all of them have to be there.
    pub(in crate::http) required: bool,
    /// A pointer to a list; the fields are then those of each of its elements.
    pub(in crate::http) each: Option<Box<str>>,
    /// How it is found which page comes next.
    pub(in crate::http) next: Option<NextPage>,
    /// Whether all of the body is to be read as JSON, too: see [`whole`].
    pub(in crate::http) whole: bool,
}

impl Wanted {
    /// Whether the body is looked into as JSON.
    fn needs_json(&self) -> bool {
        let is_json =
            |extract: &Extract| matches!(*extract.source, Source::Pointer(_) | Source::Path(_));
        self.each.is_some()
            || self.next.as_ref().is_some_and(NextPage::needs_body)
            || self.all.iter().any(is_json)
    }
}

/// What was taken from an answer.
#[derive(Debug, Default)]
pub(in crate::http) struct Taken {
    pub(in crate::http) fields: Vec<(Box<str>, Value)>,
    /// What it says of the next page; none if it is the last one.
    pub(in crate::http) next: Option<Named>,
}

/// The name of the field that has what was taken of each element of a listing.
pub(in crate::http) const EACH: &str = "each";

/// Takes what is wanted from answers.
#[derive(Debug)]
pub(in crate::http) struct Extracts {
    wanted: Arc<Wanted>,
    /// The fields of the head that they need.
    headers: Box<[HeaderName]>,
    needs_body: bool,
    /// Whether there is more than pointers and headers.
    is_heavy: bool,
    trees: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
}

impl Extracts {
    pub(in crate::http) fn new(wanted: Wanted, clock: Arc<dyn Clock>) -> Self {
        let Wanted { all, each, next, .. } = &wanted;
        let mut headers: Vec<HeaderName> = all
            .iter()
            .filter_map(|extract| match &*extract.source {
                Source::Header(name) => Some(name.clone()),
                _ => None,
            })
            .collect();
        let is_text =
            |extract: &Extract| matches!(*extract.source, Source::Regex(_) | Source::Css(..));
        if wanted.whole || wanted.needs_json() || all.iter().any(is_text) {
            headers.push(http::header::CONTENT_TYPE);
        }
        headers.extend((*next == Some(NextPage::Link)).then_some(http::header::LINK));
        let needs_body = each.is_some()
            || next.as_ref().is_some_and(NextPage::needs_body)
            || all.iter().any(Extract::needs_body);
        let light =
            |extract: &Extract| matches!(*extract.source, Source::Pointer(_) | Source::Header(_));
        let is_heavy = !all.iter().all(light);
        Self {
            wanted: Arc::new(wanted),
            headers: headers.into(),
            needs_body,
            is_heavy,
            trees: Arc::new(Semaphore::new(TREES)),
            clock,
        }
    }

    /// Whether nothing is taken.
    pub(in crate::http) fn is_empty(&self) -> bool {
        let Wanted { all, each, next, .. } = &*self.wanted;
        all.is_empty() && each.is_none() && next.is_none()
    }

    /// Whether anything is taken from the body.
    pub(in crate::http) const fn needs_body(&self) -> bool {
        self.needs_body
    }

    /// The fields of the head that are needed.
    pub(in crate::http) const fn headers(&self) -> &[HeaderName] {
        &self.headers
    }

    /// Takes what is wanted from `answer`. What is not there is null, unless it is required. What would hold the event loop is done
    /// on another thread: JSON of 32 MB takes 0.2 s.
    ///
    /// # Errors
    ///
    /// The body is no JSON and a field is to be taken from JSON, a field is required and not there, or more is there than is
    /// taken.
    pub(in crate::http) async fn take(&self, answer: Answer) -> Result<Taken, ItemError> {
        let body = answer.body.as_ref();
        let is_small =
            body.is_none_or(|body| body.is_small() && (!self.is_heavy || body.len() <= LIGHT));
        if is_small {
            return take_all(&self.wanted, &answer, &*self.clock);
        }
        let (wanted, clock) = (Arc::clone(&self.wanted), Arc::clone(&self.clock));
        let ended = |e: &dyn std::fmt::Display| ItemError::new(ErrorKind::Cancelled, e.to_string());
        let permit = if self.is_heavy {
            let permit = Arc::clone(&self.trees).acquire_owned().await;
            Some(permit.map_err(|e| ended(&e))?)
        } else {
            None
        };
        let taken = blocking::start(move || {
            // Whoever waits may give up before this is done, and another must not begin then.
            let _permit = permit;
            take_all(&wanted, &answer, &*clock)
        });
        taken.await.map_err(|e| ended(&e))?
    }
}

/// The whole body of `answer`, as the value that its JSON is. The answer has its content-type field, if there is one.
///
/// # Errors
///
/// It is no JSON, or more than is taken.
pub(in crate::http) async fn whole(
    answer: Answer,
    clock: Arc<dyn Clock>,
) -> Result<Value, ItemError> {
    let all = Extract {
        name: "body".into(),
        kind: Kind::Any,
        source: Arc::new(Source::Pointer("".into())),
        text: "body=".into(),
    };
    let wanted = Wanted { all: Box::new([all]), required: true, ..Wanted::default() };
    let mut taken = Extracts::new(wanted, clock).take(answer).await?.fields;
    Ok(taken.pop().map_or(Value::Null, |(_, value)| value))
}

fn take_all(wanted: &Wanted, answer: &Answer, clock: &dyn Clock) -> Result<Taken, ItemError> {
    let bytes = answer.body.as_ref().map_or(Cow::Borrowed(&[][..]), |body| body.join());
    let json = if wanted.needs_json() {
        charset::json(&bytes, content_type(answer))
    } else {
        Cow::Borrowed(&[][..])
    };
    let mut room = Room::new();
    let mut count = None;
    let fields = match &wanted.each {
        None => {
            let body = Body { bytes: &bytes, json: &json, text: None };
            fields(wanted, answer, body, &mut room, clock)?
        }
        Some(pointer) => {
            let cannot = |cannot| not_taken(cannot, Some((EACH, pointer)));
            let elements = listing::elements(&json, pointer).map_err(cannot)?;
            count = Some(elements.as_ref().map_or(0, Vec::len));
            let rows = match elements {
                Some(elements) => {
                    let rows = elements.into_iter().map(|element| {
                        let text = element.get();
                        if wanted.all.is_empty() {
                            room.take(text.len()).map_err(cannot)?;
                            let value = serde_json::from_str(text).map_err(Cannot::NotJson);
                            return value.map_err(cannot);
                        }
                        let body = Body::of_text(text);
                        fields(wanted, answer, body, &mut room, clock).map(Value::Object)
                    });
                    Value::Array(rows.collect::<Result<_, _>>()?)
                }
                None if wanted.required => {
                    let message =
                        format!("cannot extract {EACH}: the body has nothing at {pointer}");
                    return Err(ItemError::new(ErrorKind::Decode, message));
                }
                None => Value::Null,
            };
            vec![(EACH.into(), rows)]
        }
    };
    let next = wanted.next.as_ref().map(|next| {
        let pointer = next.pointer().unwrap_or_default();
        let found = listing::next_page(next, answer, &json, count);
        found.map_err(|cannot| not_taken(cannot, Some(("the next page", pointer))))
    });
    Ok(Taken { fields, next: next.transpose()?.flatten() })
}

/// What the content-type field of an answer says; none where nobody asked for it.
fn content_type(answer: &Answer) -> Option<&str> {
    let mut fields = answer.headers.iter();
    let (_, value) = fields.find(|(name, _)| *name == http::header::CONTENT_TYPE)?;
    std::str::from_utf8(value).ok()
}

/// A body, or an element of it, that fields are looked for in.
#[derive(Clone, Copy)]
struct Body<'a> {
    /// As it came.
    bytes: &'a [u8],
    /// As JSON in UTF-8; empty where no field needs it.
    json: &'a [u8],
    /// Its text, where that is known.
    text: Option<&'a str>,
}

impl<'a> Body<'a> {
    /// An element of JSON that was decoded already.
    const fn of_text(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), json: text.as_bytes(), text: Some(text) }
    }
}

/// The fields of an answer with this body, or of an element of it.
fn fields(
    Wanted { all, required, .. }: &Wanted,
    answer: &Answer,
    body: Body<'_>,
    room: &mut Room,
    clock: &dyn Clock,
) -> Result<Vec<(Box<str>, Value)>, ItemError> {
    let mut look = Look::new(all, answer, body, clock)?;
    let mut taken = Vec::with_capacity(all.len());
    for (number, extract) in all.iter().enumerate() {
        let Extract { name, kind, source, .. } = extract;
        let cannot = |cannot| not_taken(cannot, Some((name, &source.place())));
        let found = look.find(number, source, room).map_err(cannot)?;
        let missing = |why: &str| {
            if *required {
                let message = format!("cannot extract {name}: {why}");
                return Err(ItemError::new(ErrorKind::Decode, message));
            }
            Ok(Value::Null)
        };
        let wrong = || missing(&no(extract));
        let value = match found {
            None => missing(&source.nothing())?,
            Some(Found::One(value)) => typed(*kind, value, &wrong)?,
            Some(Found::Several(values)) => typed(*kind, Value::Array(values), &wrong)?,
        };
        taken.push((name.clone(), value));
    }
    Ok(taken)
}

/// The value in this type. Of an array each value gets it, in arrays within it too; `wrong` says what stands for one that is
/// not of the type.
fn typed(
    kind: Kind,
    value: Value,
    wrong: &impl Fn() -> Result<Value, ItemError>,
) -> Result<Value, ItemError> {
    match value {
        Value::Array(values) if kind != Kind::Any => {
            let values = values.into_iter().map(|value| typed(kind, value, wrong));
            Ok(Value::Array(values.collect::<Result<_, _>>()?))
        }
        value => kind.of(value).map_or_else(wrong, Ok),
    }
}

fn no(extract: &Extract) -> String {
    format!("what is at {} is no {}", extract.source.place(), extract.kind.name())
}

/// The error of something that can't be taken; `what` says what it is, and where it should stand.
fn not_taken(cannot: Cannot, what: Option<(&str, &str)>) -> ItemError {
    let (name, place) = what.unwrap_or(("it", ""));
    let wrong = |why: &str| {
        let message = format!("cannot extract {name}: what is at {place} is {why}");
        ItemError::new(ErrorKind::Decode, message)
    };
    match cannot {
        Cannot::NotJson(e) => ItemError::new(
            ErrorKind::Decode,
            format!("cannot extract from the body: it cannot be read as JSON ({e})"),
        ),
        Cannot::TooLarge(found) => ItemError::new(
            ErrorKind::TooLarge,
            format!("cannot extract {name}: the body has {found} at {place}"),
        ),
        Cannot::NoLink => ItemError::new(
            ErrorKind::Decode,
            "the header field `link` can't be read: a URL in it does not end".to_owned(),
        ),
        Cannot::NoList => wrong("no list"),
        Cannot::NoUrl => wrong(
            "no URL; where it is a value for a parameter of the query, write --next 'NAME={POINTER}'",
        ),
        Cannot::NoValue => wrong("neither a text nor a number"),
    }
}

/// What was found for a field.
enum Found {
    One(Value),
    /// Where there can be several, and there are.
    Several(Vec<Value>),
}

impl Found {
    /// One value as it is, several as an array.
    fn of(mut values: Vec<Value>) -> Option<Self> {
        match values.len() {
            0 => None,
            1 => values.pop().map(Self::One),
            _ => Some(Self::Several(values)),
        }
    }
}

/// An answer in the forms in which it is looked into, each made once.
struct Look<'a> {
    answer: &'a Answer,
    body: Body<'a>,
    /// For each field with a pointer, what it leads to.
    pointed: Vec<Option<&'a RawValue>>,
    tree: Option<serde_json::Value>,
    text: Option<Cow<'a, str>>,
    page: Option<Page<'a>>,
    clock: &'a dyn Clock,
}

impl<'a> Look<'a> {
    fn new(
        extracts: &[Extract],
        answer: &'a Answer,
        body: Body<'a>,
        clock: &'a dyn Clock,
    ) -> Result<Self, ItemError> {
        let pointers =
            extracts.iter().enumerate().filter_map(|(number, extract)| match &*extract.source {
                Source::Pointer(pointer) => Some((number, &**pointer)),
                _ => None,
            });
        let (numbers, pointers): (Vec<usize>, Vec<&str>) = pointers.unzip();
        let mut pointed = vec![None; extracts.len()];
        if !pointers.is_empty() {
            let found = pick::pick(body.json, &pointers);
            let found = found.map_err(|e| not_taken(Cannot::NotJson(e), None))?;
            for (number, found) in numbers.into_iter().zip(found) {
                pointed[number] = found;
            }
        }
        let text = body.text.map(Cow::Borrowed);
        Ok(Self { answer, body, pointed, tree: None, text, page: None, clock })
    }

    fn find(
        &mut self,
        number: usize,
        source: &Source,
        room: &mut Room,
    ) -> Result<Option<Found>, Cannot> {
        match source {
            Source::Pointer(_) => {
                let Some(found) = self.pointed[number] else { return Ok(None) };
                room.take(found.get().len())?;
                // The parser refuses what is nested more than 127 deep, so that no value overflows the stack.
                let value = serde_json::from_str(found.get()).map_err(Cannot::NotJson)?;
                Ok(Some(Found::One(value)))
            }
            Source::Path(path) => {
                let mut found = Vec::new();
                for value in path.query(self.tree()?) {
                    let text = serde_json::to_string(value).map_err(Cannot::NotJson)?;
                    room.take(text.len() + 1)?;
                    found.push(serde_json::from_str(&text).map_err(Cannot::NotJson)?);
                }
                Ok(Found::of(found))
            }
            Source::Header(name) => {
                let mut found = Vec::new();
                for (_, value) in self.answer.headers.iter().filter(|(other, _)| other == name) {
                    room.take(value.len() + 1)?;
                    found.push(Value::String(String::from_utf8_lossy(value).into()));
                }
                Ok(Found::of(found))
            }
            Source::Regex(regex) => {
                let text = self.text()?;
                let Some(groups) = regex.captures(text) else { return Ok(None) };
                let group = usize::from(groups.len() > 1);
                let Some(found) = groups.get(group) else { return Ok(None) };
                room.take(found.len())?;
                Ok(Some(Found::One(Value::String(found.as_str().into()))))
            }
            Source::Css(_, selector, attribute) => {
                let found = self.page()?.select(selector, attribute.as_deref(), room)?;
                Ok(Found::of(found))
            }
        }
    }

    fn tree(&mut self) -> Result<&serde_json::Value, Cannot> {
        let tree = match self.tree.take() {
            Some(tree) => tree,
            None if self.body.json.len() > MOST_TREE => {
                let what =
                    format!("more than the {MOST_TREE} bytes of JSON that a path is followed in");
                return Err(Cannot::TooLarge(what));
            }
            None => serde_json::from_slice(self.body.json).map_err(Cannot::NotJson)?,
        };
        Ok(self.tree.insert(tree))
    }

    fn text(&mut self) -> Result<&str, Cannot> {
        if self.body.bytes.len() > MOST_TEXT {
            let what = format!("more than the {MOST_TEXT} bytes of text that are looked into");
            return Err(Cannot::TooLarge(what));
        }
        let (bytes, answer) = (self.body.bytes, self.answer);
        Ok(self.text.get_or_insert_with(|| charset::text(bytes, content_type(answer))))
    }

    fn page(&mut self) -> Result<&Page<'a>, Cannot> {
        let page = if let Some(page) = self.page.take() {
            page
        } else {
            let clock = self.clock;
            Page::parse(self.text()?, clock)?
        };
        Ok(self.page.insert(page))
    }
}
#[cfg(test)]
mod tests {
    use super::super::room::MOST_TAKEN;
    use super::*;
    use crate::http::decode::Kept;
    use gaits_core::ManualClock;

    fn fields(all: &[&str]) -> Box<[Extract]> {
        all.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// What is taken of an answer with this body, on a loop as a session does it.
    fn extracted(all: &[&str], required: bool, body: &[u8]) -> Result<Vec<Value>, ItemError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let wanted = Wanted { all: fields(all), required, ..Wanted::default() };
        let extracts = Extracts::new(wanted, Arc::new(CpuClock));
        let answer = Answer { headers: Vec::new(), body: Some(Arc::new(Kept::from(body))) };
        let taken = runtime.block_on(extracts.take(answer))?;
        Ok(taken.fields.into_iter().map(|(_, value)| value).collect())
    }

    fn id(body: &[u8]) -> Result<Value, ItemError> {
        Ok(extracted(&["id=/id"], true, body)?.remove(0))
    }

    /// The JSON of what is taken.
    fn json(all: &[&str], body: &str) -> String {
        serde_json::to_string(&extracted(all, false, body.as_bytes()).unwrap()).unwrap()
    }

    /// Tells only how much CPU time a thread has used.
    #[derive(Debug)]
    struct CpuClock;

    impl Clock for CpuClock {
        fn now_us(&self) -> u64 {
            0
        }

        fn thread_cpu_us(&self) -> u64 {
            let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID);
            std::time::Duration::from(time.unwrap()).as_micros().try_into().unwrap()
        }
    }

    #[test]
    fn pointers_lead_through_objects_and_arrays() {
        let body = r#"{"a":[1,{"b/c":"deep","~":true}],"":null,"n":18446744073709551615}"#;
        let all = ["a=/a/0", "b=/a/1/b~1c", "c=/a/1/~0", "d=/", "e=/n"];
        assert_eq!(json(&all, body), r#"[1,"deep",true,null,18446744073709551615]"#);
        assert_eq!(json(&["a="], "[1]"), "[[1]]");
    }

    #[test]
    fn what_is_not_there_is_null_or_fails_where_it_is_required() {
        let body = r#"{"a":[1,2],"s":"x"}"#;
        for (place, why) in [
            ("=/b", "the body has nothing at /b"),
            ("=/a/2", "nothing at /a/2"),
            ("=/a/01", "nothing at /a/01"),
            ("=/a/-", "nothing at /a/-"),
            ("=/a/0/x", "nothing at /a/0/x"),
            ("=$.b[*]", "nothing at $.b[*]"),
            (":int=/s", "what is at /s is no int"),
            ("=header:etag", "the answer has no header etag"),
            ("=regex:y(.)", "nothing in the body matches y(.)"),
            #[cfg(feature = "css")]
            ("=css:h1", "no element of the body matches h1"),
            #[cfg(feature = "css")]
            ("=css:body@id", "matches body and has an attribute id"),
        ] {
            let extract = format!("id{place}");
            assert_eq!(json(&[&extract], body), "[null]", "{place}");
            let error = extracted(&[&extract], true, body.as_bytes()).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Decode);
            assert!(error.message.starts_with("cannot extract id: "), "{error}");
            assert!(error.message.ends_with(why), "{error}");
        }
    }

    #[test]
    fn a_body_that_is_not_json_fails_where_json_is_looked_into() {
        for place in ["id=/b", "id=$.b"] {
            let error = extracted(&[place], false, b"<html>").unwrap_err();
            let wanted = "cannot extract from the body: it cannot be read as JSON";
            assert!(error.message.starts_with(wanted), "{error}");
        }
    }

    #[test]
    fn a_path_gives_one_value_as_it_is_and_several_as_an_array() {
        let body = r#"{"b":[{"t":"x","p":"1"},{"t":"y","p":2},{"p":"z"}]}"#;
        let all = ["a=$.b[0].t", "b=$.b[*].t", "c:int=$..p", "d=$.b[?@.p == 2].t", "e=$"];
        assert_eq!(
            json(&all, body),
            format!(
                r#"["x",["x","y"],[1,2,null],"y",{}]"#,
                r#"{"b":[{"p":"1","t":"x"},{"p":2,"t":"y"},{"p":"z"}]}"#
            )
        );
    }

    #[test]
    fn headers_are_taken_from_the_head() {
        let all = fields(&["etag=header:ETag", "n:int=header:x-n", "v=header:vary"]);
        let wanted = || Wanted { all: all.clone(), required: true, ..Wanted::default() };
        let extracts = Extracts::new(wanted(), Arc::new(ManualClock::default()));
        assert!(!extracts.needs_body());
        let pairs = [("etag", "\"x\""), ("vary", "a"), ("x-n", " 7"), ("vary", "b")];
        let headers = pairs.map(|(name, value)| (name.parse().unwrap(), value.as_bytes().into()));
        let answer = Answer { headers: headers.into(), body: None };
        let taken = take_all(&wanted(), &answer, &ManualClock::default()).unwrap().fields;
        let values: Vec<Value> = taken.into_iter().map(|(_, value)| value).collect();
        assert_eq!(serde_json::to_string(&values).unwrap(), r#"["\"x\"",7,["a","b"]]"#);
    }

    #[test]
    fn expressions_give_their_first_group_or_all() {
        let body = "<b>ID-17</b> ID-18 \u{c548}\u{b155}";
        let all = [
            r"a:int=regex:ID-(\d+)",
            r"b=regex:ID-\d+",
            "c=regex:(x)|b>",
            "d=regex:[\u{ac00}-\u{d7a3}]+",
        ];
        assert_eq!(json(&all, body), "[17,\"ID-17\",null,\"\u{c548}\u{b155}\"]");
    }

    #[cfg(not(feature = "css"))]
    #[test]
    fn without_selectors_it_is_said_how_to_have_them() {
        let error = "a=css:h1".parse::<Extract>().unwrap_err();
        assert!(error.to_string().contains("--features css"), "{error}");
    }

    #[cfg(feature = "css")]
    #[test]
    fn a_place_of_html_may_hold_any_character() {
        let text = r#"a=css:a[href="x=y@z"]@data-x"#;
        assert_eq!(text.parse::<Extract>().unwrap().to_string(), text);
    }

    #[cfg(feature = "css")]
    #[test]
    fn selectors_give_texts_and_attributes() {
        let body = "<title> A  <!-- x -->title\n</title><script>var x</script><h1>One <b>bold</b>\n  word<script>no</script></h1>\
            <a class=next href='/2?a&amp;b'>n</a><a href=/3>m</a><a>p";
        let all = [
            "a=css:title",
            "b=css:h1",
            "c=css:a.next@href",
            "d=css:a@href",
            "e=css:script",
            "f=css:a, b",
            "g=css:h1 > b",
        ];
        assert_eq!(
            json(&all, body),
            r#"["A <!-- x -->title","One bold word","/2?a&b",["/2?a&b","/3"],["var x","no"],["bold","n","m","p"],"bold"]"#
        );
    }

    #[cfg(feature = "css")]
    #[test]
    fn pages_are_read_in_their_own_encoding() {
        let (korean, ..) = encoding_rs::EUC_KR.encode("<h1>\u{c548}\u{b155}</h1>");
        let value = Value::String("\u{c548}\u{b155}".into());
        assert_eq!(extracted(&["a=css:h1"], true, &korean).unwrap(), [value]);
    }

    #[test]
    fn texts_are_read_in_their_own_encoding() {
        let (korean, ..) = encoding_rs::EUC_KR.encode("<h1>\u{c548}\u{b155}</h1>");
        let value = Value::String("\u{c548}\u{b155}".into());
        assert_eq!(extracted(&["a=regex:>(.*)<"], true, &korean).unwrap(), [value]);
    }

    #[test]
    fn json_is_read_in_its_own_encoding() {
        let text = "{\"l\":[{\"a\":\"\u{c548}\"}],\"next\":\"/2\"}";
        let (korean, ..) = encoding_rs::EUC_KR.encode(text);
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
        let utf16 = [b"\xff\xfe", &*utf16].concat();
        let next = || Some("/next".parse::<NextPage>().unwrap());
        for (body, field) in [
            (&*marked, "application/json"),
            (&utf16, "application/json"),
            (&korean, "application/json; charset=euc-kr"),
            // What is decoded once is not decoded again.
            (text.as_bytes(), "application/json; charset=euc-kr"),
        ] {
            for (each, places, wanted) in [
                (None, &["a=/l/0/a", "b=$.l[0].a", "c="][..], None),
                (Some("/l".into()), &["a=/a", "b=$.a", "c=regex:[\u{ac00}-\u{d7a3}]"], None),
                (Some("/l".into()), &[], Some("[{\"a\":\"\u{c548}\"}]")),
            ] {
                let wanted_all =
                    Wanted { all: fields(places), each, next: next(), ..Wanted::default() };
                let headers = Extracts::new(wanted_all, Arc::new(CpuClock));
                assert_eq!(headers.headers(), [http::header::CONTENT_TYPE]);
                let answer = Answer {
                    headers: vec![(http::header::CONTENT_TYPE, field.as_bytes().into())],
                    body: Some(Arc::new(Kept::from(body))),
                };
                let taken = take_all(&headers.wanted, &answer, &CpuClock).unwrap();
                assert_eq!(taken.next, Some(Named::Url("/2".into())));
                let json = serde_json::to_string(&taken.fields).unwrap();
                assert!(json.contains(wanted.unwrap_or("\"\u{c548}\"")), "{field} {json}");
                assert_eq!(json.matches('\u{c548}').count(), places.len().max(1), "{json}");
            }
        }
    }

    #[test]
    fn a_large_body_gives_the_same_as_a_small_one() {
        for length in [0, 100, 1_000_000] {
            let body = format!(r#"{{"filler":"{}","id":7}}"#, "x".repeat(length));
            assert_eq!(Kept::from(body.as_bytes()).is_small(), length < 1000);
            assert_eq!(id(body.as_bytes()).unwrap(), Value::Integer(7));
            let all = ["a=$.id", r"b:int=regex:id.:(\d)"];
            let taken = extracted(&all, true, body.as_bytes()).unwrap();
            assert_eq!(taken, [Value::Integer(7), Value::Integer(7)]);
            let error = id(&body.as_bytes()[..body.len() - 1]).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Decode);
        }
    }

    #[test]
    fn what_is_nested_deep_overflows_nothing() {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let deep = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
            for place in ["id=/id", "id=$..id"] {
                let error = extracted(&[place], true, open.repeat(800_000).as_bytes()).unwrap_err();
                assert_eq!(error.kind, ErrorKind::Decode);
            }
            let beside = format!(r#"{{"x":{},"id":7}}"#, deep(1_000_000));
            assert_eq!(id(beside.as_bytes()).unwrap(), Value::Integer(7));
            for (depth, fine) in [(120, true), (1_000, false), (100_000, false)] {
                let there = id(format!(r#"{{"id":{}}}"#, deep(depth)).as_bytes());
                assert_eq!(there.is_ok(), fine, "{depth}");
                assert!(fine || there.unwrap_err().message.contains("recursion limit exceeded"));
            }
        }
    }

    #[cfg(feature = "css")]
    #[test]
    fn pages_that_would_take_for_ever_are_given_up() {
        let many = |part: &str, count| part.repeat(count);
        let attributes: Vec<String> = (0..600_000).map(|number| format!(" a{number:x}")).collect();
        let attributes = attributes.concat();
        for (what, page, selector) in [
            ("elements in each other", many("<div>", 1_000_000), "h1"),
            ("attributes", format!("<p{attributes}>"), "h1"),
            ("elements", many("<p>", 1_200_000), "h1"),
            ("elements beside each other", many("<i></i>", 900_000), "h1 ~ i"),
        ] {
            let error = extracted(&[&format!("a=css:{selector}")], false, page.as_bytes());
            let error = error.unwrap_err();
            assert_eq!(error.kind, ErrorKind::TooLarge, "{what}: {error}");
        }
    }

    #[test]
    fn a_path_over_all_values_is_bounded_by_what_is_taken() {
        let body = format!("[0{}]", ",0".repeat(1_000_000));
        let error = extracted(&["a=$..*"], false, body.as_bytes()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooLarge);
        let body = format!("[0{}]", ",0".repeat(3_000_000));
        let error = extracted(&["a=$[0]"], false, body.as_bytes()).unwrap_err();
        assert!(error.message.contains("4194304 bytes of JSON that a path"), "{error}");
    }

    #[test]
    fn no_more_is_taken_than_a_record_has_room_for() {
        for (length, fine) in [(MOST_TAKEN - 2, true), (MOST_TAKEN - 1, false)] {
            let there = id(format!(r#"{{"id":"{}"}}"#, "x".repeat(length)).as_bytes());
            assert_eq!(there.is_ok(), fine, "{length}");
            let message =
                "cannot extract id: the body has more than the 1048576 bytes that are taken at /id";
            let error = ItemError::new(ErrorKind::TooLarge, message);
            assert!(fine || there.unwrap_err() == error);
        }
        let half = format!(r#"{{"x":"{}"}}"#, "x".repeat(MOST_TAKEN / 2));
        let places = ["b=/x", "b=$.x", "b=regex:.*", "b=css:body"];
        for second in places.iter().filter(|place| cfg!(feature = "css") || !place.contains("css"))
        {
            let error = extracted(&["a=/x", second], false, half.as_bytes()).unwrap_err();
            assert!(
                error.message.starts_with("cannot extract b: the body has more than"),
                "{error}"
            );
            assert_eq!(error.kind, ErrorKind::TooLarge);
        }
    }
}
