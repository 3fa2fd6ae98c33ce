//! A time, on both clocks.

/// When something is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For buckets, slots and remembered denials, which no step of the wall
    /// clock is to move: ns since a time of the machine's choice.
    pub monotonic: u64,
    /// For calendar quotas: ns since 1970 UTC. 0 where no limit needs it.
    pub wall: u64,
}
