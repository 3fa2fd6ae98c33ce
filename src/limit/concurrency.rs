//! Slots: how many requests of a client are under way at one time.
//!
//! A slot comes back when its request ends, however that is. One whose gateway
//! has lost sight of it, as after a crash of the filter, would never come back;
//! so slots are counted by generations as long as the timeout, and one that is
//! older than the generation before the current one counts as abandoned. Two
//! counts and one time are the whole state, however many slots there are. A slot
//! needs no name: its generation is known by the time at which it was taken.

use std::num::NonZeroU32;

/// The most slots that are counted.
pub const MAX_SLOTS: u32 = (1 << 20) - 1;

/// The longest timeout of a slot, in seconds: 24 days.
pub const MAX_TIMEOUT: u32 = 24 * 86_400;

/// The checked parameters of a concurrency limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    slots: NonZeroU32,
    /// s.
    timeout: NonZeroU32,
}

/// Why parameters make no limit: there are more than [`MAX_SLOTS`], or the
/// timeout is longer than [`MAX_TIMEOUT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidConcurrency;

/// The whole state of one client's slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotState {
    /// When those of the current generation count as abandoned: a timeout after
    /// its end. ns.
    pub gone_at: u64,
    /// The timeout that it began under, s: another configuration's may differ,
    /// and two of them may be at work at a time.
    pub timeout: u32,
    /// Slots taken in the current generation, and not given back.
    pub current: u32,
    /// Slots taken in the one before, likewise.
    pub previous: u32,
}

/// The answer to a request that wants a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotDecision {
    /// It has one.
    Taken {
        /// Slots left.
        remaining: u32,
        /// The state to store.
        next: SlotState,
    },
    /// All are taken; nothing changes.
    NoneFree,
}

const NANOS: u64 = 1_000_000_000;

// === impl Concurrency ===

impl Concurrency {
    /// `slots` at a time, each given up for lost between one and two times
    /// `timeout`, in seconds, after it was taken.
    ///
    /// # Errors
    /// [`InvalidConcurrency`] where there is more of either than can be counted.
    pub fn new(slots: NonZeroU32, timeout: NonZeroU32) -> Result<Self, InvalidConcurrency> {
        if slots.get() > MAX_SLOTS || timeout.get() > MAX_TIMEOUT {
            return Err(InvalidConcurrency);
        }
        Ok(Self { slots, timeout })
    }

    /// The number of slots.
    pub fn slots(&self) -> NonZeroU32 {
        self.slots
    }

    /// The time after which a slot may be given up for lost, s.
    pub fn timeout(&self) -> NonZeroU32 {
        self.timeout
    }

    /// Takes a slot at `now`, if one is free. `state` is `None` for a client that
    /// the table does not know, who has none. Any state is safe.
    pub fn take(&self, state: Option<SlotState>, now: u64) -> SlotDecision {
        let state = self.current(state, now);
        let free = self.slots.get().saturating_sub(state.held());
        match free.checked_sub(1) {
            None => SlotDecision::NoneFree,
            Some(remaining) => SlotDecision::Taken {
                remaining,
                next: SlotState {
                    current: state.current.saturating_add(1),
                    ..state
                },
            },
        }
    }

    /// Slots that are free at `now`.
    pub fn free(&self, state: Option<SlotState>, now: u64) -> u32 {
        let held = self.current(state, now).held();
        self.slots.get().saturating_sub(held)
    }

    /// The state after the slot comes back that was taken at `taken_at`. One that
    /// counted as abandoned by then changes nothing.
    pub fn release(&self, state: SlotState, taken_at: u64, now: u64) -> SlotState {
        let state = self.current(Some(state), now);
        if taken_at >= state.timeouts_before_gone(2) {
            SlotState {
                current: state.current.saturating_sub(1),
                ..state
            }
        } else if taken_at >= state.timeouts_before_gone(3) {
            SlotState {
                previous: state.previous.saturating_sub(1),
                ..state
            }
        } else {
            state
        }
    }

    /// The state with `now` in its current generation.
    fn current(&self, state: Option<SlotState>, now: u64) -> SlotState {
        match state {
            Some(state) if now >= state.gone_at || state.held() == 0 => self.unused(now),
            Some(state) if now >= state.timeouts_before_gone(1) => SlotState {
                current: 0,
                previous: state.current,
                ..self.after(state, now)
            },
            // No clock runs back, but bytes may be anybody's.
            Some(state) => SlotState {
                gone_at: state
                    .gone_at
                    .min(now.saturating_add(nanos(state.timeout).saturating_mul(2))),
                ..state
            },
            None => self.unused(now),
        }
    }

    /// The generation after one that has ended. By the time at which it began, a
    /// slot's is known; so under another timeout than before, where the two lengths
    /// do not tell it, it begins now.
    fn after(&self, ended: SlotState, now: u64) -> SlotState {
        if ended.timeout != self.timeout.get() {
            return self.unused(now);
        }
        SlotState {
            gone_at: ended.gone_at.saturating_add(nanos(ended.timeout)),
            ..ended
        }
    }

    fn unused(&self, now: u64) -> SlotState {
        let timeout = self.timeout.get();
        SlotState {
            gone_at: now.saturating_add(nanos(timeout).saturating_mul(2)),
            timeout,
            current: 0,
            previous: 0,
        }
    }
}

// === impl SlotState ===

impl SlotState {
    /// Slots that are taken.
    pub fn held(&self) -> u32 {
        self.current.saturating_add(self.previous)
    }

    /// The current generation ends one timeout before it is gone, and begins two
    /// before.
    fn timeouts_before_gone(&self, count: u64) -> u64 {
        let timeouts = nanos(self.timeout).saturating_mul(count);
        self.gone_at.saturating_sub(timeouts)
    }
}

fn nanos(seconds: u32) -> u64 {
    u64::from(seconds).saturating_mul(NANOS)
}
