//! What the script answers: whole numbers in one flat list.

use std::num::NonZeroU64;

use super::{Failure, FailureClass};
use crate::limit::Answer;

/// An answer to a call, one item for each key asked.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    /// Redis' clock, ms since 1970.
    pub now: u64,
    /// Whether the call did what it was to do. If not, it did nothing.
    pub allowed: bool,
    /// What was said of each key, in the order they were asked in.
    pub keys: Vec<KeyReply>,
}

/// What was said of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyReply {
    /// Whether there is what was asked for.
    pub answer: Answer,
    /// Units lent.
    pub granted: u32,
    /// The number of the lease, for the next call; 0 where there is none.
    pub generation: u64,
}

const VERSION: i64 = 1;
const NANOS_PER_MILLI: u64 = 1_000_000;

// === impl Reply ===

impl Reply {
    /// Reads the answer to a call with this nonce about so many keys.
    pub fn read(numbers: &[i64], nonce: u64, keys: usize) -> Result<Self, Failure> {
        let malformed = || Failure::new(FailureClass::Malformed, "not the script's numbers");
        let Some(([VERSION, echo, now, allowed, count], rest)) = numbers.split_first_chunk() else {
            return Err(malformed());
        };
        if u64::try_from(*echo) != Ok(nonce) {
            return Err(Failure::new(
                FailureClass::Foreign,
                "another caller's answer",
            ));
        }
        let (items, []) = rest.as_chunks::<6>() else {
            return Err(malformed());
        };
        if items.len() != keys || usize::try_from(*count) != Ok(keys) {
            return Err(malformed());
        }
        let read: Option<Vec<KeyReply>> = items.iter().map(KeyReply::read).collect();
        let keys = read.ok_or_else(malformed)?;
        let allowed = match *allowed {
            0 => false,
            1 => true,
            _ => return Err(malformed()),
        };
        if allowed == keys.iter().any(|key| key.answer.is_denial()) {
            return Err(malformed());
        }
        Ok(Self {
            now: u64::try_from(*now).map_err(|_| malformed())?,
            allowed,
            keys,
        })
    }
}

// === impl KeyReply ===

impl KeyReply {
    fn read(numbers: &[i64; 6]) -> Option<Self> {
        let [allowed, remaining, retry, reset, granted, generation] = *numbers;
        let remaining = u32::try_from(remaining).ok()?;
        let answer = match allowed {
            1 => Answer::Allowed {
                remaining,
                full_in: nanos(reset)?,
            },
            0 => Answer::Denied {
                remaining,
                retry_after: NonZeroU64::new(nanos(retry)?)?,
            },
            _ => return None,
        };
        Some(Self {
            answer,
            granted: u32::try_from(granted).ok()?,
            generation: u64::try_from(generation).ok()?,
        })
    }
}

fn nanos(millis: i64) -> Option<u64> {
    u64::try_from(millis).ok()?.checked_mul(NANOS_PER_MILLI)
}
