//! Host names as places in the tree of domains. All are in lower case.
//!
//! Limit: resolves nothing, and knows no list of names.

/// `host` without the dot that may stand at its end, for the root of the tree.
pub(super) fn without_root(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// Whether `host` is `domain` or below it.
pub(super) fn is_within(host: &str, domain: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_holds_itself_and_what_ends_with_a_dot_and_its_name() {
        for (host, domain, within) in [
            ("a.test", "a.test", true),
            ("b.a.test", "a.test", true),
            ("ba.test", "a.test", false),
            ("a.test", "b.a.test", false),
        ] {
            assert_eq!(is_within(host, domain), within, "{host} in {domain}");
        }
        assert_eq!((without_root("a.test."), without_root("a.test")), ("a.test", "a.test"));
    }
}
