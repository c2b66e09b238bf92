//! The file itself: the sentences for readers without scripts, the data, the bundle.
//!
//! Limit: it knows nothing of what is shown. Nothing that it writes out of the data can end an element or start one.

use crate::language::{Language, Said, said};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;
use sha2::{Digest as _, Sha256};
use std::io::{self, Write};

const SCRIPT: &str = include_str!("bundle.js");
const STYLE: &str = include_str!("bundle.css");

/// Writes the page: `said` are the questions and sentences, `data` is JSON, `packed` are the columns of each timeline.
///
/// The bundle stands at the end, so that a file that was cut off shows its sentences and no picture.
pub(super) fn write(
    out: &mut impl Write,
    title: &str,
    said: &[(Option<&Said>, Said)],
    data: &str,
    packed: &[&[u8]],
) -> io::Result<()> {
    let title = escaped(title);
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src '{}'; style-src '{}'; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main id=\"app\">\n<h1>{title}</h1>\n",
        hash(SCRIPT),
        hash(STYLE)
    )?;
    for (question, sentence) in said {
        if let Some(question) = question {
            in_each_language(out, "h2", question)?;
        }
        in_each_language(out, "p", sentence)?;
    }
    let incomplete = Said::of(|language| {
        said!(
            language,
            "The pictures are drawn by a script in this file. If this line stays, scripts are switched off, or the file \
             is incomplete.",
            "그림은 이 파일 안의 스크립트가 그립니다. 이 줄이 그대로 보이면 스크립트가 꺼져 있거나 파일이 불완전한 것입니다.",
        )
    });
    in_each_language(out, "p", &incomplete)?;
    writeln!(out, "</main>")?;
    writeln!(
        out,
        "<script type=\"application/json\" id=\"data\">{}</script>",
        data.replace('<', "\\u003c")
    )?;
    for (number, bytes) in packed.iter().enumerate() {
        write!(out, "<script type=\"text/plain\" id=\"timeline-{number}\">")?;
        let mut encoder = EncoderWriter::new(&mut *out, &STANDARD);
        encoder.write_all(bytes)?;
        encoder.finish()?;
        drop(encoder);
        writeln!(out, "</script>")?;
    }
    writeln!(out, "<script>{SCRIPT}</script>\n</body>\n</html>")
}

/// An element for each language; once where they say the same.
fn in_each_language(out: &mut impl Write, element: &str, said: &Said) -> io::Result<()> {
    let (english, korean) = (said.english(), said.within(Language::Korean));
    writeln!(out, "<{element}>{}</{element}>", escaped(english))?;
    if korean != english {
        writeln!(out, "<{element} lang=\"ko\">{}</{element}>", escaped(korean))?;
    }
    Ok(())
}

/// As the policy of the page names what it allows.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

/// A text as it can stand between two tags.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
