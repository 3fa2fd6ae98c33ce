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
    fn proxy_on_request_headers(id: u32, count: usize, end: bool) -> u32;
    fn proxy_on_request_body(id: u32, size: usize, end: bool) -> u32;
    fn proxy_on_response_headers(id: u32, count: usize, end: bool) -> u32;
    fn proxy_on_response_body(id: u32, size: usize, end: bool) -> u32;
    fn proxy_on_http_call_response(
        id: u32,
        token: u32,
        headers: usize,
        body: usize,
        trailers: usize,
    );
    // What the module exports as `proxy_on_done` and `proxy_on_tick`; `proxy_on_delete` and
    // `proxy_on_log` it does not export.
    fn tollg_on_done(id: u32) -> bool;
    fn tollg_on_tick(id: u32);
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

/// Ends a root context, at once or when it says that it is done: its calls end with it.
pub fn end_root(root: u32) {
    with(|host| host.enter(root));
    match unsafe { tollg_on_done(root) } {
        true => with(|host| host.forget(root)),
        false => with(|host| host.waiting.insert(root)),
    };
}

/// Runs the ticks that are armed, and due by then; whether there were any.
pub fn tick_until(end: u64) -> bool {
    let armed = with(|host| host.armed());
    let mut due = armed.into_iter().filter(|(_, due)| *due <= end).peekable();
    let any = due.peek().is_some();
    for (root, _) in due {
        with(|host| host.enter(root));
        with(|host| host.set_tick(host.roots[&root]));
        unsafe { tollg_on_tick(root) };
        with(|host| {
            if host.done.remove(&root) {
                host.forget(root);
            }
        });
    }
    any
}

/// A request, up to its end or to where it is held.
pub fn begin(root: u32, request: &Request) -> Step {
    go_on(start(root, request))
}

/// A request without a body, up to what the filter makes of its headers.
pub fn start(root: u32, request: &Request) -> u32 {
    start_to_end(root, request, true)
}

/// The same of one whose body is to come.
pub fn start_with_body(root: u32, request: &Request) -> u32 {
    start_to_end(root, request, false)
}

fn start_to_end(root: u32, request: &Request, is_end: bool) -> u32 {
    let id = next_id();
    let stream = Stream::new(root, request);
    let count = stream.request_headers.len();
    with(|host| {
        host.streams.insert(id, stream);
        host.enter(id);
    });
    let action = unsafe {
        proxy_on_context_create(id, root);
        proxy_on_request_headers(id, count, is_end)
    };
    with(|host| host.stream().paused = action == PAUSE);
    id
}

/// A piece of a request's body. Once its headers may go on, what the filter does not
/// hold does too.
pub fn request_body(id: u32, piece: &[u8], is_end: bool) {
    let size = with(|host| {
        host.enter(id);
        host.stream().request_body.come(piece)
    });
    let action = unsafe { proxy_on_request_body(id, size, is_end) };
    with(|host| {
        let stream = host.stream_of(id);
        stream.request_body.go(action == PAUSE, is_end);
        match action {
            PAUSE => stream.held_at_end |= is_end,
            // Whatever goes on takes the headers with it.
            _ => stream.paused = false,
        }
    });
}

/// The headers of the response.
pub fn response_headers(id: u32, status: u32, headers: &[(&str, &str)], is_end: bool) {
    with(|host| {
        host.enter(id);
        let stream = host.stream();
        stream.phase = Phase::Response;
        let headers = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        let status = (":status".to_owned(), status.to_string());
        stream.response_headers = std::iter::once(status).chain(headers).collect();
    });
    unsafe { proxy_on_response_headers(id, headers.len() + 1, is_end) };
    with(|host| host.stream_of(id).response_began = true);
}

/// A piece of the response's body.
pub fn response_body(id: u32, piece: &[u8], is_end: bool) {
    let size = with(|host| {
        host.enter(id);
        host.stream().response_body.come(piece)
    });
    let action = unsafe { proxy_on_response_body(id, size, is_end) };
    with(|host| host.stream_of(id).response_body.go(action == PAUSE, is_end));
}

/// Ends a stream that was answered, by its upstream or here.
pub fn end_answered(id: u32) -> Answer {
    let replied = with(|host| {
        host.enter(id);
        let stream = host.stream();
        stream.phase = Phase::Response;
        stream.reply.is_some() && !std::mem::replace(&mut stream.response_began, true)
    });
    if replied {
        unsafe { proxy_on_response_headers(id, 1, false) };
    }
    answer(end(id))
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
    answer(end(id))
}

fn answer(stream: Stream) -> Answer {
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
        client: stream.client,
        request: stream.request_headers,
    }
}

/// Ends a stream, wherever it is.
pub fn end(id: u32) -> Stream {
    with(|host| host.enter(id));
    assert!(unsafe { tollg_on_done(id) });
    with(|host| host.streams.remove(&id)).unwrap()
}
