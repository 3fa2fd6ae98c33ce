//! The calls that Envoy makes into the filter.
#![allow(unsafe_code)]

use std::sync::Once;

use tollgate as _;

use super::state::{with, Phase};
use super::Answer;

const PAUSE: u32 = 1;

extern "C" {
    fn _initialize();
    fn proxy_on_context_create(id: u32, root: u32);
    fn proxy_on_configure(id: u32, size: usize) -> bool;
    fn proxy_on_tick(id: u32);
    fn proxy_on_request_headers(id: u32, count: usize, end: bool) -> u32;
    fn proxy_on_response_headers(id: u32, count: usize, end: bool) -> u32;
    fn proxy_on_done(id: u32) -> bool;
    fn proxy_on_log(id: u32);
    fn proxy_on_delete(id: u32);
}

fn next_context() -> u32 {
    with(|host| {
        host.last_context += 1;
        host.last_context
    })
}

/// A new root context with this configuration; `None` where it is refused.
pub fn configure(config: &str) -> Option<u32> {
    static FIRST: Once = Once::new();
    let root = next_context();
    with(|host| {
        host.config = config.into();
        host.phase = Phase::Root;
    });
    unsafe {
        // The SDK sets its logger up without a lock.
        FIRST.call_once(|| _initialize());
        _initialize();
        proxy_on_context_create(root, 0);
        proxy_on_configure(root, config.len()).then_some(root)
    }
}

/// Runs the tick if it is armed; whether it was.
pub fn tick(root: u32) -> bool {
    let armed = with(|host| {
        host.phase = Phase::Root;
        host.tick > 0
    });
    if armed {
        unsafe { proxy_on_tick(root) };
    }
    armed
}

/// A whole request, from its headers to its end.
pub fn stream(root: u32) -> Answer {
    let id = next_context();
    with(|host| {
        host.reply = None;
        host.state.clear();
        host.phase = Phase::Request;
    });
    let count = with(|host| host.request_headers.len());
    let action = unsafe {
        proxy_on_context_create(id, root);
        proxy_on_request_headers(id, count, true)
    };
    with(|host| {
        host.phase = Phase::Response;
        assert_eq!(
            action == PAUSE,
            host.reply.is_some(),
            "paused without a reply, or the reverse"
        );
        host.response_headers = match &host.reply {
            Some(reply) => reply.headers.clone(),
            None => host.upstream_headers.clone(),
        };
    });
    // Envoy takes a local reply through the filter's response callbacks too.
    unsafe {
        proxy_on_response_headers(id, 1, false);
        proxy_on_log(id);
        proxy_on_done(id);
        proxy_on_delete(id);
    }
    with(|host| {
        let reply = host.reply.take();
        let (status, details, body) = match reply {
            Some(reply) => (reply.status, reply.details, reply.body),
            None => (200, String::new(), String::new()),
        };
        Answer {
            status,
            details,
            body,
            headers: std::mem::take(&mut host.response_headers),
            state: host.state.clone(),
        }
    })
}
