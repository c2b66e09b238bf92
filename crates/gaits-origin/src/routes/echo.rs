//! Endpoints that show the client its own request: /get, /post, /put, /patch, /delete, /headers, /anything,
//! /delay.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use http::header::CONTENT_TYPE;
use serde::Serialize;
use serde_json::Value;

use super::{form, seconds};
use crate::reply::Reply;
use crate::request::{Request, header, object};

/// The longest body that is also shown as JSON. Laid out for people, nested JSON becomes up to a hundred times as long.
const LONGEST_JSON: usize = 1024 * 1024;

#[derive(Serialize)]
struct Shown {
    args: BTreeMap<String, Value>,
    #[serde(flatten)]
    content: Option<Content>,
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    origin: String,
    url: String,
}

/// A request's body, in the ways in which it may be read.
#[derive(Serialize, Default)]
struct Content {
    data: String,
    files: BTreeMap<String, Value>,
    form: BTreeMap<String, Value>,
    json: Value,
}

pub(super) fn headers(request: &Request<'_>) -> Reply {
    Reply::json(&BTreeMap::from([("headers", request.headers())]))
}

pub(super) fn get(request: &Request<'_>) -> Reply {
    Reply::json(&shown(request))
}

pub(super) fn posted(request: &Request<'_>) -> Reply {
    Reply::json(&Shown { content: Some(content(request)), ..shown(request) })
}

pub(super) fn anything(request: &Request<'_>) -> Reply {
    Reply::json(&Shown {
        content: Some(content(request)),
        method: Some(request.parts.method.to_string()),
        ..shown(request)
    })
}

pub(super) fn delay(request: &Request<'_>, text: &str) -> Reply {
    match seconds(text) {
        Some(delay) => Reply { delay, ..posted(request) },
        None => Reply::bad_request(
            "the delay is not a number of seconds from 0 to 31536000, a year, as in /delay/0.5",
        ),
    }
}

fn shown(request: &Request<'_>) -> Shown {
    Shown {
        args: object(request.parameters()),
        content: None,
        headers: request.headers(),
        method: None,
        origin: request.peer.to_string(),
        url: request.url(),
    }
}

fn content(request: &Request<'_>) -> Content {
    let media_type = header(&request.parts.headers, CONTENT_TYPE).unwrap_or_default();
    if media_type.starts_with("application/x-www-form-urlencoded") {
        return Content {
            form: object(form_urlencoded::parse(request.body)),
            ..Content::default()
        };
    }
    if let Some(fields) = form::fields(&media_type, request.body) {
        let (files, texts): (Vec<_>, Vec<_>) = fields.into_iter().partition(|field| field.is_file);
        let pairs = |fields: Vec<form::Field<'_>>| {
            object(fields.into_iter().map(|field| (field.name.into(), text(field.content).into())))
        };
        return Content { files: pairs(files), form: pairs(texts), ..Content::default() };
    }
    Content {
        data: text(request.body),
        json: if request.body.len() <= LONGEST_JSON {
            serde_json::from_slice(request.body).unwrap_or_default()
        } else {
            Value::Null
        },
        ..Content::default()
    }
}

/// Bytes as text, or as a `data:` URL if they are none.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("data:application/octet-stream;base64,{}", BASE64_STANDARD.encode(bytes)),
    }
}
