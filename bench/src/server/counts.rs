//! What a server has counted: which is how every client's own count is checked.

/// What a server had counted at some moment, its answer to this question included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Connections that are open.
    pub(crate) open: u64,
    /// Connections accepted.
    pub(crate) connections: u64,
    /// Requests read.
    pub(crate) requests: u64,
}

impl Counts {
    /// Reads a page of the form of nginx's `stub_status`: the first line ends with the connections that are open, the third
    /// holds connections accepted, connections handled, requests.
    pub(super) fn parse(page: &str) -> Option<Self> {
        let mut lines = page.lines();
        let open = lines.next()?.strip_prefix("Active connections:")?.trim().parse().ok()?;
        let mut numbers = lines.nth(1)?.split_whitespace();
        let connections = numbers.next()?.parse().ok()?;
        let requests = numbers.nth(1)?.parse().ok()?;
        Some(Self { open, connections, requests })
    }

    /// What came in since `before`, but for the one request, on a connection of its own, that asked for the counts.
    pub(crate) fn since(self, before: Self) -> Served {
        Served {
            connections: (self.connections - before.connections).saturating_sub(1),
            requests: (self.requests - before.requests).saturating_sub(1),
        }
    }
}

/// What came in between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Served {
    /// Connections accepted.
    pub(crate) connections: u64,
    /// Requests read.
    pub(crate) requests: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counters_are_read_and_subtracted() {
        let page = "Active connections: 1 \nserver accepts handled requests\n 7 7 1007 \nReading: 0 Writing: 1 Waiting: 0 \n";
        let after = Counts::parse(page).unwrap();
        assert_eq!(after, Counts { open: 1, connections: 7, requests: 1007 });
        let before = Counts { open: 1, connections: 5, requests: 6 };
        assert_eq!(after.since(before), Served { connections: 1, requests: 1000 });
        assert_eq!(Counts::parse("nonsense"), None);
    }
}
