//! Slots: how many requests of a client are under way at one time.
//!
//! A slot comes back when its request ends, however that is. One whose gateway
//! has lost sight of it, as after a crash of the filter, would never come back;
//! so slots are counted by generations as long as the timeout, and one that is
//! older than the generation before the current one counts as abandoned. Two
//! counts and one time are the whole state, however many slots there are. A slot
//! needs no name: its generation is known by the time at which it was taken.

use std::num::{NonZeroU32, NonZeroU64};

/// The longest timeout of a slot: a year, in nanoseconds.
pub const MAX_TIMEOUT: u64 = 365 * 86_400 * 1_000_000_000;

/// The checked parameters of a concurrency limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    slots: NonZeroU32,
    /// ns.
    timeout: NonZeroU64,
}

/// Why parameters make no limit: the timeout is longer than [`MAX_TIMEOUT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidTimeout;

/// The whole state of one client's slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotState {
    /// When those of the current generation count as abandoned: a timeout after
    /// its end. ns.
    pub gone_at: u64,
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

// === impl Concurrency ===

impl Concurrency {
    /// `slots` at a time, each given up for lost between one and two times
    /// `timeout`, in nanoseconds, after it was taken.
    ///
    /// # Errors
    /// [`InvalidTimeout`] where the timeout is longer than [`MAX_TIMEOUT`].
    pub fn new(slots: NonZeroU32, timeout: NonZeroU64) -> Result<Self, InvalidTimeout> {
        if timeout.get() > MAX_TIMEOUT {
            return Err(InvalidTimeout);
        }
        Ok(Self { slots, timeout })
    }

    /// The number of slots.
    pub fn slots(&self) -> NonZeroU32 {
        self.slots
    }

    /// The time after which a slot may be given up for lost, ns.
    pub fn timeout(&self) -> NonZeroU64 {
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
        let start = state.gone_at.saturating_sub(self.timeouts(2));
        let start_of_previous = start.saturating_sub(self.timeout.get());
        if taken_at >= start {
            SlotState {
                current: state.current.saturating_sub(1),
                ..state
            }
        } else if taken_at >= start_of_previous {
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
        let state = state.unwrap_or(SlotState {
            gone_at: 0,
            current: 0,
            previous: 0,
        });
        let ends_at = state.gone_at.saturating_sub(self.timeout.get());
        if now >= state.gone_at {
            SlotState {
                gone_at: self.gone_at(now),
                current: 0,
                previous: 0,
            }
        } else if now >= ends_at {
            SlotState {
                gone_at: state.gone_at.saturating_add(self.timeout.get()),
                current: 0,
                previous: state.current,
            }
        } else {
            // Under a longer timeout they were to be held for longer.
            SlotState {
                gone_at: state.gone_at.min(now.saturating_add(self.timeouts(2))),
                ..state
            }
        }
    }

    /// When slots that are taken at `now` are gone.
    fn gone_at(&self, now: u64) -> u64 {
        let generation = now / self.timeout;
        generation
            .saturating_add(2)
            .saturating_mul(self.timeout.get())
    }

    fn timeouts(&self, count: u64) -> u64 {
        self.timeout.get().saturating_mul(count)
    }
}

// === impl SlotState ===

impl SlotState {
    /// Slots that are taken.
    pub fn held(&self) -> u32 {
        self.current.saturating_add(self.previous)
    }
}
