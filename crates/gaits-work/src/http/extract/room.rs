//! How much may be taken out of an answer, and why something can't be.

/// How many bytes are taken from one answer, all fields together. A value takes up to fifty times its text in memory.
pub(super) const MOST_TAKEN: usize = 1024 * 1024;

/// Why a field can't be taken, although it may be there.
#[derive(Debug)]
pub(super) enum Cannot {
    NotJson(serde_json::Error),
    /// The body has this.
    TooLarge(String),
    /// Where the elements of a listing should be is something else.
    NoList,
    /// Where the URL of the next page should be is something else.
    NoUrl,
    /// A link ends in the middle.
    NoLink,
    /// Where the value of a parameter should be is something else.
    NoValue,
}

/// How much may still be taken.
#[derive(Debug)]
pub(super) struct Room(usize);

impl Room {
    pub(super) fn new() -> Self {
        Self(MOST_TAKEN)
    }

    pub(super) fn take(&mut self, bytes: usize) -> Result<(), Cannot> {
        self.check(bytes)?;
        self.0 -= bytes;
        Ok(())
    }

    /// Whether there is room for so much.
    pub(super) fn check(&self, bytes: usize) -> Result<(), Cannot> {
        if bytes > self.0 {
            return Err(Cannot::TooLarge(format!(
                "more than the {MOST_TAKEN} bytes that are taken"
            )));
        }
        Ok(())
    }
}
