//! How much a client has lately asked for.

use std::num::{NonZeroU32, NonZeroU64};

use crate::limit::Cost;

/// What a client has lately asked for, in units.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Demand {
    /// When the current span began, ns.
    since: u64,
    current: u32,
    /// In the span before; `None` where there was none.
    previous: Option<u32>,
    /// When it last asked, ns.
    last: u64,
}

/// The use that a lease is to last for, ns.
const HORIZON: u64 = 500_000_000;

/// What was not asked for so long lies idle, ns.
const IDLE: u64 = 1_000_000_000;

/// What a client has done for less than this is no measure of its use, ns.
const SHORTEST_USE: NonZeroU64 = NonZeroU64::MIN.saturating_add(50_000_000 - 1);

// === impl Demand ===

impl Demand {
    pub(super) fn add(&mut self, cost: Cost, now: u64) {
        self.roll(now);
        self.current = self.current.saturating_add(cost.get());
        self.last = now;
    }

    /// Begins the span that `now` is in.
    pub(super) fn roll(&mut self, now: u64) {
        let age = now.saturating_sub(self.since);
        if age < HORIZON {
            return;
        }
        let was_there = self.last > 0;
        self.previous = was_there.then_some(if age < 2 * HORIZON { self.current } else { 0 });
        self.current = 0;
        self.since = now;
    }

    /// Units that it has really asked for within [`HORIZON`].
    pub(super) fn counted(&self) -> u32 {
        self.current.max(self.previous.unwrap_or(0))
    }

    /// Units within [`HORIZON`], as far as can be said by now.
    pub(super) fn units(&self, now: u64) -> u32 {
        if let Some(previous) = self.previous {
            return self.current.max(previous);
        }
        let age = NonZeroU64::new(now.saturating_sub(self.since))
            .map_or(SHORTEST_USE, |age| age.max(SHORTEST_USE));
        let units = u64::from(self.current).saturating_mul(HORIZON) / age;
        u32::try_from(units).unwrap_or(u32::MAX)
    }

    /// The time in which the client asks for so many units, ns.
    pub(super) fn time_for(&self, units: u64, now: u64) -> u64 {
        let used = NonZeroU32::new(self.units(now)).unwrap_or(NonZeroU32::MIN);
        HORIZON.saturating_mul(units) / NonZeroU64::from(used)
    }

    /// When it last asked, ns.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn is_idle(&self, now: u64) -> bool {
        now.saturating_sub(self.last) >= IDLE
    }
}
