//! What is asked of Redis: the script's KEYS and ARGV.

use std::rc::Rc;

use crate::limit::{TokenBucket, LEASE_LENGTH_MS};

/// One run of the script.
#[derive(Debug, Clone)]
pub struct Call {
    /// Comes back with the answer, to tell it from another caller's.
    pub nonce: u64,
    /// What is asked for, all or nothing. Each key once.
    pub asks: Vec<Ask>,
}

/// What is asked for one key.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The key.
    pub key: Rc<str>,
    /// The bucket under it.
    pub bucket: TokenBucket,
    /// What to do with it.
    pub operation: Operation,
}

/// What to do with a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Take so many units.
    Charge(u32),
    /// Borrow units, in place of the lease before.
    Lease(LeaseTerms),
}

/// What a lease is asked for with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeaseTerms {
    /// Units to borrow, or as many as there are; 0 ends the lease.
    pub wanted: u32,
    /// The lease so far, as the script numbered it; 0 where there is none.
    pub generation: u64,
    /// Units of it that the script still counts as lent.
    pub held: u32,
    /// Units of it that are not spent.
    pub unspent: u32,
}

// === impl Call ===

impl Call {
    /// The script's KEYS.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.asks.iter().map(|ask| &*ask.key)
    }

    /// The script's ARGV.
    pub fn arguments(&self) -> impl Iterator<Item = String> + '_ {
        let head = [self.nonce.to_string(), LEASE_LENGTH_MS.to_string()];
        head.into_iter()
            .chain(self.asks.iter().flat_map(Ask::arguments))
    }
}

// === impl Ask ===

impl Ask {
    fn arguments(&self) -> [String; 10] {
        let bucket = &self.bucket;
        let (name, amount, terms) = match self.operation {
            Operation::Charge(units) => ("charge", units, LeaseTerms::default()),
            Operation::Lease(terms) => ("lease", terms.wanted, terms),
        };
        [
            "bucket".to_owned(),
            name.to_owned(),
            bucket.burst().to_string(),
            bucket.emission_interval().to_string(),
            // Requests are charged before they pass: there is no debt.
            "0".to_owned(),
            amount.to_string(),
            // Whatever is there will do: what was spent is reported in any case.
            "0".to_owned(),
            terms.generation.to_string(),
            terms.held.to_string(),
            terms.unspent.to_string(),
        ]
    }
}
