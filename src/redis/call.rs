//! What is asked of Redis: the script's KEYS and ARGV.

use std::rc::Rc;

use crate::limit::{Allowance, Period, LEASE_LENGTH_MS};

/// One run of the script.
#[derive(Debug, Clone)]
pub struct Call {
    /// Comes back with the answer, to tell it from another caller's.
    pub nonce: u64,
    /// What is asked for, of the keys that bind all or nothing. Each key once.
    pub asks: Vec<Ask>,
}

/// What is asked for one key.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The key.
    pub key: Rc<str>,
    /// What is counted under it.
    pub allowance: Allowance,
    /// What to do with it.
    pub operation: Operation,
}

/// What to do with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Take so many units, if all keys allow what is asked of them.
    Charge(u32),
    /// Take so many units if this key allows it, whatever the others say, who
    /// have no part in its denial either.
    Try(u32),
    /// Say what is there, and take nothing.
    Peek,
    /// Borrow units, in place of the lease before.
    Lease(LeaseTerms),
    /// Correct what was taken.
    Settle {
        /// Units to take beyond that, without asking; negative ones come back.
        units: i64,
        /// Of a bucket's units that come back, what time has given back already; of
        /// a quota's, the time since they were taken. ms.
        refilled: u64,
    },
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

/// The most keys that the script takes.
pub const MAX_KEYS: usize = 32;

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
    /// Whether a denial of this key is one of the whole call.
    pub(super) fn binds(&self) -> bool {
        match self.operation {
            Operation::Charge(_) | Operation::Lease(_) | Operation::Settle { .. } => true,
            Operation::Try(_) | Operation::Peek => false,
        }
    }

    fn arguments(&self) -> [String; 11] {
        let none = LeaseTerms::default();
        let (name, amount, terms, held) = match self.operation {
            Operation::Charge(units) => ("charge", units.into(), none, 0),
            Operation::Try(units) => ("try", units.into(), none, 0),
            Operation::Peek => ("peek", 0, none, 0),
            Operation::Lease(terms) => ("lease", terms.wanted.into(), terms, terms.held.into()),
            Operation::Settle { units, refilled } => ("settle", units, none, refilled),
        };
        let fill = match &self.allowance {
            Allowance::Bucket(bucket) => bucket.plans_fill(),
            Allowance::Quota(_) => 0,
        };
        let (kind, period, offset) = match &self.allowance {
            Allowance::Bucket(bucket) => (
                "bucket",
                bucket.emission_interval().get(),
                bucket.debt().into(),
            ),
            Allowance::Quota(quota) => match quota.period() {
                Period::Fixed(seconds) => ("window", seconds.get(), quota.offset()),
                Period::Month => ("month", 0, quota.offset()),
            },
        };
        [
            kind.to_owned(),
            name.to_owned(),
            self.allowance.size().to_string(),
            period.to_string(),
            offset.to_string(),
            amount.to_string(),
            // Whatever is there will do: what was spent is reported in any case.
            "0".to_owned(),
            terms.generation.to_string(),
            held.to_string(),
            terms.unspent.to_string(),
            fill.to_string(),
        ]
    }
}
