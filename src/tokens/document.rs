//! What a response's documents say: one of them, or one in each event.

use super::json::{Container, Scalar, Short, Visitor, Whole};
use super::place::{Name, Place};
use super::reported::Reported;
use super::{Shape, Usage};

/// Is told of documents, and keeps what they say of usage.
#[derive(Debug)]
pub(super) struct Documents {
    shape: Shape,
    place: Place,
    /// Where the innermost containers stand that are open.
    around: [Place; PLACES],
    open: usize,
    name: Name,
    reported: Reported,
    document: Document,
    /// Bytes of text in the documents before.
    text: u64,
    ended: bool,
    is_final: bool,
}

/// What is known of the document in hand.
#[derive(Debug)]
struct Document {
    kind: Short<LONGEST_KIND>,
    has_usage: bool,
    has_choice: bool,
    has_choices: bool,
    is_finished: bool,
    text: u64,
}

/// No place that matters has more around it.
const PLACES: usize = 5;

/// The longest `type` that matters, and some more.
const LONGEST_KIND: usize = 64;

// === impl Documents ===

impl Documents {
    /// Before the first document.
    pub(super) fn new(shape: Shape) -> Self {
        Self {
            shape,
            place: Place::Outside,
            around: [Place::Other; PLACES],
            open: 0,
            name: Name::Other,
            reported: Reported::default(),
            document: Document::new(),
            text: 0,
            ended: false,
            is_final: false,
        }
    }

    /// Before the next document, whatever has come of the one before.
    pub(super) fn restart(&mut self) {
        self.settle();
        self.place = Place::Outside;
        self.open = 0;
        self.name = Name::Other;
    }

    pub(super) fn usage(&self) -> Usage {
        self.reported.usage()
    }

    /// Whether some document was the last that could say anything of usage.
    pub(super) fn is_final(&self) -> bool {
        self.is_final
    }

    /// Whether one has come to its end.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Bytes of generated text.
    pub(super) fn text(&self) -> u64 {
        self.text.saturating_add(self.document.new_text())
    }

    fn settle(&mut self) {
        self.text = self.text();
        self.document = Document::new();
    }
}

impl Visitor for Documents {
    #[inline]
    fn key(&mut self, name: &[u8]) {
        self.name = Name::of(name, self.place, self.shape);
    }

    fn open(&mut self, container: Container) {
        match self.place {
            Place::Choices => self.document.has_choice = true,
            Place::Document if self.name == Name::Choices => {
                self.document.has_choices = true;
            }
            _ => {}
        }
        let within = self.place.within(self.name, container);
        if let Some(around) = self.around.get_mut(self.open) {
            *around = self.place;
        }
        self.open = self.open.saturating_add(1);
        self.place = within;
        self.name = Name::Other;
    }

    fn close(&mut self) {
        let ends = self.place.is_document();
        self.open = self.open.saturating_sub(1);
        self.place = self.around.get(self.open).copied().unwrap_or(Place::Other);
        self.name = Name::Other;
        self.ended |= self.open == 0;
        if ends {
            self.is_final |= self.document.is_final();
            self.settle();
        }
    }

    #[inline]
    fn string(&mut self) -> bool {
        if self.name == Name::Type {
            self.document.kind.clear();
        }
        matches!(self.name, Name::Text | Name::Type)
    }

    #[inline]
    fn piece(&mut self, text: &[u8]) {
        if self.name == Name::Type {
            self.document.kind.push(text);
        } else {
            let len = u64::try_from(text.len()).unwrap_or(u64::MAX);
            self.document.text = self.document.text.saturating_add(len);
        }
    }

    #[inline]
    fn wants_number(&self) -> bool {
        matches!(self.name, Name::Tokens(_))
    }

    #[inline]
    fn scalar(&mut self, scalar: Scalar) {
        match (self.name, scalar) {
            (Name::Tokens(field), Scalar::Number(Whole::Of(tokens))) => {
                self.reported.set(field, tokens);
                self.document.has_usage = true;
            }
            (Name::FinishReason, Scalar::String) => self.document.is_finished = true,
            _ if self.place == Place::Choices => self.document.has_choice = true,
            _ => {}
        }
    }
}

// === impl Document ===

impl Document {
    fn new() -> Self {
        Self {
            kind: Short::new(),
            has_usage: false,
            has_choice: false,
            has_choices: false,
            is_finished: false,
            text: 0,
        }
    }

    /// Whether no event after this one says anything of usage: OpenAI's with
    /// usage and no choice, and the last of a response, Anthropic's with the
    /// final count, and Gemini's with the reason why it stopped.
    fn is_final(&self) -> bool {
        let without_choice = self.has_choices && !self.has_choice;
        let last_with_usage = match self.kind.get() {
            Some(b"message_stop") => return true,
            Some(
                b"message_delta"
                | b"response.completed"
                | b"response.incomplete"
                | b"response.failed",
            ) => true,
            _ => without_choice || self.is_finished,
        };
        self.has_usage && last_with_usage
    }

    /// Bytes of text that no document before had. Of OpenAI's responses all
    /// events but the deltas tell again what the deltas told.
    fn new_text(&self) -> u64 {
        let kind = self.kind.get().unwrap_or_default();
        let tells_again = kind.starts_with(b"response.") && !kind.ends_with(b".delta");
        if tells_again {
            0
        } else {
            self.text
        }
    }
}
