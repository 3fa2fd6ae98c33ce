//! What a request asks for, found in its body as it passes.

use super::asked::Asked;
use super::json::Machine;
use super::Model;

/// Reads of a request's body what it asks for, as it passes.
#[derive(Debug)]
pub struct RequestScanner {
    machine: Machine,
    asked: Asked,
    has_ended: bool,
}

/// Where the top-level object ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    /// Offset of its closing brace, counted from the body's first byte.
    pub at: u64,
    /// Whether the object has members, so that one more needs a comma.
    pub has_members: bool,
}

// === impl RequestScanner ===

impl Default for RequestScanner {
    fn default() -> Self {
        Self::new()
    }
}

impl RequestScanner {
    /// A scanner before the body's first byte.
    pub fn new() -> Self {
        Self {
            machine: Machine::new(),
            asked: Asked::new(),
            has_ended: false,
        }
    }

    /// Takes the next bytes of the body, cut anywhere.
    pub fn feed(&mut self, chunk: &[u8]) {
        self.machine.feed(chunk, &mut self.asked);
    }

    /// After the last byte.
    pub fn end(&mut self) {
        self.has_ended = true;
    }

    /// The model that it names. [`Model::Unreadable`] before [`Self::end`].
    pub fn model(&self) -> Model<'_> {
        if self.has_ended && self.is_whole() && !self.machine.was_too_deep() {
            self.asked.model()
        } else {
            Model::Unreadable
        }
    }

    /// The request's own maximum of output tokens: the largest that it says
    /// anywhere where an API looks for one. `u64::MAX` for a larger number.
    pub fn max_output(&self) -> Option<u64> {
        self.asked.max_output()
    }

    /// How many answers it asks for: the largest number that it says anywhere
    /// where an API looks for one, at least 1.
    pub fn candidates(&self) -> u64 {
        self.asked.candidates()
    }

    /// Whether it asks for a stream: `"stream": true`, the last one if there are
    /// several.
    pub fn streams(&self) -> bool {
        self.asked.streams()
    }

    /// Whether it has `stream_options`, whatever they are.
    pub fn has_stream_options(&self) -> bool {
        self.asked.has_stream_options()
    }

    /// Where the top-level object ends, once that was seen, and as long as
    /// nothing but white space is behind it.
    pub fn closing_brace(&self) -> Option<Closing> {
        let at = self.machine.closed_at().filter(|_| self.is_whole())?;
        Some(Closing {
            at,
            has_members: self.asked.has_members(),
        })
    }

    /// Bytes fed so far.
    pub fn bytes(&self) -> u64 {
        self.machine.fed()
    }

    fn is_whole(&self) -> bool {
        self.machine.is_done() && self.asked.is_object()
    }
}
