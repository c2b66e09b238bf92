//! Stands in for `parquet.rs` where gaits is built without the feature `parquet`: there is no such table.

use super::cell::{Out, RowError};
use super::column::Column;
use std::convert::Infallible;
use std::io;
use std::marker::PhantomData;

const MISSING: &str = "this gaits was built without Parquet; install one with it: `cargo install --path crates/gaits-cli --features parquet`";

/// There is none.
pub(super) struct ParquetRows<'w>(Infallible, PhantomData<Out<'w>>);

/// Says why there is none.
pub(super) fn check() -> Result<(), &'static str> {
    Err(MISSING)
}

impl<'w> ParquetRows<'w> {
    pub(super) fn begin(_out: Out<'w>, _columns: &[Column]) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, MISSING))
    }

    pub(super) fn add<'j>(&mut self, _row: impl Iterator<Item = &'j str>) -> Result<(), RowError> {
        match self.0 {}
    }

    pub(super) fn finish(self) -> io::Result<()> {
        match self.0 {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::TableFormat;

    #[test]
    fn it_is_said_how_to_build_it() {
        let missing = TableFormat::Parquet.check().unwrap_err();
        assert!(missing.contains("--features parquet"), "{missing}");
    }
}
