//! The breaker: a Redis that fails is left alone for a while.
//!
//! Closed, every call goes out. After so many failures in a row it is open,
//! and none does. When it has cooled down, one call goes out as a probe, and
//! its answer closes the breaker or opens it again.

use std::num::{NonZeroU32, NonZeroU64};

/// When the breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures in a row that open it.
    pub failures: NonZeroU32,
    /// How long it stays open, ns.
    pub cooldown: NonZeroU64,
}

/// The breaker of one upstream.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    state: State,
}

#[derive(Debug)]
enum State {
    Closed {
        /// In a row.
        failures: u32,
    },
    /// No call before this time, and then one; ns.
    Open { until: u64 },
}

// === impl Breaker ===

impl Breaker {
    /// A closed breaker.
    pub fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            state: State::Closed { failures: 0 },
        }
    }

    /// Whether a call may go out now. Where it is the probe, nobody else's may
    /// for a whole cooldown more: the probe's answer may never come.
    pub fn admits(&mut self, now: u64) -> bool {
        match self.state {
            State::Closed { .. } => true,
            State::Open { until } if now < until => false,
            State::Open { .. } => {
                self.open(now);
                true
            }
        }
    }

    /// A call was answered. Whether that has closed the breaker.
    pub fn succeeded(&mut self) -> bool {
        let was_open = matches!(self.state, State::Open { .. });
        self.state = State::Closed { failures: 0 };
        was_open
    }

    /// A call failed.
    pub fn failed(&mut self, now: u64) {
        match &mut self.state {
            State::Closed { failures } => {
                *failures = failures.saturating_add(1);
                if *failures >= self.settings.failures.get() {
                    self.open(now);
                }
            }
            State::Open { .. } => self.open(now),
        }
    }

    fn open(&mut self, now: u64) {
        self.state = State::Open {
            until: now.saturating_add(self.settings.cooldown.get()),
        };
    }
}
