//! The calls that Envoy makes into the filter.
#![allow(unsafe_code)]

use std::collections::BTreeSet;
use std::sync::Once;

use tollgate as _;

use super::calls::{Call, Pending, Response, Step};
use super::state::{current, next_id, with, Phase};
use super::stream::Stream;
use super::{Answer, Request};

const PAUSE: u32 = 1;

extern "C" {
    fn _initialize();
    fn proxy_on_context_create(id: u32, root: u32);
    fn proxy_on_configure(id: u32, size: usize) -> bool;
    fn proxy_on_tick(id: u32);
    fn proxy_on_request_headers(id: u32, count: usize, end: bool) -> u32;
    fn proxy_on_response_headers(id: u32, count: usize, end: bool) -> u32;
    fn proxy_on_http_call_response(
        id: u32,
        token: u32,
        headers: usize,
        body: usize,
        trailers: usize,
    );
    fn proxy_on_done(id: u32) -> bool;
    fn proxy_on_log(id: u32);
    fn proxy_on_delete(id: u32);
}

/// A new root context with this configuration; `None` where it is refused.
pub fn configure(config: &str) -> Option<u32> {
    static FIRST: Once = Once::new();
    let root = next_id();
    with(|host| {
        host.config = config.into();
        host.roots.insert(root, 0);
        host.enter(root);
    });
    let taken = unsafe {
        // The SDK sets its logger up without a lock.
        FIRST.call_once(|| _initialize());
        _initialize();
        proxy_on_context_create(root, 0);
        proxy_on_configure(root, config.len())
    };
    if taken {
        return Some(root);
    }
    end_root(root);
    None
}

/// Ends a root context: its calls end with it.
pub fn end_root(root: u32) {
    with(|host| host.enter(root));
    unsafe {
        proxy_on_done(root);
        proxy_on_delete(root);
    }
    with(|host| {
        host.roots.remove(&root);
        host.calls.retain(|_, call| call.root != root);
    });
}

/// Runs the ticks that are armed; whether there were any.
pub fn tick() -> bool {
    let roots = with(|host| host.roots.clone());
    let armed: Vec<u32> = roots
        .into_iter()
        .filter_map(|(root, period)| (period > 0).then_some(root))
        .collect();
    for root in &armed {
        with(|host| host.enter(*root));
        unsafe { proxy_on_tick(*root) };
    }
    !armed.is_empty()
}

/// A request, up to its end or to where it is held.
pub fn begin(root: u32, request: &Request) -> Step {
    go_on(start(root, request))
}

/// A request, up to what the filter makes of its headers.
pub fn start(root: u32, request: &Request) -> u32 {
    let id = next_id();
    let stream = Stream::new(root, request);
    let count = stream.request_headers.len();
    with(|host| {
        host.streams.insert(id, stream);
        host.enter(id);
    });
    let action = unsafe {
        proxy_on_context_create(id, root);
        proxy_on_request_headers(id, count, true)
    };
    with(|host| host.stream().paused = action == PAUSE);
    id
}

/// Brings a call's answer, if the root that it was made under still lives.
pub fn deliver(call: &Call, response: Response) {
    if with(|host| host.calls.remove(&call.token)).is_none() {
        return;
    }
    let (headers, body) = (response.headers.len(), response.body.len());
    with(|host| {
        host.response = Some(response);
        host.enter(call.root);
    });
    unsafe { proxy_on_http_call_response(call.root, call.token, headers, body, 0) };
    with(|host| host.response = None);
}

/// What becomes of a stream after a callback.
pub fn go_on(id: u32) -> Step {
    let calls = with(|host| host.calls_of(&BTreeSet::from([id])));
    let (paused, replied) = with(|host| {
        host.enter(id);
        let stream = host.stream();
        (stream.paused, stream.reply.is_some())
    });
    let mut calls = calls.into_iter();
    let call = calls.next();
    assert!(calls.next().is_none(), "two calls for one request");
    match call {
        Some(call) if paused && !replied => Step::Asks(Pending {
            host: current(),
            stream: id,
            call,
        }),
        Some(call) => panic!("decided while a call is under way: {call:?}"),
        None => {
            assert_eq!(
                paused, replied,
                "held without a call, or passed and answered"
            );
            Step::Done(respond(id))
        }
    }
}

/// The response, from its headers to its end. Envoy takes a local reply through
/// the filter's callbacks too.
pub fn respond(id: u32) -> Answer {
    with(|host| {
        host.enter(id);
        host.stream().phase = Phase::Response;
    });
    unsafe { proxy_on_response_headers(id, 1, false) };
    let stream = end(id);
    let (status, details, body) = match stream.reply {
        Some(reply) => (reply.status, reply.details, reply.body),
        None => (200, String::new(), String::new()),
    };
    Answer {
        status,
        details,
        body,
        headers: stream.response_headers,
        state: stream.state,
        request: stream.request_headers,
    }
}

/// Ends a stream, wherever it is.
pub fn end(id: u32) -> Stream {
    with(|host| host.enter(id));
    unsafe {
        proxy_on_log(id);
        proxy_on_done(id);
        proxy_on_delete(id);
    }
    with(|host| host.streams.remove(&id)).unwrap()
}
