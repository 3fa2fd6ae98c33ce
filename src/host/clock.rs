//! The one clock. Buckets run on monotonic time, so that a step of the wall
//! clock neither refills nor freezes anybody; all of Envoy's workers see the
//! same one.

use super::{abi, HostError};

/// Nanoseconds since a time of the machine's choice.
pub(crate) fn monotonic() -> Result<u64, HostError> {
    abi::monotonic_clock()
}
