//! A file of cookies in the form that Netscape's browser had, and that curl, wget and browser extensions read and write.
//!
//! A line is a cookie: domain, whether it is for subdomains, path, whether it is for TLS alone, the end of its life in seconds since
//! 1970 (0 for a cookie of the session), name and value, with tabs between them. `#HttpOnly_` in front of a domain is a part of the
//! cookie; other lines that begin with `#` are comments, which are not kept.
//!
//! Sessions of several threads and processes may write one file. Each takes what stands there at its end, changes what it has itself
//! seen set or removed, and puts the whole under the file's name at once; a lock on the folder makes them take turns. Of two that have
//! changed one cookie, the one that ends last counts. Limit: cookies that can't be written in this form, since a tab stands in
//! them, are left out.

use super::{Cookie, Jar};
use crate::http::auth::Secret;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

const HTTP_ONLY: &str = "#HttpOnly_";

/// What stands at the beginning of a file; other programs look for the first line.
const HEAD: &str = "# Netscape HTTP Cookie File\n# Written by gaits. Cookies are secret: whoever has them is you.\n\n";

/// A file that cookies are taken from, and written back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CookieFile {
    /// Where it is. It need not be there.
    pub path: PathBuf,
    /// What stood there.
    pub text: Secret,
}

/// Why a text is no file of cookies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}:{line}: no cookie: {reason}", path = path.display())]
pub struct CookieFileError {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there, without what stands there.
    pub reason: &'static str,
}

/// A cookie with its domain.
pub(in crate::http) type Placed = (Box<str>, Cookie);

/// The cookies of `file`.
pub(in crate::http) fn read(file: &CookieFile) -> Result<Vec<Placed>, CookieFileError> {
    parse(file.text.reveal()).map_err(|(line, reason)| CookieFileError {
        path: file.path.clone(),
        line,
        reason,
    })
}

fn parse(text: &str) -> Result<Vec<Placed>, (usize, &'static str)> {
    let mut cookies = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let (http_only, line) = match line.strip_prefix(HTTP_ONLY) {
            Some(line) => (true, line),
            None if line.trim().is_empty() || line.starts_with('#') => continue,
            None => (false, line),
        };
        let (domain, cookie) = parse_line(line).map_err(|reason| (at + 1, reason))?;
        let (created, used) = (at as u64, at as u64);
        cookies.push((domain, Cookie { http_only, created, used, ..cookie }));
    }
    Ok(cookies)
}

fn parse_line(line: &str) -> Result<Placed, &'static str> {
    let fields: Vec<&str> = line.split('\t').collect();
    // An empty value may lack its tab.
    let (&[domain, subdomains, path, secure, expires, name], value) = (match fields
        .split_at_checked(6)
    {
        Some((first, rest)) if rest.len() <= 1 => {
            (first, rest.first().copied().unwrap_or_default())
        }
        _ => {
            return Err(
                "it has not the seven fields domain, subdomains, path, secure, expires, name and value, with tabs between",
            );
        }
    }) else {
        return Err("it has not seven fields");
    };
    let flag = |text: &str| match text {
        _ if text.eq_ignore_ascii_case("true") => Ok(true),
        _ if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err("its second and fourth field are TRUE or FALSE"),
    };
    let domain = domain.strip_prefix('.').unwrap_or(domain).to_ascii_lowercase();
    if domain.is_empty() || domain.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("its first field is no domain");
    }
    if !path.starts_with('/') {
        return Err("its third field is no path");
    }
    if [path, name, value].iter().any(|text| text.contains(|c: char| c.is_control() || c == ';')) {
        return Err("a semicolon or a control character stands in it");
    }
    // Some write fractions of a second.
    let whole = expires.split('.').next().unwrap_or_default();
    let Ok(expires_s) = whole.parse::<i64>() else {
        return Err("its fifth field is no number of seconds since 1970");
    };
    let cookie = Cookie {
        name: name.as_bytes().into(),
        value: value.as_bytes().into(),
        path: path.as_bytes().into(),
        host_only: !flag(subdomains)?,
        secure: flag(secure)?,
        http_only: false,
        expires_s: (expires_s != 0).then_some(expires_s),
        created: 0,
        used: 0,
    };
    Ok((domain.into(), cookie))
}

