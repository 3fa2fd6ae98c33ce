//! A request and its response, piece by piece, as a test wants them to come.

use std::cell::RefCell;
use std::rc::Rc;

use super::state::{turn_to, with, Host};
use super::{vm, Answer, Call, Gateway, Redis, Request};

/// A request with a body on its way, and its response.
pub struct Exchange {
    host: Rc<RefCell<Host>>,
    stream: u32,
    /// Envoy's `allow_on_headers_stop_iteration`: without it, nothing of a body comes
    /// before its headers may go on.
    comes_early: bool,
    /// What waits for the headers to go on.
    waiting: Vec<(Vec<u8>, bool)>,
}

// === impl Gateway ===

impl Gateway {
    /// The headers of a request whose body is to come.
    pub fn exchange(&self, request: &Request) -> Exchange {
        self.exchange_with(request, false)
    }

    /// The same in an Envoy that lets bodies come while headers are held.
    pub fn exchange_early(&self, request: &Request) -> Exchange {
        self.exchange_with(request, true)
    }

    fn exchange_with(&self, request: &Request, comes_early: bool) -> Exchange {
        turn_to(&self.host);
        Exchange {
            host: self.host.clone(),
            stream: vm::start_with_body(self.root, request),
            comes_early,
            waiting: Vec::new(),
        }
    }

    /// A whole request and its whole response: as one who does not care how they come.
    pub fn call(&self, request: &Request, body: &str, response: &str) -> Answer {
        let mut exchange = self.exchange(&request.clone().sized(body));
        exchange.send(body, true);
        if exchange.is_refused() {
            return exchange.end();
        }
        exchange.respond(200, &[("content-type", "application/json")]);
        exchange.receive(response, true);
        exchange.end()
    }
}

// === impl Exchange ===

impl Exchange {
    /// A piece of the request's body comes, the last one where `is_end`.
    pub fn send(&mut self, piece: impl AsRef<[u8]>, is_end: bool) {
        turn_to(&self.host);
        if self.is_held_at_headers() && !self.comes_early {
            self.waiting.push((piece.as_ref().to_vec(), is_end));
        } else {
            vm::request_body(self.stream, piece.as_ref(), is_end);
        }
    }

    /// Answers the call that the request waits for.
    #[track_caller]
    pub fn answer_by(&mut self, redis: &mut Redis) {
        turn_to(&self.host);
        let call = self.asks().expect("no call is under way");
        vm::deliver(&call, redis.answer(&call));
        self.after_answer();
    }

    /// What waited for its headers comes, once they may go on.
    pub fn after_answer(&mut self) {
        turn_to(&self.host);
        if self.is_held_at_headers() || with(|host| host.stream_of(self.stream).reply.is_some()) {
            return;
        }
        for (piece, is_end) in std::mem::take(&mut self.waiting) {
            vm::request_body(self.stream, &piece, is_end);
        }
    }

    /// The call that it waits for.
    pub fn asks(&self) -> Option<Call> {
        turn_to(&self.host);
        let calls = with(|host| host.calls_of(&[self.stream].into()));
        calls.into_iter().next()
    }

    /// Whether nothing has reached the upstream.
    pub fn is_held_at_headers(&self) -> bool {
        turn_to(&self.host);
        with(|host| host.stream_of(self.stream).paused)
    }

    pub fn is_refused(&self) -> bool {
        turn_to(&self.host);
        with(|host| host.stream_of(self.stream).reply.is_some())
    }

    /// What the upstream has of the body, and whether it has its end.
    pub fn upstream_has(&self) -> (Vec<u8>, bool) {
        turn_to(&self.host);
        with(|host| {
            let body = &host.stream_of(self.stream).request_body;
            (body.passed.clone(), body.has_ended)
        })
    }

    /// A header as the upstream has it.
    pub fn forwarded(&self, name: &str) -> Option<String> {
        turn_to(&self.host);
        with(|host| {
            let headers = &host.stream_of(self.stream).request_headers;
            let found = headers.iter().find(|(other, _)| other == name);
            found.map(|(_, value)| String::from_utf8(value.clone()).unwrap())
        })
    }

    /// The headers of the response, of which a body follows.
    pub fn respond(&mut self, status: u32, headers: &[(&str, &str)]) {
        self.respond_to_end(status, headers, false);
    }

    /// The headers of the response, the whole of it where `is_end`.
    pub fn respond_to_end(&mut self, status: u32, headers: &[(&str, &str)], is_end: bool) {
        turn_to(&self.host);
        vm::response_headers(self.stream, status, headers, is_end);
    }

    /// A piece of the response comes, and goes on as it is.
    #[track_caller]
    pub fn receive(&mut self, piece: impl AsRef<[u8]>, is_end: bool) {
        turn_to(&self.host);
        vm::response_body(self.stream, piece.as_ref(), is_end);
        let passed = with(|host| host.stream_of(self.stream).response_body.passed.clone());
        assert!(
            passed.ends_with(piece.as_ref()),
            "a response was changed or held"
        );
    }

    /// Everything has ended.
    pub fn end(self) -> Answer {
        turn_to(&self.host);
        vm::end_answered(self.stream)
    }

    /// The client goes, or the upstream does.
    pub fn reset(self) {
        turn_to(&self.host);
        vm::end(self.stream);
    }
}
