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

/// Leaves it to the form to say what it is, since that names what separates its parts.
pub(super) fn leave_kind(headers: &mut Vec<(String, String)>) -> Result<(), String> {
    let is_kind = |name: &str| name.eq_ignore_ascii_case("content-type");
    let says_it = |value: &str| value.eq_ignore_ascii_case("multipart/form-data");
    headers.retain(|(name, value)| !(is_kind(name) && says_it(value)));
    if headers.iter().any(|(name, _)| is_kind(name)) {
        let wrong =
            "-F with a file or a column is sent as multipart/form-data: leave out -H Content-Type";
        return Err(wrong.to_owned());
    }
    Ok(())
}
