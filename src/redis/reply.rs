//! What the script answers: whole numbers in one flat list.

use std::num::NonZeroU64;

use super::{Ask, Call, Failure, FailureClass, Operation};
use crate::limit::Answer;

/// An answer to a call, one item for each key asked.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    /// Redis' clock, ms since 1970.
    pub now: u64,
    /// Whether the call did what it was to do. If not, it did nothing, but for
    /// what was only tried.
    pub allowed: bool,
    /// What was said of each key, in the order they were asked in.
    pub keys: Vec<KeyReply>,
}

/// What was said of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyReply {
    /// Whether there is what was asked for.
    pub answer: Answer,
    /// Units lent; of a settlement, units forgiven.
    pub granted: u32,
    /// The number of the lease, for the next call; 0 where there is none.
    pub generation: u64,
}

const VERSION: i64 = 1;
const NANOS_PER_MILLI: u64 = 1_000_000;

// === impl Reply ===

impl Reply {
    /// Reads the answer to this call.
    ///
    /// # Errors
    /// [`Failure`] where it is another's, or says what cannot be: more units
    /// than there are, or than were asked for.
    pub fn read(numbers: &[i64], call: &Call) -> Result<Self, Failure> {
        let malformed = || Failure::new(FailureClass::Malformed, "not the script's numbers");
        let Some(([VERSION, echo, now, allowed, count], rest)) = numbers.split_first_chunk() else {
            return Err(malformed());
        };
        if u64::try_from(*echo) != Ok(call.nonce) {
            return Err(Failure::new(
                FailureClass::Foreign,
                "another caller's answer",
            ));
        }
        let (items, []) = rest.as_chunks::<6>() else {
            return Err(malformed());
        };
        let asked = call.asks.len();
        if items.len() != asked || usize::try_from(*count) != Ok(asked) {
            return Err(malformed());
        }
        let items = items.iter().zip(&call.asks);
        let read: Option<Vec<KeyReply>> = items
            .map(|(item, ask)| KeyReply::read(item).filter(|key| key.can_be_for(ask)))
            .collect();
        let keys = read.ok_or_else(malformed)?;
        let allowed = match *allowed {
            0 => false,
            1 => true,
            _ => return Err(malformed()),
        };
        let mut answered = keys.iter().zip(&call.asks);
        let denied = answered.any(|(key, ask)| key.answer.is_denial() && ask.binds());
        if allowed == denied {
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
                reset_in: nanos(reset)?,
            },
            0 => Answer::Denied {
                remaining,
                retry_after: Some(NonZeroU64::new(nanos(retry)?)?),
            },
            _ => return None,
        };
        Some(Self {
            answer,
            granted: u32::try_from(granted).ok()?,
            generation: u64::try_from(generation).ok()?,
        })
    }

    /// Whether it says no more units than there can be, and were asked for, and
    /// denies nobody who asked for none.
    fn can_be_for(&self, ask: &Ask) -> bool {
        let wanted = match ask.operation {
            Operation::Charge(_) | Operation::Try(_) => 0,
            Operation::Peek if self.answer.is_denial() => return false,
            Operation::Peek => 0,
            Operation::Lease(terms) => terms.wanted,
            // As many as were taken, of which all may be forgiven.
            Operation::Settle { units, .. } => u32::try_from(units.max(0)).unwrap_or(u32::MAX),
        };
        let (Answer::Allowed { remaining, .. } | Answer::Denied { remaining, .. }) = self.answer;
        self.granted <= wanted && remaining <= ask.allowance.size()
    }
}

fn nanos(millis: i64) -> Option<u64> {
    u64::try_from(millis).ok()?.checked_mul(NANOS_PER_MILLI)
}
