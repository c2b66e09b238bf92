//! The work `cpu`: functions that do nothing but compute.

use crate::settings::{self, SettingsError};
use gaits_core::{
    BlockingSession, Clock, CpuDetail, Detail, Item, Performed, Reply, Session, Value, Work,
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
pub fn build(settings: &Value, _: &Arc<dyn Clock>) -> Result<Arc<dyn Work>, String> {
    let spec: CpuSpec = settings::from_value(settings).map_err(|e| e.to_string())?;
    Ok(Arc::new(spec))
}

impl Work for CpuSpec {
    fn open(&self) -> Session {
        Session::Blocking(Box::new(*self))
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
        Reply::Done(Performed::ok(Detail::Cpu(CpuDetail {
            bits: result.bits(),
            sha256: sha256.into(),
        })))
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
            let Detail::Cpu(detail) = done.detail else { panic!("{:?}", done.detail) };
            assert_eq!((detail.bits, &*detail.sha256), (bits, sha256), "n = {n}");
        }
    }

    const ORACLE: [(u32, u64, &str); 3] = [
        (2, 1, "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"),
        (10, 4488, "a05d0512dafe8d5fe0727a2489789e7fdae81bd0f1395a5163be1ca06eafce44"),
        (30, 259_370, "8212ca591d052648422c93b4b840ef0f35d067efa1472b45efca4d74a958fecd"),
    ];
}
