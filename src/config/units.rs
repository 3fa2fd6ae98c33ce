//! Durations and rates as users write them.

use std::num::{NonZeroU32, NonZeroU64};

/// An amount per time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) amount: NonZeroU32,
    /// ns.
    pub(super) period: NonZeroU64,
}

/// A duration such as `"250ms"`, `"10s"`, `"5m"`, `"1h"` or `"1d"`, in ns.
/// `None` for anything else, and for zero.
pub(super) fn duration(text: &str) -> Option<NonZeroU64> {
    let digits = text
        .len()
        .checked_sub(text.trim_start_matches(|c: char| c.is_ascii_digit()).len())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let nanos = number.checked_mul(unit_nanos(unit)?)?;
    NonZeroU64::new(nanos)
}

/// A rate such as `"100/m"` or `"100/30s"`.
pub(super) fn rate(text: &str) -> Option<Rate> {
    let (amount, period) = text.split_once('/')?;
    if amount.starts_with('+') {
        return None;
    }
    let period = match unit_nanos(period).filter(|_| period != "ms") {
        Some(unit) => NonZeroU64::new(unit)?,
        None => duration(period)?,
    };
    Some(Rate {
        amount: amount.parse().ok()?,
        period,
    })
}

fn unit_nanos(unit: &str) -> Option<u64> {
    const SECOND: u64 = 1_000_000_000;
    Some(match unit {
        "ms" => 1_000_000,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3_600 * SECOND,
        "d" => 86_400 * SECOND,
        _ => return None,
    })
}

/// The whole seconds that a duration is, `None` where it is not.
pub(super) fn whole_seconds(nanos: NonZeroU64) -> Option<NonZeroU64> {
    const SECOND: NonZeroU64 = NonZeroU64::MIN.saturating_add(999_999_999);
    match nanos.get() % SECOND {
        0 => NonZeroU64::new(nanos.get() / SECOND),
        _ => None,
    }
}
