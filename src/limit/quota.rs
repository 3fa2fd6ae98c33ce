//! The calendar quota: a number of units per period, counted afresh from each
//! period's start.
//!
//! Periods are found by arithmetic from the time alone, so that no gateway has
//! to remember when one began and all of them agree. Days have 86,400 s (leap
//! seconds do not exist in Unix time), and months their true length.

use std::num::{NonZeroU32, NonZeroU64};

use time::UtcDateTime;

use super::Cost;

/// The longest period and the largest shift of its start: ten years, in
/// seconds. It keeps every sum of two times far from the end of `i64`.
pub const MAX_PERIOD: u64 = 10 * 365 * 86_400;

const DAY: i64 = 86_400;
const NANOS: u64 = 1_000_000_000;

/// How long a quota is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// Periods of so many seconds, the first of which began in 1970.
    Fixed(NonZeroU64),
    /// The months of the calendar.
    Month,
}

/// The checked parameters of a calendar quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CalendarQuota {
    quota: NonZeroU32,
    period: Period,
    offset: i64,
}

/// Why parameters make no quota: period or offset are longer than [`MAX_PERIOD`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidQuota;

/// The whole state of one client's quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaState {
    /// Start of the period the count belongs to, seconds since 1970.
    pub start: i64,
    /// End of that period, likewise.
    pub end: i64,
    /// Units used in it. Settled ones may exceed the quota.
    pub used: u64,
}

/// The answer of one quota to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaDecision {
    /// The units are there.
    Allowed {
        /// Units left once this request is charged.
        remaining: u32,
        /// Time until the period ends, ns.
        reset_in: u64,
        /// The state to store.
        next: QuotaState,
    },
    /// The units are not there; nothing changes.
    Denied {
        /// Units there are, fewer than asked for.
        remaining: u32,
        /// Time until the period ends, ns: the next one has all units.
        retry_after: NonZeroU64,
    },
}

/// One period, in seconds since 1970; `end` is the next one's start.
#[derive(Debug, Clone, Copy)]
struct Window {
    start: i64,
    end: i64,
}

// === impl Period ===

impl Period {
    /// Seven days. For weeks that begin on a Monday see [`CalendarQuota::weekly`].
    pub const WEEK: Self = match NonZeroU64::new(7 * 86_400) {
        Some(seconds) => Self::Fixed(seconds),
        None => Self::Month,
    };
}

// === impl CalendarQuota ===

impl CalendarQuota {
    /// `quota` units per `period`, whose start is shifted by `offset` seconds:
    /// a day with an offset of two hours begins at 02:00 UTC.
    ///
    /// # Errors
    /// [`InvalidQuota`] where period or offset are longer than [`MAX_PERIOD`].
    pub fn new(quota: NonZeroU32, period: Period, offset: i64) -> Result<Self, InvalidQuota> {
        if offset.unsigned_abs() > MAX_PERIOD {
            return Err(InvalidQuota);
        }
        let offset = match period {
            Period::Month => offset,
            Period::Fixed(seconds) if seconds.get() > MAX_PERIOD => return Err(InvalidQuota),
            // Whole periods shift nothing.
            Period::Fixed(seconds) => offset.rem_euclid(signed(seconds)),
        };
        Ok(Self {
            quota,
            period,
            offset,
        })
    }

    /// `quota` units per week, from Monday 00:00 UTC shifted by `offset` seconds.
    ///
    /// # Errors
    /// [`InvalidQuota`] where the offset is longer than [`MAX_PERIOD`].
    pub fn weekly(quota: NonZeroU32, offset: i64) -> Result<Self, InvalidQuota> {
        let weeks = Self::new(quota, Period::WEEK, offset)?;
        // 1970-01-01 was a Thursday, the fifth a Monday.
        Self::new(quota, Period::WEEK, weeks.offset.saturating_add(4 * DAY))
    }

    /// Units per period.
    pub fn quota(&self) -> NonZeroU32 {
        self.quota
    }

    /// The period.
    pub fn period(&self) -> Period {
        self.period
    }

