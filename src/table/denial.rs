//! A denial of Redis', kept so that a client that goes on asking costs Redis
//! nothing.

use std::num::NonZeroU64;

use super::entry::SAID_AT;
use crate::limit::{Answer, Cost, Kind, Limit};

/// What Redis has denied: this cost and any above, until this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Denial {
    /// ns on the monotonic clock.
    pub(super) until: u64,
    pub(super) cost: Cost,
    /// When Redis said so, whole seconds on that clock, see [`seconds`].
    pub(super) said_at: u32,
}

/// The longest time for which a denial is believed, s: Redis may know better by
/// then, since others may have been given their units back.
const BELIEVED: u32 = 60;

/// So soon after a denial has lapsed there is about one such request's worth of
/// units, ns.
const JUST: u64 = 20_000_000;

const SECOND: u64 = 1_000_000_000;

// === impl Denial ===

impl Denial {
    /// One that has lapsed long ago.
    pub(super) const OVER: Self = Self {
        until: 0,
        cost: Cost::MIN,
        said_at: 0,
    };

    pub(super) fn new(cost: Cost, wait: NonZeroU64, now: u64) -> Self {
        Self {
            until: now.saturating_add(wait.get()),
            cost,
            said_at: seconds(now),
        }
    }

    /// What it says to a request of this cost: `None` where Redis has to be
    /// asked.
    pub(super) fn answer(&self, cost: Cost, limit: &Limit, now: u64) -> Option<Answer> {
        let wait = NonZeroU64::new(self.until.saturating_sub(now))?;
        if cost < self.cost || self.is_old(now) {
            return None;
        }
        let besides = cost.get().saturating_sub(self.cost.get());
        Some(Answer::Denied {
            remaining: self.remaining(limit, wait),
            retry_after: Some(wait.saturating_add(limit.longer_wait(besides))),
        })
    }

    /// The units that a bucket misses come back one by one until then. A quota's
    /// come back together: there are fewer than were asked for.
    fn remaining(&self, limit: &Limit, wait: NonZeroU64) -> u32 {
        let interval = match &limit.kind {
            Kind::Metered { allowance, .. } => allowance.interval(),
            Kind::Concurrency(_) | Kind::Blocked => 0,
        };
        let missing = wait.get().checked_add(interval.saturating_sub(1));
        let missing = missing.and_then(|wait| wait.checked_div(interval));
        let missing = missing.and_then(|units| u32::try_from(units).ok());
        missing.map_or(0, |missing| self.cost.get().saturating_sub(missing))
    }

    /// The same denial while somebody asks again, which takes up to `claim` ns;
    /// `None` where nobody is to be held up for it. A client that goes on asking
    /// would have all that it has under way ask Redis at once. One that has come
    /// back later is not to find its requests denied for the sake of the first.
    pub(super) fn claimed(self, claim: u64, now: u64) -> Option<Self> {
        let since = now.checked_sub(self.until);
        if since.is_some_and(|since| since < JUST) {
            return Some(Self {
                until: now.saturating_add(claim),
                said_at: seconds(now),
                ..self
            });
        }
        let is_old = since.is_none() && self.is_old(now);
        is_old.then(|| Self {
            // For what is left of this second.
            said_at: before(now, BELIEVED - 1),
            ..self
        })
    }

    fn is_old(&self, now: u64) -> bool {
        before(now, self.said_at) >= BELIEVED
    }
}

/// Whole seconds, which begin again after 17 years.
fn seconds(nanos: u64) -> u32 {
    u32::try_from((nanos / SECOND) % ROUND).unwrap_or(0)
}

/// So many seconds before now.
fn before(now: u64, ago: u32) -> u32 {
    let now = u64::from(seconds(now));
    let then = now.saturating_add(ROUND).saturating_sub(ago.into()) % ROUND;
    u32::try_from(then).unwrap_or(0)
}

const ROUND: u64 = 1 << SAID_AT;
