//! Where in a response's document something stands.

use super::json::Container;
use super::reported::Field;
use super::Shape;

/// The container in which something stands, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In none.
    Outside,
    /// The array in which Gemini sends the documents of a stream.
    Documents,
    /// The outermost object.
    Document,
    /// The outermost object in [`Self::Documents`].
    Element,
    /// `response` of an event of OpenAI's.
    Response,
    /// `message` of an event of Anthropic's.
    Message,
    Usage,
    Metadata,
    Choices,
    Candidates,
    /// One of them.
    Candidate,
    /// Anywhere else.
    Other,
}

/// The name of a member, as far as it matters where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Usage,
    Metadata,
    Response,
    Message,
    Choices,
    Candidates,
    FinishReason,
    Type,
    Tokens(Field),
    /// Its value, if it is a string, is what the model wrote.
    Text,
    Other,
}

// === impl Place ===

impl Place {
    /// Where the members of a container stand that is the value of `name` here.
    pub(super) fn within(self, name: Name, container: Container) -> Self {
        use Container::{Array, Object};
        match (self, name, container) {
            (Self::Outside, _, Object) => Self::Document,
            (Self::Outside, _, Array) => Self::Documents,
            (Self::Documents, _, Object) => Self::Element,
            (Self::Document | Self::Response | Self::Message, Name::Usage, Object) => Self::Usage,
            (Self::Document, Name::Response, Object) => Self::Response,
            (Self::Document, Name::Message, Object) => Self::Message,
            (Self::Document, Name::Choices, Array) => Self::Choices,
            (Self::Document | Self::Element, Name::Metadata, Object) => Self::Metadata,
            (Self::Document | Self::Element, Name::Candidates, Array) => Self::Candidates,
            (Self::Candidates, _, Object) => Self::Candidate,
            _ => Self::Other,
        }
    }

    /// Whether a document ends where this does.
    pub(super) fn is_document(self) -> bool {
        matches!(self, Self::Document | Self::Element)
    }
}

// === impl Name ===

impl Name {
    /// A name here, of those that the shape has.
    pub(super) fn of(name: &[u8], place: Place, shape: Shape) -> Self {
        let openai = matches!(shape, Shape::Auto | Shape::OpenAi);
        let anthropic = matches!(shape, Shape::Auto | Shape::Anthropic);
        let gemini = matches!(shape, Shape::Auto | Shape::Gemini);
        let known = match (place, name) {
            (Place::Usage, _) => Field::of_usage(name, shape).map(Self::Tokens),
            (Place::Metadata, _) => Field::of_metadata(name).map(Self::Tokens),
            (Place::Document, b"usage") if openai || anthropic => Some(Self::Usage),
            (Place::Response | Place::Message, b"usage") => Some(Self::Usage),
            (Place::Document, b"response") if openai => Some(Self::Response),
            (Place::Document, b"message") if anthropic => Some(Self::Message),
            (Place::Document, b"choices") if openai => Some(Self::Choices),
            (Place::Document, b"type") => Some(Self::Type),
            (Place::Document | Place::Element, b"usageMetadata") if gemini => Some(Self::Metadata),
            (Place::Document | Place::Element, b"candidates") if gemini => Some(Self::Candidates),
            (Place::Candidate, b"finishReason") => Some(Self::FinishReason),
            _ => None,
        };
        known.unwrap_or(if is_text(name) {
            Self::Text
        } else {
            Self::Other
        })
    }
}

/// Whether a string of this name is what the model wrote, in the words of any
/// API: answers, thoughts, refusals and the arguments of its calls.
fn is_text(name: &[u8]) -> bool {
    matches!(
        name,
        b"content"
            | b"text"
            | b"delta"
            | b"reasoning"
            | b"reasoning_content"
            | b"thinking"
            | b"arguments"
            | b"partial_json"
            | b"refusal"
            | b"transcript"
            | b"generated_text"
            | b"completion"
    )
}
