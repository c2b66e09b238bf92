//! The header fields that a command asks for: those of -H, and those of other options, where -H says nothing of them.
//!
//! Limit: knows nothing of what is sent.

use super::values::basic;
use crate::http::multipart::content_type;
use crate::http::spec::header_option;
use serde_json::{Map, Value, json};

/// Header fields that gaits sends by itself, unless it is told not to.
const SENT_ANYWAY: [&str; 3] = ["accept", "accept-encoding", "user-agent"];

/// Those of a message itself, which gaits says.
const OF_MESSAGE: [&str; 4] = ["content-length", "connection", "transfer-encoding", "expect"];

const KIND: &str = "content-type";

/// What the options of a command say of its header fields.
#[derive(Default)]
pub(super) struct Fields {
    /// Those of -H. They take the place of what other options say.
    given: Vec<(String, String)>,
    /// Those that -H says are not to be sent.
    left_out: Vec<String>,
    /// -A
    pub(super) user_agent: Option<String>,
    /// -e
    pub(super) referer: Option<String>,
    /// -b
    pub(super) cookies: Vec<String>,
    /// -u
    pub(super) user: Option<String>,
    /// --oauth2-bearer
    pub(super) bearer: Option<String>,
}

impl Fields {
    /// Takes in a -H.
    pub(super) fn add(&mut self, field: &str) -> Result<(), String> {
        if field.starts_with('@') {
            return Err("-H reads header fields from a file, which an item can't".to_owned());
        }
        let (name, value) =
            header_option(field).ok_or("-H has no colon in its value, which is `Name: value`")?;
        match value {
            None if name.eq_ignore_ascii_case("host") => {
                return Err("-H leaves out Host, which each request must have".to_owned());
            }
            None => self.left_out.push(name.to_owned()),
            Some(_) if OF_MESSAGE.iter().any(|other| name.eq_ignore_ascii_case(other)) => {}
            Some(value) => self.given.push((name.to_owned(), value.to_owned())),
        }
        Ok(())
    }

    fn is_given(&self, name: &str) -> bool {
        self.given.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
    }

    fn is_left_out(&self, name: &str) -> bool {
        self.left_out.iter().any(|other| other.eq_ignore_ascii_case(name))
    }

    /// Whether they say who asks, or that nobody is named: what stands in the URL does not count then.
    pub(super) fn say_who_asks(&self) -> bool {
        let name = "authorization";
        let is_said = self.is_given(name) || self.is_left_out(name);
        is_said || self.user.is_some() || self.bearer.is_some()
    }

    /// What a form is, if -H does not say it. What -H says gets the boundary behind it, as curl does it.
    pub(super) fn with_boundary(&mut self, boundary: &str) -> Option<String> {
        match self.given.iter_mut().find(|(name, _)| is_kind(name)) {
            Some((_, kind)) => *kind += &["; boundary=", boundary].concat(),
            None => return Some(content_type(boundary)),
        }
        None
    }

    /// Leaves it to a form of each row to say what it is, since that names what separates its parts.
    pub(super) fn leave_kind(&mut self) -> Result<(), String> {
        let is_form = |(name, value): &(String, String)| {
            is_kind(name) && value.eq_ignore_ascii_case("multipart/form-data")
        };
        self.given.retain(|field| !is_form(field));
        if self.is_given(KIND) {
            return Err("-F with a file or a column is sent as multipart/form-data: leave out -H Content-Type".to_owned());
        }
        Ok(())
    }

    /// Whether what is sent goes as `kind`, where it would be `usual` if -H said nothing.
    pub(super) fn goes_as(&self, kind: &str, usual: &str) -> bool {
        match self.given.iter().find(|(name, _)| is_kind(name)) {
            Some((_, given)) => given.eq_ignore_ascii_case(kind),
            None => kind == usual && !self.is_left_out(KIND),
        }
    }

    /// Those that gaits would send by itself, and must not.
    pub(super) fn left_out(&self) -> Vec<String> {
        let is_left_out = |name: &&str| {
            // An empty one of -A is none.
            let is_empty = *name == "user-agent" && self.user_agent.as_deref() == Some("");
            (self.is_left_out(name) || is_empty) && !self.is_given(name)
        };
        SENT_ANYWAY.into_iter().filter(is_left_out).map(str::to_owned).collect()
    }

    /// All that are sent; `kind` and `accept` follow from what is sent.
    pub(super) fn all(
        mut self,
        kind: Option<String>,
        accept: Option<String>,
    ) -> Vec<(String, String)> {
        let authorization = match (self.bearer.take(), self.user.take()) {
            (Some(token), _) => Some(format!("Bearer {token}")),
            (None, user) => user.as_deref().map(basic),
        };
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let said = [
            ("User-Agent", given(self.user_agent.take())),
            ("Referer", given(self.referer.take())),
            ("Cookie", given(Some(self.cookies.join(";")))),
            ("Authorization", authorization),
            ("Content-Type", kind),
            ("Accept", accept),
        ];
        for (name, value) in said {
            if let Some(value) = value.filter(|_| !self.is_given(name) && !self.is_left_out(name)) {
                self.given.push((name.to_owned(), value));
            }
        }
        self.given
    }
}

fn is_kind(name: &str) -> bool {
    name.eq_ignore_ascii_case(KIND)
}

/// Header fields by name; several of one name as a list, and those that are left out as null.
pub(super) fn grouped(headers: Vec<(String, String)>, left_out: Vec<String>) -> Value {
    let mut all: Map<String, Value> = Map::new();
    for (name, value) in headers {
        let same = all.keys().find(|other| other.eq_ignore_ascii_case(&name)).cloned();
        let slot = all.entry(same.unwrap_or(name)).or_insert(Value::Null);
        match slot {
            Value::Null => *slot = value.into(),
            Value::Array(values) => values.push(value.into()),
            other => *other = json!([other.take(), value]),
        }
    }
    all.extend(left_out.into_iter().map(|name| (name, Value::Null)));
    Value::Object(all)
}
