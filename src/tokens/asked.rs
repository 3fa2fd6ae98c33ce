//! What the members of a request's body say.

use super::json::{Container, Scalar, Visitor, Whole};
use super::model::Named;
use super::Model;

/// Is told of a request's body, and keeps what it asks for.
#[derive(Debug)]
pub(super) struct Asked {
    is_object: bool,
    has_members: bool,
    /// Containers that are open.
    depth: u64,
    /// At a depth of two: whether that is `generationConfig`.
    in_generation: bool,
    name: Name,
    model: Named,
    max_output: Option<u64>,
    candidates: u64,
    streams: bool,
    has_stream_options: bool,
}

/// The name of a member, as far as it matters where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Model,
    MaxOutput,
    Candidates,
    Stream,
    Generation,
    Other,
}

// === impl Asked ===

impl Asked {
    pub(super) fn new() -> Self {
        Self {
            is_object: false,
            has_members: false,
            depth: 0,
            in_generation: false,
            name: Name::Other,
            model: Named::new(),
            max_output: None,
            candidates: 1,
            streams: false,
            has_stream_options: false,
        }
    }

    pub(super) fn is_object(&self) -> bool {
        self.is_object
    }

    pub(super) fn has_members(&self) -> bool {
        self.has_members
    }

    pub(super) fn model(&self) -> Model<'_> {
        self.model.model()
    }

    pub(super) fn max_output(&self) -> Option<u64> {
        self.max_output
    }

    pub(super) fn candidates(&self) -> u64 {
        self.candidates
    }

    pub(super) fn streams(&self) -> bool {
        self.streams
    }

    pub(super) fn has_stream_options(&self) -> bool {
        self.has_stream_options
    }

    /// A value of the member in hand that is no string.
    fn other_value(&mut self) {
        match self.name {
            Name::Model => self.model.other(),
            Name::Stream => self.streams = false,
            _ => {}
        }
    }
}

impl Visitor for Asked {
    fn key(&mut self, name: &[u8]) {
        self.name = match self.depth {
            1 => {
                self.has_members = true;
                self.has_stream_options |= name == b"stream_options";
                Name::at_top(name)
            }
            2 if self.in_generation => Name::in_generation(name),
            _ => Name::Other,
        };
    }

    fn open(&mut self, container: Container) {
        match self.depth {
            0 => self.is_object = container == Container::Object,
            1 => {
                self.in_generation =
                    self.name == Name::Generation && container == Container::Object;
                self.other_value();
            }
            _ => {}
        }
        self.depth = self.depth.saturating_add(1);
        self.name = Name::Other;
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.name = Name::Other;
    }

    fn string(&mut self) -> bool {
        if self.name == Name::Model {
            self.model.begin();
        }
        self.name == Name::Model
    }

    fn piece(&mut self, text: &[u8]) {
        self.model.push(text);
    }

    fn wants_number(&self) -> bool {
        matches!(self.name, Name::MaxOutput | Name::Candidates)
    }

    fn scalar(&mut self, scalar: Scalar) {
        let number = match scalar {
            Scalar::Number(Whole::Of(number)) => Some(number),
            // More than all there can be: to ignore it would let it pass for less.
            Scalar::Number(Whole::TooLarge) => Some(u64::MAX),
            _ => None,
        };
        match (self.name, scalar) {
            (Name::MaxOutput, _) => self.max_output = self.max_output.max(number),
            (Name::Candidates, _) => {
                self.candidates = self.candidates.max(number.unwrap_or_default());
            }
            (Name::Stream, Scalar::True) => self.streams = true,
            (Name::Model, Scalar::String) => self.model.end(),
            _ => self.other_value(),
        }
    }
}

// === impl Name ===

impl Name {
    /// The name of a member of the outermost object. Some readers, Go's among
    /// them, take no notice of case: what may cost more is looked for in any, and
    /// `stream`, which only tells what will come back, as it is written.
    fn at_top(name: &[u8]) -> Self {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        if is(b"model") {
            Self::Model
        } else if is(b"max_tokens") || is(b"max_completion_tokens") || is(b"max_output_tokens") {
            Self::MaxOutput
        } else if is(b"n") || is(b"best_of") || is(b"candidateCount") {
            Self::Candidates
        } else if is(b"generationConfig") || is(b"generation_config") {
            Self::Generation
        } else if name == b"stream" {
            Self::Stream
        } else {
            Self::Other
        }
    }

    /// The name of a member of `generationConfig`.
    fn in_generation(name: &[u8]) -> Self {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        if is(b"maxOutputTokens") || is(b"max_output_tokens") {
            Self::MaxOutput
        } else if is(b"candidateCount") || is(b"candidate_count") {
            Self::Candidates
        } else {
            Self::Other
        }
    }
}