/// `cookies` as a file has them.
fn write(cookies: &[Placed]) -> String {
    let mut lines: Vec<String> =
        cookies.iter().filter_map(|(domain, cookie)| line(domain, cookie)).collect();
    lines.sort_by(|a, b| a.trim_start_matches(HTTP_ONLY).cmp(b.trim_start_matches(HTTP_ONLY)));
    HEAD.to_owned() + &lines.concat()
}

fn line(domain: &str, cookie: &Cookie) -> Option<String> {
    let text =
        |bytes| std::str::from_utf8(bytes).ok().filter(|text| !text.contains(['\t', '\n', '\r']));
    let (name, value, path) = (text(&cookie.name)?, text(&cookie.value)?, text(&cookie.path)?);
    let flag = |is: bool| if is { "TRUE" } else { "FALSE" };
    let mark = if cookie.http_only { HTTP_ONLY } else { "" };
    let dot = if cookie.host_only { "" } else { "." };
    let (subdomains, secure) = (flag(!cookie.host_only), flag(cookie.secure));
    let expires = cookie.expires_s.unwrap_or_default();
    Some(format!(
        "{mark}{dot}{domain}\t{subdomains}\t{path}\t{secure}\t{expires}\t{name}\t{value}\n"
    ))
}

/// Writes what `jar` has seen set and removed into the file at `path`.
pub(in crate::http) fn save(path: &Path, jar: &Jar, now_s: i64) -> Result<(), String> {
    let Some(changes) = jar.changes.as_ref().filter(|changes| changes.keys().len() > 0) else {
        return Ok(());
    };
    let failed = |error: &dyn std::fmt::Display| {
        format!("the cookies can't be written to {}: {error}", path.display())
    };
    // A link stays what it is.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = File::open(folder.unwrap_or(Path::new("."))).map_err(|e| failed(&e))?;
    // Where there are no locks, they may lose what the other has written, but never spoil the file.
    let _locked = folder.lock();
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read.map_err(|e| failed(&e))?,
    };
    let mut cookies = parse(&text)
        .map_err(|(line, reason)| failed(&format!("its line {line} is none: {reason}")))?;
    cookies.retain(|(domain, cookie)| !changes.has(domain, cookie));
    cookies.extend(changes.keys().filter_map(|key| {
        let now = jar.domains.get(&key.domain)?.iter().find(|cookie| key.is_of(cookie))?;
        Some((key.domain.clone(), now.clone()))
    }));
    cookies.retain(|(_, cookie)| !cookie.is_expired(now_s));
    replace(&path, &write(&cookies)).map_err(|e| failed(&e))
}

