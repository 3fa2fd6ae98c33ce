//! Units whose true number is known only when the request has ended.

use super::Now;

/// What a limit is to be corrected by, once the units that a request has really
/// taken are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// Units to charge beyond those that were charged; negative ones come back.
    pub units: i64,
    /// When those were charged.
    pub charged_at: Now,
    /// The time until the bucket was full then, ns; 0 of a quota.
    pub full_in: u64,
}

// === impl Settlement ===

impl Settlement {
    /// Of the units that come back to a bucket with this emission interval, what
    /// time has given back already, ns.
    ///
    /// A bucket that was so far from full cannot have been full before that time
    /// had passed; until then every unit less spent is one more there is now. What
    /// might have been full in the meantime gets no more back than it would have
    /// had room for, or a request held open long enough would keep units beyond
    /// the burst.
    pub fn refilled(&self, interval: u64, now: u64) -> u64 {
        let back = u64::try_from(self.units.saturating_neg()).unwrap_or(0);
        let price = back.saturating_mul(interval);
        let elapsed = now.saturating_sub(self.charged_at.monotonic);
        price.saturating_sub(self.full_in.saturating_sub(elapsed))
    }
}
