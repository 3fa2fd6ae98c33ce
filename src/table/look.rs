//! What Redis was last seen to have, kept for a second, so that a client that
//! asks for its status over and over costs Redis nothing.

/// What was seen, until it is worth another look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// ns on the monotonic clock.
    pub(super) until: u64,
    /// Units there were, and the seconds until all would be; `None` while
    /// somebody looks.
    pub(super) seen: Option<(u32, u64)>,
}

/// So long one look is enough, ns.
const FRESH: u64 = 1_000_000_000;

const NANOS: u64 = 1_000_000_000;

// === impl Look ===

impl Look {
    /// What is seen at `now`: units left, and the time until all are there, ns;
    /// `None`: somebody looks.
    pub fn new(left: Option<(u32, u64)>, now: u64) -> Self {
        Self {
            until: now.saturating_add(FRESH),
            seen: left.map(|(remaining, reset_in)| (remaining, reset_in.div_ceil(NANOS))),
        }
    }

    /// What was seen, likewise.
    pub fn left(&self) -> Option<(u32, u64)> {
        let (remaining, reset) = self.seen?;
        Some((remaining, reset.saturating_mul(NANOS)))
    }

    pub(super) fn is_fresh(&self, now: u64) -> bool {
        // Bytes may be anybody's: none is fresh for much longer than one can be,
        // which another worker may have begun after this one read the clock.
        now < self.until && self.until.saturating_sub(now) < 2 * FRESH
    }
}
