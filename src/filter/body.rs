//! A request's body on its way: read piece by piece, and held only where it must be.

use std::rc::Rc;

use log::error;
use proxy_wasm::types::Action;

use crate::host::{self, HostRequest};
use crate::request::Request;
use crate::tokens::{Policy, RequestScanner, UsageFrom};

/// What was seen of a request's body.
pub(super) struct Body {
    pub(super) policy: Rc<Policy>,
    pub(super) scanner: RequestScanner,
    /// Its length, where the headers say it.
    length: Option<u64>,
    /// Bytes in Envoy's buffer that were read already.
    held: usize,
    /// Whether all of it was read.
    complete: bool,
    /// Whether all of it was, and Envoy has not said so.
    ending: bool,
    edit: Edit,
}

/// Whether a request is held with its headers until its body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    Yes,
    No,
}

/// Whether a stream is to be asked for its usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edit {
    /// No.
    Never,
    /// If the body turns out to be one that can be asked.
    IfStream,
    /// It was, and its body has grown by so many bytes.
    Done { added: u64 },
}

/// What is put before the brace that closes a body.
const ASK: &str = "\"stream_options\":{\"include_usage\":true}";

// === impl Body ===

impl Body {
    /// The body that is to come of a request. Where it may have to be edited, its old
    /// length must not be told: what is more would be read as the next request.
    pub(super) fn expected(policy: Rc<Policy>, request: &HostRequest<'_>, hold: Hold) -> Self {
        let mut body = Self {
            scanner: RequestScanner::new(),
            length: request.body_length(),
            held: 0,
            complete: false,
            ending: false,
            edit: Edit::Never,
            policy,
        };
        if body.policy.include_usage && body.is_short() && may_be_asked(request) {
            body.edit = Edit::IfStream;
            if hold == Hold::No {
                host::remove_request_header("content-length");
            }
        }
        body
    }

    /// Whether it is short enough for its end to wait for a decision.
    pub(super) fn is_short(&self) -> bool {
        self.policy.is_short(self.length)
    }

    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether all of it is here but its end, for which the last piece waits.
    pub(super) fn is_ending(&self) -> bool {
        self.ending
    }

    /// Reads what has come: Envoy's buffer has so many bytes, what it holds already
    /// among them. With the last byte a body is complete, whether or not Envoy has said
    /// so yet: an upstream needs no more than these. A short one's last piece waits for
    /// Envoy to say so, or a refusal would cost the client its connection.
    pub(super) fn read(&mut self, size: usize, is_end: bool) {
        let before = self.scanner.bytes();
        let piece = host::request_body(self.held, size.saturating_sub(self.held));
        self.scanner.feed(&piece);
        if self.edit == Edit::IfStream {
            self.ask_for_usage(before, &piece);
        }
        self.held = self.held.saturating_add(piece.len());
        let is_all = self
            .length
            .is_some_and(|length| self.scanner.bytes() >= length);
        self.ending = is_all && !is_end && self.is_short();
        if (is_end || is_all) && !self.ending && !self.complete {
            self.complete = true;
            self.scanner.end();
        }
    }

    /// What Envoy held goes on.
    pub(super) fn released(&mut self) {
        self.held = 0;
    }

    /// Asks a stream for its usage, once the brace has come that closes the body, at
    /// the end of which it can be asked. `piece` is what came with it, of which the
    /// first byte is the body's byte number `before`.
    fn ask_for_usage(&mut self, before: u64, piece: &[u8]) {
        let Some(closing) = self.scanner.closing_brace() else {
            return;
        };
        self.edit = Edit::Never;
        if !self.scanner.streams() || self.scanner.has_stream_options() {
            return;
        }
        let at = closing.at.checked_sub(before);
        let at = at.and_then(|at| usize::try_from(at).ok());
        let Some(open) = at.and_then(|at| piece.get(..at)) else {
            return;
        };
        let mut asking = host::request_body(0, self.held);
        asking.extend_from_slice(open);
        let replaced = asking.len();
        if closing.has_members {
            asking.push(b',');
        }
        asking.extend_from_slice(ASK.as_bytes());
        let added = asking.len().saturating_sub(replaced);
        match host::replace_request_body(replaced, &asking) {
            Ok(()) => {
                self.held = self.held.saturating_add(added);
                let added = u64::try_from(added).unwrap_or(u64::MAX);
                self.edit = Edit::Done { added };
            }
            Err(failure) => error!("a stream could not be asked for its usage: {failure}"),
        }
    }

    /// Tells the length of a body that was held with its headers and edited.
    pub(super) fn tell_new_length(&self) {
        if let (Edit::Done { added }, Some(length)) = (self.edit, self.length) {
            let length = length.saturating_add(added).to_string();
            host::set_request_header("content-length", &length);
        }
    }
}

// === impl Hold ===

impl Hold {
    /// What is to be held of a request that waits for its body. A body that may be
    /// too long for Envoy's buffer is not.
    pub(super) fn of(policy: &Policy, request: &HostRequest<'_>) -> Self {
        match policy.hold && policy.is_short(request.body_length()) {
            true => Self::Yes,
            false => Self::No,
        }
    }

    pub(super) fn action(self) -> Action {
        match self {
            Self::Yes => Action::Pause,
            Self::No => Action::Continue,
        }
    }
}

/// Has the upstream send a response that can be read.
pub(super) fn keep_response_readable(policy: &Policy, request: &HostRequest<'_>) {
    let reads = matches!(policy.usage, UsageFrom::Body(_));
    if reads && request.header("accept-encoding").next().is_some() {
        host::remove_request_header("accept-encoding");
    }
}

/// Whether it may be one that can be asked for its usage. Other APIs refuse a field
/// that they do not know, and report without being asked.
fn may_be_asked(request: &HostRequest<'_>) -> bool {
    let path = request.path().split(|byte| *byte == b'?').next();
    path.is_some_and(|path| path.ends_with(b"/completions")) && is_json(request)
}

fn is_json(request: &HostRequest<'_>) -> bool {
    let name = b"application/json";
    let found = request.first("content-type");
    let (kind, rest) = found.split_at_checked(name.len()).unwrap_or_default();
    let is_compressed = request.header("content-encoding").next().is_some();
    kind.eq_ignore_ascii_case(name) && matches!(rest, [] | [b';' | b' ', ..]) && !is_compressed
}
