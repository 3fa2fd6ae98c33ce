//! What a request asks for, found in its body as it passes.

/// Reads of a request's body what it asks for, as it passes.
#[derive(Debug, Default)]
pub struct RequestScanner {
    bytes: u64,
}

/// The model that a body names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model<'a> {
    /// A JSON object that names none.
    None,
    /// Its name in UTF-8, without JSON's escapes.
    One(&'a [u8]),
    /// Two different ones: whichever is taken here, the upstream may take the
    /// other.
    Several,
    /// No JSON object, or not all of it yet, or none that can be told from
    /// another: UTF-16, nested too deep, a name of more than 256 bytes.
    Unreadable,
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

impl RequestScanner {
    /// A scanner before the body's first byte.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the body, cut anywhere.
    pub fn feed(&mut self, _chunk: &[u8]) {}

    /// After the last byte.
    pub fn end(&mut self) {}

    /// The model that it names. [`Model::Unreadable`] before [`Self::end`].
    pub fn model(&self) -> Model<'_> {
        Model::Unreadable
    }

    /// The request's own maximum of output tokens: the largest that it says
    /// anywhere where an API looks for one.
    pub fn max_output(&self) -> Option<u64> {
        None
    }

    /// How many answers it asks for, at least 1.
    pub fn candidates(&self) -> u64 {
        1
    }

    /// Whether it asks for a stream: `"stream": true`, the last one if there are
    /// several.
    pub fn streams(&self) -> bool {
        false
    }

    /// Whether it has `stream_options`, whatever they are.
    pub fn has_stream_options(&self) -> bool {
        false
    }

    /// Where the top-level object ends, once that was seen.
    pub fn closing_brace(&self) -> Option<Closing> {
        None
    }

    /// Bytes fed so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}
