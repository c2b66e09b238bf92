//! Which codings a body carries, read from the header fields that name them.
//!
//! Limit: builds no decoder. A server may name as many codings as a header has room for; nothing is allocated for them
//! before they are counted.

/// What is sent as `accept-encoding`, unless a header field of the user says otherwise.
pub const ACCEPTED: &str = "gzip, br, zstd, deflate";

/// How many codings a body may carry, one on top of the other. Nobody has a use for more.
const MAX_CODINGS: usize = 4;

/// How much of an unknown coding's name is repeated in a message.
const NAME_SHOWN: usize = 40;

/// A coding that can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    fn of(name: &str) -> Option<Self> {
        // `x-gzip` is an old name of gzip: RFC 9110, 8.4.1.3.
        [
            ("gzip", Coding::Gzip),
            ("x-gzip", Coding::Gzip),
            ("br", Coding::Brotli),
            ("zstd", Coding::Zstd),
            ("deflate", Coding::Deflate),
        ]
        .into_iter()
        .find_map(|(known, coding)| known.eq_ignore_ascii_case(name).then_some(coding))
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
            Coding::Brotli => "br",
            Coding::Zstd => "zstd",
        }
    }
}

/// The codings of one body. It takes no memory unless they cannot be undone.
#[derive(Debug, Clone, Default)]
pub(in crate::http) struct Codings {
    /// In the order in which the server applied them: those of the content, then those of the transfer.
    applied: [Option<Coding>; MAX_CODINGS],
    contents: usize,
    transfers: usize,
    /// Why they cannot be undone.
    wrong: Option<Box<str>>,
}

impl Codings {
    /// Adds what one `content-encoding` field says.
    pub(in crate::http) fn content_encoding(&mut self, value: &[u8]) {
        self.add_all(value, "content", |codings, coding| {
            // A field that comes after `transfer-encoding` still names what was done before it.
            codings.applied[codings.contents..].rotate_right(1);
            codings.applied[codings.contents] = Some(coding);
            codings.contents += 1;
        });
    }

    /// Adds what one `transfer-encoding` field says, apart from `chunked`, which is undone with the framing.
    pub(in crate::http) fn transfer_encoding(&mut self, value: &[u8]) {
        self.add_all(value, "transfer", |codings, coding| {
            codings.applied[codings.contents + codings.transfers] = Some(coding);
            codings.transfers += 1;
        });
    }

    /// Adds what a list of names says, and stops at the first that is wrong.
    fn add_all(&mut self, value: &[u8], what: &str, mut add: impl FnMut(&mut Self, Coding)) {
        if self.wrong.is_some() {
            return;
        }
        for name in value.split(|byte| *byte == b',') {
            // Parameters (`gzip;q=1`) say nothing about how to undo a coding.
            let name = name.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
            let chunked = what == "transfer" && name.eq_ignore_ascii_case(b"chunked");
            if name.is_empty() || name.eq_ignore_ascii_case(b"identity") || chunked {
                continue;
            }
            let Some(coding) = std::str::from_utf8(name).ok().and_then(Coding::of) else {
                let shown = String::from_utf8_lossy(&name[..name.len().min(NAME_SHOWN)]);
                let wrong = format!("unknown {what} coding {shown:?}; {ACCEPTED} are known");
                self.wrong = Some(wrong.into());
                return;
            };
            if self.contents + self.transfers == MAX_CODINGS {
                let wrong = format!("more than {MAX_CODINGS} codings, one on top of the other");
                self.wrong = Some(wrong.into());
                return;
            }
            add(self, coding);
        }
    }

    /// The codings in the order in which they are undone: what was applied last comes off first.
    pub(super) fn to_undo(&self) -> impl Iterator<Item = Coding> + '_ {
        self.applied[..self.contents + self.transfers].iter().rev().copied().flatten()
    }

    /// Whether the body is as it came.
    pub(in crate::http) const fn is_empty(&self) -> bool {
        self.contents + self.transfers == 0 && self.wrong.is_none()
    }

    /// Why they cannot be undone, if they cannot.
    pub(super) fn wrong(&self) -> Option<&str> {
        self.wrong.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(value: &[u8]) -> Codings {
        let mut codings = Codings::default();
        codings.content_encoding(value);
        codings
    }

    fn undone(codings: &Codings) -> Vec<&'static str> {
        codings.to_undo().map(Coding::name).collect()
    }

    #[test]
    fn what_was_applied_last_is_undone_first() {
        assert_eq!(undone(&content(b"deflate, X-GZIP ,identity,, br")), ["br", "gzip", "deflate"]);
        let mut codings = Codings::default();
        codings.transfer_encoding(b"gzip, chunked");
        codings.content_encoding(b"br");
        codings.content_encoding(b"zstd");
        assert_eq!(undone(&codings), ["gzip", "zstd", "br"]);
        assert_eq!(codings.wrong(), None);
    }

    #[test]
    fn parameters_are_passed_over() {
        let mut codings = Codings::default();
        codings.transfer_encoding(b"gzip;level=9;q=1, chunked");
        assert_eq!((undone(&codings), codings.wrong()), (vec!["gzip"], None));
    }

    #[test]
    fn an_unknown_coding_is_remembered_with_a_short_name() {
        let wrong = |codings: Codings| codings.wrong().unwrap().to_owned();
        assert_eq!(
            wrong(content(b"gzip, lzma")),
            "unknown content coding \"lzma\"; gzip, br, zstd, deflate are known"
        );
        assert!(wrong(content(b"gz\xffip")).starts_with("unknown content coding"));
        assert!(wrong(content(&b"x".repeat(200_000))).len() < 200);
        // `chunked` frames a transfer; content cannot be coded with it.
        assert!(wrong(content(b"chunked")).contains("chunked"));
        let mut codings = Codings::default();
        codings.transfer_encoding(b"compress, chunked");
        assert!(wrong(codings).starts_with("unknown transfer coding \"compress\""));
    }

    #[test]
    fn codings_are_counted_before_anything_is_built_for_them() {
        let many = b"gzip,".repeat(40_000);
        let codings = content(&many);
        assert_eq!(undone(&codings).len(), MAX_CODINGS);
        assert_eq!(codings.wrong(), Some("more than 4 codings, one on top of the other"));
        let mut both = content(b"gzip, gzip, gzip");
        both.transfer_encoding(b"gzip, chunked");
        assert_eq!((undone(&both).len(), both.wrong()), (4, None));
        both.transfer_encoding(b"gzip");
        assert!(both.wrong().is_some());
    }
}
