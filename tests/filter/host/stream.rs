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
    pub reply: Option<Reply>,
    pub state: String,
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
            reply: None,
            state: String::new(),
        }
    }

    /// `Some(None)`: there is one, of a kind that Envoy has no bytes for.
    pub fn attribute(&self, path: &str) -> Option<Option<Vec<u8>>> {
        let found = self.attributes.iter().find(|(other, _)| other == path);
        found.map(|(_, value)| value.clone())
    }

    /// Envoy bears with a second time; the filter is to do it once.
    pub fn resume(&mut self) {
        assert!(self.paused, "resumed what was not held");
        assert!(self.reply.is_none(), "resumed after a reply");
        self.paused = false;
    }

    pub fn answer(&mut self, mut reply: Reply) {
        assert_eq!(self.phase, Phase::Request, "a reply to a response");
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
