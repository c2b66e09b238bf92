//! Forms that are another one for each row, in a command that is a template of requests.
//!
//! Limit: other forms are written as text, which the command does itself.

use crate::http::form::Form;

/// The form that these parts make, if one of them is a file, which is read for each row, or is filled by it: what separates its
/// parts follows from what is in them, so that no row can know it.
pub(super) fn of_each_row(parts: &[(String, String)]) -> Result<Option<Form>, String> {
    let form = Form::of_curl(parts)?;
    Ok((form.has_files() || form.is_filled()?).then_some(form))
}
