//! Tokens that a model reported.

/// Tokens that a model reported. `None`: it did not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// All tokens that the model read, those out of a cache too.
    pub input: Option<u64>,
    /// All tokens that it wrote, those of its thoughts too.
    pub output: Option<u64>,
    /// Both together, where it said so itself.
    pub total: Option<u64>,
}

// === impl Usage ===

impl Usage {
    /// The total that the model reported, or what it read and wrote, where it
    /// reported no total. `None` where it reported nothing.
    pub fn total(&self) -> Option<u64> {
        self.total.or(sum(self.input, self.output))
    }

    /// Whether the model reported nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The sum of what there is.
pub(super) fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (one, other) => one.or(other),
    }
}
