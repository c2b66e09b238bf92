//! Stands in for `html.rs` where gaits is built without its default feature `css`, whose parser adds 1 MB: there is no selector, so no page
//! is ever looked into.

use super::room::{Cannot, Room};
use gaits_core::{Clock, Value};
use std::convert::Infallible;
use std::marker::PhantomData;

/// A CSS selector, which there can't be.
#[derive(Debug)]
pub(super) struct Selector(Infallible);

impl Selector {
    /// Says how to have selectors.
    pub(super) fn parse(_: &str) -> Result<Self, String> {
        Err("this gaits was built without CSS selectors; build it with `cargo build --release --features css`".into())
    }
}

/// A page, which there can't be.
pub(super) struct Page<'c>(Infallible, PhantomData<&'c dyn Clock>);

impl<'c> Page<'c> {
    pub(super) fn parse(_: &str, _: &'c dyn Clock) -> Result<Self, Cannot> {
        Err(Cannot::TooLarge("HTML, which is not looked into".to_owned()))
    }

    pub(super) fn select(
        &self,
        selector: &Selector,
        _: Option<&str>,
        _: &mut Room,
    ) -> Result<Vec<Value>, Cannot> {
        let _ = selector.0;
        match self.0 {}
    }
}
