//! Reads any text as what people give: a curl command, an item, a template of a URL with a value for its places, a text that may
//! hold credentials. It panics where one of them is read as something that it is not.

#![no_main]

use gaits_work::http::{
    CurlContext, UrlTemplate, check, described_by_curl, is_whole, own_fields, redacted,
    template_of_curl,
};
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    match kind % 4 {
        0 => curl(text),
        1 => item(text.trim()),
        2 => {
            if let Some((template, value)) = text.split_once('\n') {
                filled(template, value);
            }
        }
        // An item may have blanks around it.
        _ => hidden(text.trim()),
    }
});

/// What a command is read as is an item.
fn curl(command: &str) {
    let context = CurlContext { insecure: false };
    let _ = is_whole(command);
    if let Ok(item) = described_by_curl(command, context) {
        assert!(own_fields(&item).is_some_and(|own| own.is_empty()), "no request: {item}");
    }
    let _ = template_of_curl(command, context);
}

/// What passes for a URL is one, on http or https.
fn item(text: &str) {
    if check(text).is_ok() && own_fields(text).is_none() {
        let url = Url::parse(text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
        assert!(matches!(url.scheme(), "http" | "https"), "{text:?}");
        assert!(url.host_str().is_some(), "{text:?}");
    }
}

/// A value only changes what it stands for: the URL keeps its scheme, its port and credentials, the number of its segments and of
/// the pairs in its query.
fn filled(template: &str, value: &str) {
    let Ok(parsed) = UrlTemplate::parse(template) else { return };
    // These are put in as they are.
    let is_open = template.starts_with('{') || template.contains("!raw}");
    // With a field in the host, what follows it may be meant for a port.
    if is_open || host_has_field(template) {
        let _ = parsed.fill(|_| Some(value));
        return;
    }
    let (Ok(found), Ok(plain)) = (parsed.fill(|_| Some(value)), parsed.fill(|_| Some("x"))) else {
        return;
    };
    let Ok(plain) = Url::parse(&plain) else { return };
    let found = Url::parse(&found).unwrap_or_else(|e| panic!("{template:?} of {value:?}: {e}"));
    assert_eq!(shape(&found), shape(&plain), "{template:?} of {value:?}: {found}");
}

fn host_has_field(template: &str) -> bool {
    let Some((_, rest)) = template.split_once("://") else { return true };
    let rest = rest.trim_start_matches(['/', '\\']);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    authority.contains('{')
}

#[derive(Debug, PartialEq)]
struct Shape {
    origin: String,
    credentials: (String, Option<String>),
    segments: usize,
    pairs: Option<usize>,
    has_fragment: bool,
}

fn shape(url: &Url) -> Shape {
    Shape {
        origin: url.origin().ascii_serialization(),
        credentials: (url.username().to_owned(), url.password().map(str::to_owned)),
        segments: url.path_segments().map_or(0, Iterator::count),
        pairs: url.query().map(|query| query.split('&').count()),
        has_fragment: url.fragment().is_some(),
    }
}

/// What is hidden stays as it is, and nothing of the credentials of a URL is left.
fn hidden(text: &str) {
    let Some(shown) = redacted(text) else {
        if let Ok(url) = Url::parse(text)
            && check(text).is_ok()
        {
            let is_named = !matches!(url.username(), "" | "***")
                || url.password().is_some_and(|p| !p.is_empty());
            assert!(!is_named, "{text:?}");
        }
        return;
    };
    assert_eq!(redacted(&shown), None, "{text:?} as {shown:?}");
    if check(text).is_ok() {
        let url = Url::parse(&shown).unwrap_or_else(|e| panic!("{shown:?}: {e}"));
        assert_eq!((url.username(), url.password()), ("***", None), "{text:?}");
    }
}
