//! Tells of items that --dedupe has left out.

use gaits::Input;

/// What is to be told of items that were left out as the same as others, named by their places in the list. Without `--key`, a place
/// is what would be the record's index.
pub(super) fn told(input: &Input) -> Option<String> {
    let dropped = input.dropped();
    let (count, first) = (dropped.count(), dropped.first());
    let items = if count == 1 { "item that asks" } else { "items that ask" };
    let named = first.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let others = match count - first.len() as u64 {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    (count > 0).then(|| {
        format!(
            "--dedupe left out {count} {items} for the same as one before, counted from 0: {named}{others}"
        )
    })
}
