//! How the body of a response is framed.

/// How the body of a response is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// One JSON text.
    Json,
    /// Server-sent events (WHATWG HTML, section 9.2), each with a JSON text.
    Events,
}

// === impl Framing ===

impl Framing {
    /// The framing that a `content-type` says: events for `text/event-stream`,
    /// whatever its parameters, and JSON for all else.
    pub fn of(content_type: &[u8]) -> Self {
        let mut parts = content_type.split(|byte| *byte == b';');
        let media_type = parts.next().unwrap_or_default().trim_ascii();
        if media_type.eq_ignore_ascii_case(b"text/event-stream") {
            Self::Events
        } else {
            Self::Json
        }
    }
}
