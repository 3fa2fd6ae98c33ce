//! One stream, and what may be done to it.

use super::state::{Phase, Reply};
use super::Request;

pub struct Stream {
    pub root: u32,
    pub phase: Phase,
    /// Whether it is held at its headers.
    pub paused: bool,
    pub request_headers: Vec<(String, Vec<u8>)>,
    attributes: Vec<(String, Option<Vec<u8>>)>,
    pub response_headers: Vec<(String, String)>,
    pub request_body: Body,
    pub response_body: Body,
    pub reply: Option<Reply>,
    pub state: String,
    pub client: Option<String>,
    /// Whether the end of the request's body is held.
    pub held_at_end: bool,
    /// Whether the response's headers have gone on.
    pub response_began: bool,
}

/// A body on its way.
#[derive(Default)]
pub struct Body {
    /// What a callback is shown: the piece that has come, after what is held.
    buffer: Vec<u8>,
    is_shown: bool,
    /// What has gone on.
    pub passed: Vec<u8>,
    pub has_ended: bool,
}

// === impl Body ===

impl Body {
    /// A piece comes. Returns how many bytes the callback is told of.
    pub fn come(&mut self, piece: &[u8]) -> usize {
        self.buffer.extend(piece);
        self.is_shown = true;
        self.buffer.len()
    }

    fn is_held(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// The callback is over: what was shown goes on, or is held.
    pub fn go(&mut self, is_held: bool, is_end: bool) {
        self.is_shown = false;
        if !is_held {
            self.passed.append(&mut self.buffer);
            self.has_ended |= is_end;
        }
    }

    pub fn in_callback(&self) -> Option<Vec<u8>> {
        self.is_shown.then(|| self.buffer.clone())
    }

    /// Envoy's `Buffer::copyFrom`: only what a buffer begins or ends with.
    pub fn replace(&mut self, start: usize, length: usize, bytes: &[u8]) -> bool {
        assert!(self.is_shown, "an edit outside of a body's callback");
        if start != 0 {
            return false;
        }
        self.buffer
            .splice(..length.min(self.buffer.len()), bytes.iter().copied());
        true
    }
}

// === impl Stream ===

impl Stream {
    pub fn new(root: u32, request: &Request) -> Self {
        Self {
            root,
            phase: Phase::Request,
            paused: false,
            request_headers: merged(&request.headers),
            attributes: request.attributes.clone(),
            response_headers: request.upstream.clone(),
            request_body: Body::default(),
            response_body: Body::default(),
            reply: None,
            state: String::new(),
            held_at_end: false,
            response_began: false,
            client: None,
        }
    }

    /// `Some(None)`: there is one, of a kind that Envoy has no bytes for.
    pub fn attribute(&self, path: &str) -> Option<Option<Vec<u8>>> {
        let found = self.attributes.iter().find(|(other, _)| other == path);
        found.map(|(_, value)| value.clone())
    }

    /// Envoy bears with a second time; the filter is to do it once.
    pub fn resume(&mut self) {
        assert!(
            self.paused || self.request_body.is_held(),
            "resumed what was not held"
        );
        assert!(self.reply.is_none(), "resumed after a reply");
        self.paused = false;
        self.request_body.go(false, self.held_at_end);
    }

    /// A header of the response, once there is one.
    pub fn response_header(&self, name: &str) -> Option<String> {
        assert_eq!(
            self.phase,
            Phase::Response,
            "response headers before there are any"
        );
        let found = self
            .response_headers
            .iter()
            .find(|(other, _)| other == name);
        found.map(|(_, value)| value.clone())
    }

    /// Envoy also puts a reply in place of a response that has just begun.
    pub fn answer(&mut self, mut reply: Reply) {
        let has_begun = self.phase == Phase::Response && !self.response_began;
        assert!(
            self.phase == Phase::Request || has_begun,
            "a reply to a response"
        );
        assert!(self.reply.is_none(), "a second local reply");
        if self.is_grpc() {
            reply.turn_to_grpc();
        }
        self.response_headers.clone_from(&reply.headers);
        self.reply = Some(reply);
    }

    /// Envoy's `Grpc::Common::hasGrpcContentType`.
    fn is_grpc(&self) -> bool {
        let mut headers = self.request_headers.iter();
        let kind = headers.find(|(name, _)| name == "content-type");
        kind.is_some_and(|(_, kind)| {
            kind == b"application/grpc" || kind.starts_with(b"application/grpc+")
        })
    }
}

// === impl Reply ===

impl Reply {
    /// Puts it into trailers alone, as Envoy's `Http::Utility::prepareLocalReply`.
    fn turn_to_grpc(&mut self) {
        assert!(
            (0..=16).contains(&self.grpc_status),
            "left to Envoy's guess"
        );
        self.status = 200;
        self.headers.retain(|(name, _)| name != "content-type");
        for (name, value) in [
            ("content-type", "application/grpc".to_owned()),
            ("grpc-status", self.grpc_status.to_string()),
            ("grpc-message", std::mem::take(&mut self.body)),
        ] {
            self.headers.push((name.to_owned(), value));
        }
    }
}

/// Header lines as Envoy hands them on: those of `authorization` joined by a
/// comma, without the empty ones (`HeaderMapImpl::appendToHeader`); those of a
/// header that Envoy does not know stay apart.
fn merged(lines: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, value) in lines {
        let earlier = headers.iter_mut().find(|(other, _)| other == name);
        match earlier.filter(|_| name == "authorization") {
            Some((_, joined)) if !joined.is_empty() && !value.is_empty() => {
                joined.push(b',');
                joined.extend(value);
            }
            Some((_, joined)) => joined.extend(value),
            None => headers.push((name.clone(), value.clone())),
        }
    }
    headers
}
