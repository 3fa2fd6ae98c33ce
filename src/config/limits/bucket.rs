//! Rates, and the buckets that one gateway or several make of them.

use std::num::{NonZeroU32, NonZeroU64};

use crate::config::units::{self, Rate};
use crate::config::value::Value;
use crate::limit::TokenBucket;

pub(super) const RATE: &str =
    "a rate, such as \"10/s\", \"100/m\", \"1000/h\", \"5000/d\" or \"100/30s\"";

pub(super) fn read_rate(value: &Value<'_>) -> Option<Rate> {
    /// The interval between two units is whole nanoseconds; with at least a
    /// microsecond of them, rounding takes at most a thousandth of the rate.
    const SHORTEST_INTERVAL: u64 = 1_000;
    let Some(rate) = units::rate(value.string(RATE)?) else {
        return value.unexpected(RATE);
    };
    let fastest = rate.period.get() / SHORTEST_INTERVAL;
    if u64::from(rate.amount.get()) > fastest {
        return value.unexpected("a rate of at most 1000000 per second");
    }
    Some(rate)
}

/// The bucket of all gateways, and those of fewer.
pub(super) struct Buckets<'v, 'a> {
    pub(super) rate: Rate,
    pub(super) burst: NonZeroU32,
    /// What errors point to.
    pub(super) value: &'v Value<'a>,
}

// === impl Buckets ===

impl Buckets<'_, '_> {
    /// The bucket of one gateway among so many, or every error about it.
    pub(super) fn divided_by(&self, gateways: NonZeroU32) -> Option<TokenBucket> {
        let bucket = bucket(self.rate, self.burst, gateways);
        if bucket.is_some() {
            return bucket;
        }
        let divided = match gateways {
            NonZeroU32::MIN => String::new(),
            gateways => format!(", divided by {gateways} gateways,"),
        };
        let burst = self.burst;
        self.value.unexpected(format!(
            "a rate that{divided} fills the burst of {burst} within ten years"
        ))
    }
}

/// The bucket of one gateway among `gateways`: its part of the rate and of the
/// burst, at least one unit. The interval is rounded down: rounded up, a burst
/// of 7 at 7/m would take a nanosecond over its minute to fill, and clients be
/// told 61 seconds.
fn bucket(rate: Rate, burst: NonZeroU32, gateways: NonZeroU32) -> Option<TokenBucket> {
    let interval = rate
        .period
        .get()
        .checked_mul(gateways.get().into())?
        .checked_div(rate.amount.get().into())?;
    let burst = NonZeroU32::new(burst.get() / gateways).unwrap_or(NonZeroU32::MIN);
    TokenBucket::new(burst, NonZeroU64::new(interval)?).ok()
}
