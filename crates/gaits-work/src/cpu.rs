//! The work `cpu`: functions that do nothing but compute.

use crate::settings::{self, SettingsError};
use gaits_core::{
    BlockingSession, BlockingWork, Data, Detail, Facts, Field, Item, Measured, Performed, Performs,
    Record, Refused, Reply, Services, SessionError, SessionScope, Setting, Value, Work,
};
use num_bigint::BigUint;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::sync::Arc;

/// The largest `n` of `product`: its result has some 8 million bits and takes minutes.
pub const LARGEST_N: u32 = 100;

/// What to compute for each item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CpuSpec {
    /// The product of `i * j * k` for all i, j, k from 1 to `n` (excluded), exactly, by multiplying in a loop. It is
    /// ((n-1)!)^(3(n-1)²).
    Product {
        /// The bound, up to [`LARGEST_N`].
        n: u32,
    },
}

/// The name under which plans know this work.
pub const NAME: &str = "cpu";

impl CpuSpec {
    /// The settings as a plan carries them.
    pub fn settings(&self) -> Result<Value, SettingsError> {
        settings::to_value(self)
    }
}

/// Makes the work from its settings.
///
/// # Errors
/// Says what is wrong with the settings.
pub fn build(settings: &Value, _: &Services) -> Result<Arc<dyn Work>, String> {
    let spec: CpuSpec = settings::from_value(settings).map_err(|e| e.to_string())?;
    Ok(Arc::new(spec))
}

/// What `cpu` measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpuDetail {
    /// Bit length of the result.
    pub bits: u64,
    /// SHA-256 of the result's big-endian bytes, without leading zeros, in hex digits: what
    /// `hashlib.sha256(r.to_bytes((r.bit_length() + 7) // 8, 'big')).hexdigest()` gives in Python.
    pub sha256: Box<str>,
}

impl Measured for CpuDetail {
    fn fields(&self, each: &mut dyn FnMut(&str, Field<'_>)) {
        each("bits", Field::Unsigned(self.bits));
        each("sha256", Field::Text(&self.sha256));
    }

    fn boxed(&self) -> Box<dyn Measured> {
        Box::new(self.clone())
    }
}

impl CpuDetail {
    /// What `cpu` has measured of the item of `record`, wherever the record comes from; none if it was another work.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        let detail = record.detail.as_ref().filter(|detail| detail.work() == NAME)?;
        let mut read = Self { bits: 0, sha256: Box::default() };
        detail.fields(|name, field| match name {
            "bits" => read.bits = field.as_unsigned().unwrap_or_default(),
            "sha256" => read.sha256 = field.as_text().unwrap_or_default().into(),
            _ => {}
        });
        Some(read)
    }
}

impl Work for CpuSpec {
    fn performs(&self) -> Performs<'_> {
        Performs::Blocking(self)
    }

    fn settings(&self) -> Vec<Setting> {
        let CpuSpec::Product { n } = *self;
        let setting = |name, value| Setting { name, value, changes_meaning: true };
        vec![setting("function", Value::String("product".into())), setting("n", n.into())]
    }

    /// The function is in the settings, so any item will do.
    fn inspect<'a>(&self, _: &'a Data) -> Result<Facts<'a>, Refused> {
        Ok(Facts { pacing_key: "".into(), public: false, repeatable: true, shown: None })
    }
}

impl BlockingWork for CpuSpec {
    fn open(&self, _: SessionScope) -> Result<Box<dyn BlockingSession>, SessionError> {
        Ok(Box::new(*self))
    }
}

impl BlockingSession for CpuSpec {
    fn perform(&mut self, _: &Item) -> Reply {
        let CpuSpec::Product { n } = *self;
        let result = product(n);
        let mut sha256 = String::with_capacity(64);
        for byte in Sha256::digest(result.to_bytes_be()) {
            // Writing to a String cannot fail.
            let _ = write!(sha256, "{byte:02x}");
        }
        let detail = CpuDetail { bits: result.bits(), sha256: sha256.into() };
        Reply::Done(Performed::ok(Some(Detail::new(NAME, detail))))
    }
}

/// The loop is the work: no closed form, no grouping of factors.
fn product(n: u32) -> BigUint {
    let mut total = BigUint::from(1_u32);
    for i in 1..n {
        for j in 1..n {
            for k in 1..n {
                total *= i * j * k;
            }
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_gives_the_closed_form() {
        for n in 1..=14_u32 {
            let factorial: BigUint = (1..n).map(BigUint::from).product();
            assert_eq!(product(n), factorial.pow(3 * n.saturating_sub(1).pow(2)), "n = {n}");
        }
    }

    #[test]
    fn the_digest_is_the_one_python_gives() {
        // Generated once with CPython 3.11:
        // import hashlib; r = 1
        // for i in range(1, n):
        //     for j in range(1, n):
        //         for k in range(1, n): r *= i * j * k
        // print(r.bit_length(), hashlib.sha256(r.to_bytes((r.bit_length() + 7) // 8, 'big')).hexdigest())
        for (n, bits, sha256) in ORACLE {
            let Reply::Done(done) = CpuSpec::Product { n }.perform(&Item::new(0, "")) else {
                panic!("a computation is never out of file descriptors");
            };
            let detail = done.detail.unwrap();
            let detail: &CpuDetail = detail.downcast_ref().unwrap();
            assert_eq!((detail.bits, &*detail.sha256), (bits, sha256), "n = {n}");
        }
    }

    const ORACLE: [(u32, u64, &str); 3] = [
        (2, 1, "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"),
        (10, 4488, "a05d0512dafe8d5fe0727a2489789e7fdae81bd0f1395a5163be1ca06eafce44"),
        (30, 259_370, "8212ca591d052648422c93b4b840ef0f35d067efa1472b45efca4d74a958fecd"),
    ];
}
