//! Numbers of tokens: taken beforehand, estimated afterwards, or reported.

use super::Usage;
use crate::limit::Tokens;

/// Tokens of a request and of its answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reservation {
    /// What the model reads.
    pub input: u64,
    /// What it writes.
    pub output: u64,
}

// === impl Reservation ===

impl Reservation {
    /// Those that a limit counts.
    pub fn of(&self, tokens: Tokens) -> u64 {
        match tokens {
            Tokens::All => self.input.saturating_add(self.output),
            Tokens::Input => self.input,
            Tokens::Output => self.output,
        }
    }

    /// What was reported before a response was cut off.
    pub fn so_far(usage: &Usage) -> Self {
        let input = usage.input.unwrap_or(0);
        let rest = || usage.total.unwrap_or(0).saturating_sub(input);
        Self {
            input,
            output: usage.output.unwrap_or_else(rest),
        }
    }

    /// The larger of both, each by itself.
    pub fn max(self, other: Self) -> Self {
        Self {
            input: self.input.max(other.input),
            output: self.output.max(other.output),
        }
    }
}

// === impl Usage ===

impl Usage {
    /// Those that a limit counts; `None` where the model has not said. A part that
    /// it leaves out, as embeddings do that write nothing, is the rest of its total.
    pub fn of(&self, tokens: Tokens) -> Option<u64> {
        let rest = |other: Option<u64>| self.total?.checked_sub(other?);
        match tokens {
            Tokens::All => self.total(),
            Tokens::Input => self.input.or_else(|| rest(self.output)),
            Tokens::Output => self.output.or_else(|| rest(self.input)),
        }
    }
}
