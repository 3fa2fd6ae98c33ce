//! Usage, found in a response as it passes.

use super::{Framing, Shape, Usage};

/// Reads usage out of a response as it passes.
#[derive(Debug)]
pub struct ResponseScanner {
    _shape: Shape,
    _framing: Framing,
    passed: Passed,
}

/// What is known of a response besides its usage: material for an estimate of
/// the output where nothing was reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// Bytes of the body.
    pub bytes: u64,
    /// Bytes of generated text, as UTF-8 without JSON's escapes.
    pub text: u64,
    /// Server-sent events with data other than `[DONE]`.
    pub events: u64,
    /// Whether the body looked like JSON, or like events of JSON, at all.
    pub readable: bool,
}

// === impl ResponseScanner ===

impl ResponseScanner {
    /// A scanner before the response's first byte.
    pub fn new(shape: Shape, framing: Framing) -> Self {
        Self {
            _shape: shape,
            _framing: framing,
            passed: Passed::default(),
        }
    }

    /// Takes the next bytes of the body, cut anywhere.
    pub fn feed(&mut self, _chunk: &[u8]) {}

    /// What was reported so far; of each number the last one.
    pub fn usage(&self) -> Usage {
        Usage::default()
    }

    /// Whether the provider has said its last word on usage, so that a client
    /// that hangs up now has not cut anything off.
    pub fn is_final(&self) -> bool {
        false
    }

    /// What has passed so far.
    pub fn passed(&self) -> Passed {
        self.passed
    }
}
