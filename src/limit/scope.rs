//! Where a limit is counted.

use super::Allowance;

/// Where a limit is counted.
#[derive(Debug)]
pub enum Scope {
    /// In this gateway.
    Gateway,
    /// In Redis, for all gateways together.
    Cluster(Cluster),
}

/// How a limit is counted for all gateways together.
#[derive(Debug)]
pub struct Cluster {
    /// When Redis is asked.
    pub consistency: Consistency,
    /// What one gateway has while Redis does not answer, where the operator
    /// wants it to count by itself then.
    pub share: Option<Allowance>,
    /// What a key in Redis ends with: the limit's name, and what else its state
    /// belongs to.
    pub key: Box<str>,
    /// What a remembered denial belongs to: the limit under this very
    /// configuration and plan.
    pub denials: u64,
    /// Likewise, what Redis was last seen to have.
    pub looks: u64,
}

/// When Redis is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    /// For every request.
    Strict,
    /// For a chunk of units, which are then spent without asking.
    Lease,
}

/// The length of a generation of leases, ms: a lease is good until the end of
/// the generation after its own.
pub const LEASE_LENGTH_MS: u64 = 2_000;

// === impl Scope ===

impl Scope {
    /// What this gateway counts of an allowance: always, or while Redis does
    /// not answer.
    pub fn here<'a>(&'a self, allowance: &'a Allowance) -> &'a Allowance {
        match self {
            Self::Gateway => allowance,
            Self::Cluster(cluster) => cluster.share.as_ref().unwrap_or(allowance),
        }
    }
}