    /// What the period's start is shifted by, s; of a fixed period, less than it.
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// Decides on `cost` units at `now`, ns since 1970 UTC. `state` is `None` for
    /// a client that the table does not know, who has used nothing.
    ///
    /// Any state is safe: a past or a corrupt one counts as none.
    pub fn decide(&self, state: Option<QuotaState>, cost: Cost, now: u64) -> QuotaDecision {
        let (used, window) = self.current(state, now);
        let reset_in = window.ends_in(now);
        let wanted = used.saturating_add(cost.get().into());
        if wanted > self.quota.get().into() {
            QuotaDecision::Denied {
                remaining: self.units_left(used),
                retry_after: reset_in,
            }
        } else {
            QuotaDecision::Allowed {
                remaining: self.units_left(wanted),
                reset_in: reset_in.get(),
                next: window.state(wanted),
            }
        }
    }

    /// Units there are at `now`, and the time until the period ends, ns.
    pub fn look(&self, state: Option<QuotaState>, now: u64) -> (u32, u64) {
        let (used, window) = self.current(state, now);
        (self.units_left(used), window.ends_in(now).get())
    }

    /// The state after `units` whose true number was known only afterwards:
    /// charged without asking; negative ones, which were charged at `charged_at`,
    /// come back. Those of a period that has ended since do not: nobody can use
    /// them.
    pub fn settle(
        &self,
        state: Option<QuotaState>,
        units: i64,
        charged_at: u64,
        now: u64,
    ) -> QuotaState {
        let (used, window) = self.current(state, now);
        let is_past = charged_at < now && seconds(charged_at) < window.start;
        if units < 0 && is_past {
            return window.state(used);
        }
        window.state(used.saturating_add_signed(units))
    }

    /// The state after `cost` units that were charged at `charged_at` come back.
    pub fn give_back(
        &self,
        state: Option<QuotaState>,
        cost: Cost,
        charged_at: u64,
        now: u64,
    ) -> QuotaState {
        let units = i64::from(cost.get()).saturating_neg();
        self.settle(state, units, charged_at, now)
    }

    /// The units used in the current period, and that period.
    ///
    /// A count of the next period is one from before the clock stepped back. It
    /// stays the current one to its own end, or the step would give each client
    /// the quota of the boundary a second time.
    fn current(&self, state: Option<QuotaState>, now: u64) -> (u64, Window) {
        let window = self.window(seconds(now));
        match state {
            Some(state) if state.start == window.start => (state.used, window),
            Some(state) if state.start == window.end => (state.used, self.window(state.start)),
            _ => (0, window),
        }
    }

    /// The period that holds `at`, seconds since 1970.
    fn window(&self, at: i64) -> Window {
        let at = at.saturating_sub(self.offset);
        let (into, length) = match self.period {
            Period::Fixed(seconds) => (at.rem_euclid(signed(seconds)), signed(seconds)),
            Period::Month => within_month(at),
        };
        let start = at.saturating_sub(into).saturating_add(self.offset);
        Window {
            start,
            end: start.saturating_add(length),
        }
    }

    fn units_left(&self, used: u64) -> u32 {
        let left = u64::from(self.quota.get()).saturating_sub(used);
        // At most the quota.
        u32::try_from(left).unwrap_or(u32::MAX)
    }
}

// === impl Window ===

impl Window {
    fn state(self, used: u64) -> QuotaState {
        QuotaState {
            start: self.start,
            end: self.end,
            used,
        }
    }

    /// ns from `now`, which is before the end, to the end.
    fn ends_in(self, now: u64) -> NonZeroU64 {
        let end = u64::try_from(self.end).unwrap_or(0).saturating_mul(NANOS);
        NonZeroU64::new(end.saturating_sub(now)).unwrap_or(NonZeroU64::MIN)
    }
}

/// Seconds since `at`'s month began, and the month's length.
fn within_month(at: i64) -> (i64, i64) {
    // The crate knows the years -9999 to 9999; `now` ends in 2554.
    let (day, days) = UtcDateTime::from_unix_timestamp(at)
        .map_or((1, 31), |at| (at.day(), at.month().length(at.year())));
    let before = i64::from(day).saturating_sub(1).saturating_mul(DAY);
    (
        before.saturating_add(at.rem_euclid(DAY)),
        i64::from(days).saturating_mul(DAY),
    )
}

/// Whole seconds of ns since 1970.
fn seconds(nanos: u64) -> i64 {
    // At most 2^64 / 10^9.
    i64::try_from(nanos / NANOS).unwrap_or(i64::MAX)
}

/// At most [`MAX_PERIOD`].
fn signed(seconds: NonZeroU64) -> i64 {
    i64::try_from(seconds.get()).unwrap_or(i64::MAX)
}
