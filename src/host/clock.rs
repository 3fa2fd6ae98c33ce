//! The clocks. Buckets run on monotonic time, so that a step of the wall clock
//! neither refills nor freezes anybody; all of Envoy's workers see the same one.
//! Quotas follow the calendar, and so the wall clock.

use super::{abi, HostError};
use crate::limit::Now;

/// Which clocks a configuration needs: each reading costs a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clocks {
    /// No limit follows the calendar.
    Monotonic,
    /// Some do.
    Both,
}

/// Nanoseconds since a time of the machine's choice.
pub(crate) fn monotonic() -> Result<u64, HostError> {
    abi::clock(abi::Clock::Monotonic)
}

/// Nanoseconds since 1970 UTC.
pub(crate) fn wall() -> Result<u64, HostError> {
    abi::clock(abi::Clock::Realtime)
}

// === impl Clocks ===

impl Clocks {
    /// The time by these clocks.
    pub(crate) fn now(self) -> Result<Now, HostError> {
        Ok(Now {
            monotonic: monotonic()?,
            wall: match self {
                Self::Monotonic => 0,
                Self::Both => wall()?,
            },
        })
    }
}