/// Puts `text` under the name `path`, for its owner alone.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".new");
    let aside = PathBuf::from(aside);
    match fs::remove_file(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside);
    let written = written.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        fs::rename(&aside, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&aside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, target};
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "# Netscape HTTP Cookie File\n\nA.example\tFALSE\t/\tFALSE\t0\ts\tsession\n\
        #HttpOnly_.b.example\tTRUE\t/x\tTRUE\t1900000000\tid\thunter2\n# a comment\n\
        c.example\tFALSE\t/\tfalse\t1900000000\tempty\n";

    fn jar(text: &str) -> Jar {
        Jar::with(parse(text).unwrap(), NOW)
    }

    fn sent(jar: &mut Jar, url: &str) -> String {
        String::from_utf8(jar.header_for(&target(url), NOW).unwrap_or_default()).unwrap()
    }

    #[test]
    fn cookies_of_a_file_are_sent_as_it_says() {
        let mut jar = jar(TEXT);
        for (url, wanted) in [
            ("http://a.example/", "s=session"),
            ("http://x.a.example/", ""),
            ("https://y.b.example/x/z", "id=hunter2"),
            ("http://b.example/x", ""),
            ("https://b.example/", ""),
            ("http://c.example/", "empty="),
        ] {
            assert_eq!(sent(&mut jar, url), wanted, "{url}");
        }
        let old = TEXT.replace("1900000000", "1700000000");
        assert_eq!(sent(&mut Jar::with(parse(&old).unwrap(), NOW), "http://c.example/"), "");
    }

    #[test]
    fn a_malformed_line_is_told_by_its_number_and_not_by_what_stands_there() {
        for (line, why) in [
            ("hunter2", "seven fields"),
            ("a\tTRUE\t/\tFALSE\t0\tn\tv\thunter2", "seven fields"),
            ("a\thunter2\t/\tFALSE\t0\tn\tv", "TRUE or FALSE"),
            ("\tTRUE\t/\tFALSE\t0\tn\tv", "no domain"),
            ("a\tTRUE\thunter2\tFALSE\t0\tn\tv", "no path"),
            ("a\tTRUE\t/\tFALSE\tsoon\tn\tv", "no number"),
            ("a\tTRUE\t/\tFALSE\t0\tn\thunter2; x", "semicolon"),
        ] {
            let file = CookieFile { path: "c.txt".into(), text: format!("\n{line}\n").into() };
            let message = read(&file).unwrap_err().to_string();
            assert!(
                message.starts_with("c.txt:2: no cookie: ") && message.contains(why),
                "{message}"
            );
            assert!(!message.contains("hunter2") && !format!("{file:?}").contains("hunter2"));
        }
    }

    #[test]
    fn what_a_session_has_changed_is_written_and_nothing_else() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cookies.txt");
        fs::write(&path, TEXT).unwrap();
        let mut ours = jar(TEXT);
        save(&path, &ours, NOW).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), TEXT, "nothing has changed");
        let mut receive = |url: &str, field: &str| {
            ours.take(std::iter::once(field.as_bytes()), &target(url), NOW);
        };
        receive("http://a.example/", "s=other; HttpOnly");
        receive("http://c.example/", "empty=; Max-Age=0");
        receive("http://d.example/", "new=1; Max-Age=60");
        // Another session has written in the meantime.
        fs::write(&path, TEXT.replace("hunter2", "theirs")).unwrap();
        save(&path, &ours, NOW).unwrap();
        let wanted = format!(
            "{HEAD}#HttpOnly_.b.example\tTRUE\t/x\tTRUE\t1900000000\tid\ttheirs\n\
             #HttpOnly_a.example\tFALSE\t/\tFALSE\t0\ts\tother\n\
             d.example\tFALSE\t/\tFALSE\t{}\tnew\t1\n",
            NOW + 60
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), wanted);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left aside");
        // Expired ones go away once something else is written.
        save(&path, &ours, 1_900_000_000).unwrap();
        assert!(!fs::read_to_string(&path).unwrap().contains("d.example"));
        let error = save(Path::new("/no/such/folder/c.txt"), &ours, NOW).unwrap_err();
        assert!(
            error.starts_with("the cookies can't be written to /no/such/folder/c.txt: "),
            "{error}"
        );
    }

    #[test]
    fn what_a_session_had_no_room_for_is_left_to_others_and_what_was_removed_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cookies.txt");
        let mut ours = jar("");
        let mut receive = |field: &str| {
            ours.take(std::iter::once(field.as_bytes()), &target("https://a.example/"), NOW);
        };
        receive("removed=1");
        receive("removed=; Max-Age=0");
        receive("evicted=1");
        for n in 0..50 {
            receive(&format!("n{n}=1"));
        }
        // Another session has the same two cookies, and ends first.
        let theirs = "a.example\tFALSE\t/\tFALSE\t0\tevicted\ttheirs\n\
                      a.example\tFALSE\t/\tFALSE\t0\tremoved\ttheirs\n";
        fs::write(&path, theirs).unwrap();
        save(&path, &ours, NOW).unwrap();
        let written = fs::read_to_string(&path).unwrap();
        assert!(written.contains("evicted\ttheirs\n") && !written.contains("removed"), "{written}");
        assert_eq!(written.lines().count(), 3 + 1 + 50, "{written}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            cookies in prop::collection::vec(
                ("[a-z]{1,5}(\\.[a-z]{1,3})?", any::<[bool; 3]>(), "/[a-z/#]{0,5}", 0_i64..2_000_000_000, "[ -:<-~ß]{0,6}", "[ -:<-~ß]{0,6}"),
                0..6,
            ),
        ) {
            let placed: Vec<Placed> = cookies.into_iter().map(|(domain, [host_only, secure, http_only], path, expires, name, value)| {
                let cookie = Cookie {
                    name: name.as_bytes().into(),
                    value: value.as_bytes().into(),
                    path: path.as_bytes().into(),
                    host_only,
                    secure,
                    http_only,
                    expires_s: (expires > 0).then_some(expires),
                    created: 0,
                    used: 0,
                };
                (domain.into(), cookie)
            }).collect();
            let text = write(&placed);
            prop_assert_eq!(write(&parse(&text).unwrap()), text);
            prop_assert_eq!(parse(&write(&placed)).unwrap().len(), placed.len());
        }
    }
}
