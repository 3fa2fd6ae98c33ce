//! Which plan a caller is on.

/// One of the configuration's plans, by its place among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlanIndex(pub usize);
