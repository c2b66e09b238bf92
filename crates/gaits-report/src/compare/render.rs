//! The comparison for people.

use super::Comparison;
use crate::Style;

pub(super) fn render(comparison: &Comparison, _style: Style) -> String {
    format!("{}\n", comparison.conclusion())
}
