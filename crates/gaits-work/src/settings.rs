//! Settings of works as values that describe themselves, and back.

use gaits_core::Value;
use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned};

/// Why settings can't be read or written.
#[derive(Debug, thiserror::Error)]
#[error("its settings can't be read: {0}")]
pub struct SettingsError(#[from] serde_json::Error);

/// Writes settings down.
pub(crate) fn to_value(settings: &impl Serialize) -> Result<Value, SettingsError> {
    Ok(Value::deserialize(serde_json::to_value(settings)?)?)
}

/// Reads settings that were written down.
pub(crate) fn from_value<T: DeserializeOwned>(settings: &Value) -> Result<T, SettingsError> {
    Ok(serde_json::from_value(serde_json::to_value(settings)?)?)
}
