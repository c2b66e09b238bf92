//! What a site has: /list, a listing in pages that says in all usual ways which page comes next, and /sitemap.xml.

use http::header::{HeaderValue, LINK};
use serde_json::{Value, json};

use crate::body::Payload;
use crate::reply::Reply;
use crate::request::Request;

/// How many elements a page has, and all pages together, if the query does not say.
const SIZE: u64 = 10;
const TOTAL: u64 = 95;

/// How many pages a sitemap has, if the query does not say, and at most.
const URLS: u64 = 20;
const MOST_URLS: u64 = 50_000;

pub(super) fn sitemap(request: &Request<'_>) -> Reply {
    let urls = match request.parameter("urls").map(|urls| urls.parse()) {
        None => URLS,
        Some(Ok(urls)) if urls <= MOST_URLS => urls,
        Some(_) => {
            return Reply::bad_request("urls is not a whole number up to 50000, as in ?urls=100");
        }
    };
    let site = format!("{}://{}", request.scheme, request.host());
    let urls = (1..=urls).map(|page| format!("  <url><loc>{site}/get?page={page}</loc></url>\n"));
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n{}</urlset>\n",
        urls.collect::<String>()
    );
    Reply::content("application/xml", Payload::Whole(text.into()))
}

/// The most elements of a page.
const LARGEST: u64 = 10_000;

pub(super) fn list(request: &Request<'_>) -> Reply {
    match page(request) {
        Ok(reply) => reply,
        Err(wrong) => Reply::bad_request(&wrong),
    }
}

fn page(request: &Request<'_>) -> Result<Reply, String> {
    let number = |name: &str, otherwise: u64| match request.parameter(name) {
        None => Ok(otherwise),
        Some(text) => {
            let number = text.parse().ok().filter(|number| *number <= 1 << 32);
            number
                .ok_or_else(|| format!("{name} is not a whole number up to 2^32, as in ?{name}=7"))
        }
    };
    let size = number("size", SIZE)?.clamp(1, LARGEST);
    let total = number("total", TOTAL)?;
    let cursor = request.parameter("cursor").map(|cursor| {
        let after = cursor.strip_prefix("after-").and_then(|after| after.parse().ok());
        after.filter(|after| *after <= 1 << 32).ok_or("the cursor is none that was given")
    });
    let cursor: Option<u64> = cursor.transpose()?;
    let by_offset = request.parameter("offset").is_some();
    let first = match cursor {
        Some(after) => after,
        None if by_offset => number("offset", 0)?,
        None => number("page", 1)?.saturating_sub(1) * size,
    };
    let end = (first + size).min(total);
    let elements =
        (first..end).map(|at| json!({"id": at + 1, "name": format!("element {}", at + 1)}));
    let elements: Vec<Value> = elements.collect();
    let sequel = (first + size < total).then(|| {
        let at = match cursor {
            Some(_) => format!("cursor=after-{}", first + size),
            None if by_offset => format!("offset={}", first + size),
            None => format!("page={}", first / size + 2),
        };
        format!("/list?size={size}&total={total}&{at}")
    });
    let reply = Reply::json(&json!({
        "total": total,
        "results": elements,
        "links": {"next": sequel},
        "meta": {"next": sequel.is_some().then(|| format!("after-{}", first + size))},
    }));
    let link = sequel.and_then(|url| HeaderValue::from_str(&format!("<{url}>; rel=\"next\"")).ok());
    Ok(match link {
        Some(link) => reply.with(LINK, link),
        None => reply,
    })
}
