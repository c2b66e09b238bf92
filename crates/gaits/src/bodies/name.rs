//! The names of bodies: paths of one sub-folder and a file, in ASCII, that stay in their folder whatever the URL.
//!
//! A name depends on its item alone, and no two items have the same, apart from equal bodies that are named by their hash.
//! So an item that is done again, after a crash for example, finds its file. All letters are small, so that the names stay
//! different where capital and small letters are the same.
//!
//! Limit: does not look what is there.

use gaits_core::{Blake3, root_and_steps};

/// What the files of bodies are named by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyNames {
    /// The item's place in the input: `7b/000000123`.
    #[default]
    Index,
    /// The body's BLAKE3 hash: equal bodies share a file.
    Hash,
    /// The item's URL, with its place in the input: `7b/example.com_a_page~123.html`.
    Url,
}

/// How many bytes of a URL go into a name.
const MOST_OF_URL: usize = 150;

/// How long the end of a name may be that tells what is in a file, as `.html` does.
const LONGEST_ENDING: usize = 10;

impl BodyNames {
    /// The path of a body, from the folder of bodies on. `item` is what the record shows of the item.
    pub(super) fn path(self, index: u64, item: &str, hash: &Blake3) -> String {
        // 256 sub-folders: a folder with millions of files is slow to list, and on some disks to write to.
        // Items that follow another one have numbers that differ only in front.
        let (root, steps) = root_and_steps(index);
        let folder = (root + steps) & 0xff;
        match self {
            BodyNames::Index => format!("{folder:02x}/{index:09}"),
            BodyNames::Hash => {
                let hash = hash.to_string();
                format!("{}/{hash}", &hash[..2])
            }
            BodyNames::Url => {
                let (stem, ending) = of_url(item);
                format!("{folder:02x}/{stem}~{index}{ending}")
            }
        }
    }

    /// Whether a file of this name has the same bytes, whoever has written it.
    pub(super) const fn tells_content(self) -> bool {
        matches!(self, BodyNames::Hash)
    }
}

/// `example.com_a_page` and `.html`, of `http://user@example.com/a/page.html#top`.
fn of_url(url: &str) -> (String, String) {
    let url = url.trim();
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split('#').next().unwrap_or_default();
    let host_end = rest.find(['/', '?', '\\']).unwrap_or(rest.len());
    let host = &rest[..host_end];
    let start = host.rfind('@').map_or(0, |at| at + 1);
    let rest = rest[start..].trim_end_matches('/');
    let path_end = rest.find('?').unwrap_or(rest.len());
    let (path, query) = rest.split_at(path_end);
    let ending = ending(path).unwrap_or_default();
    let stem = [&path[..path.len() - ending.len()], query].concat();
    let safe = |c: char| {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c) { c } else { '_' }
    };
    let stem: String = stem.chars().map(safe).take(MOST_OF_URL).collect();
    // A file whose name begins with a dot is hidden.
    let stem = stem.trim_matches('.');
    let stem = if stem.is_empty() { "item" } else { stem };
    (stem.to_owned(), ending.to_ascii_lowercase())
}

/// The `.html` at the end of a path.
fn ending(path: &str) -> Option<&str> {
    let (_, file) = path.rsplit_once('/')?;
    let ending = &file[file.rfind('.')?..];
    let is_one = (2..=LONGEST_ENDING).contains(&ending.len())
        && ending[1..].bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_one.then_some(ending)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::{Component, Path};

    const ALL: [BodyNames; 3] = [BodyNames::Index, BodyNames::Hash, BodyNames::Url];

    fn by_url(url: &str) -> String {
        BodyNames::Url.path(0x1fe, url, &Blake3([0; 32]))
    }

    #[test]
    fn a_url_is_to_be_seen_in_a_name() {
        for (url, wanted) in [
            ("http://example.com/a/page.HTML", "fe/example.com_a_page~510.html"),
            ("https://u:p@Example.com:8080/", "fe/example.com_8080~510"),
            ("http://***@example.com/x", "fe/example.com_x~510"),
            ("http://example.com/a?b=c.d&e=@f#g.h", "fe/example.com_a_b_c.d_e__f~510"),
            ("http://example.com/img.png?w=1", "fe/example.com_img_w_1~510.png"),
            ("http://example.com", "fe/example.com~510"),
            ("http://example.com/../../etc/passwd", "fe/example.com_.._.._etc_passwd~510"),
            ("http://example.com/a.b/c", "fe/example.com_a.b_c~510"),
            ("http://b\u{fc}cher.example/\u{1f600}", "fe/b_cher.example__~510"),
            ("..", "fe/item~510"),
            ("", "fe/item~510"),
            ("a\0\n\\b", "fe/a___b~510"),
        ] {
            assert_eq!(by_url(url), wanted, "{url}");
        }
    }

    #[test]
    fn other_names_are_numbers() {
        let hash = Blake3([0xab; 32]);
        assert_eq!(BodyNames::Index.path(256, "x", &hash), "00/000000256");
        // The third page after the item 7 of the input.
        let page = (3 << 32) + 7;
        assert_eq!(BodyNames::Index.path(page, "x", &hash), "0a/12884901895");
        assert_eq!(BodyNames::Index.path(u64::MAX, "x", &hash), "fe/18446744073709551615");
        assert_eq!(BodyNames::Hash.path(1, "x", &hash), format!("ab/{}", "ab".repeat(32)));
    }

    fn is_safe(path: &str) -> bool {
        let parts: Vec<_> = Path::new(path).components().collect();
        let harmless = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._~".contains(c);
        parts.len() == 2
            && path.matches('/').count() == 1
            && parts.iter().all(|part| match part {
                Component::Normal(name) => name.to_str().is_some_and(|name| {
                    name.len() <= 200 && !name.starts_with('.') && name.chars().all(harmless)
                }),
                _ => false,
            })
    }

    fn any_url() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "(https?://)?([a-zA-Z.@:%/\\\\?#~\\x00-\\x1f-]|\\.\\./|\u{fc}){0,300}",
        ]
    }

    proptest! {
        #[test]
        fn no_name_leaves_its_folder(url in any_url(), index in any::<u64>(), hash in any::<[u8; 32]>()) {
            for names in ALL {
                let path = names.path(index, &url, &Blake3(hash));
                prop_assert!(is_safe(&path), "{:?}", path);
            }
        }

        #[test]
        fn two_items_never_share_a_name(
            (one, other) in (any_url(), any_url()),
            (index, more) in (0..u64::MAX / 2, 1..u64::MAX / 2),
        ) {
            let hash = Blake3([0; 32]);
            for names in [BodyNames::Index, BodyNames::Url] {
                let path = names.path(index, &one, &hash);
                prop_assert_ne!(&path, &names.path(index + more, &other, &hash));
                prop_assert_ne!(&path, &names.path(index + more, &one, &hash));
            }
        }
    }
}
