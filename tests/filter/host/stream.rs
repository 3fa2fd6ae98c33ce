//! One stream, and what may be done to it.

use super::state::{Phase, Reply};
use super::Request;

pub struct Stream {
    pub root: u32,
    pub phase: Phase,
    /// Whether it is held at its headers.
    pub paused: bool,
    pub request_headers: Vec<(String, Vec<u8>)>,
    attributes: Vec<(String, Vec<u8>)>,
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

    pub fn attribute(&self, path: &str) -> Option<Vec<u8>> {
        let found = self.attributes.iter().find(|(other, _)| other == path);
        found.map(|(_, value)| value.clone())
    }

    /// Envoy bears with a second time; the filter is to do it once.
    pub fn resume(&mut self) {
        assert!(self.paused, "resumed what was not held");
        assert!(self.reply.is_none(), "resumed after a reply");
        self.paused = false;
    }

    pub fn answer(&mut self, reply: Reply) {
        assert_eq!(self.phase, Phase::Request, "a reply to a response");
        assert!(self.reply.is_none(), "a second local reply");
        self.response_headers.clone_from(&reply.headers);
        self.reply = Some(reply);
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
