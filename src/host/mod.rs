//! The only place with hostcalls.
//!
//! Everything that Envoy is asked or told goes through here, and every call
//! that can fail returns a [`Result`]. The SDK's getters of text are never
//! used: they panic on the first byte that is no UTF-8, and such a byte is
//! anybody's to send.

mod abi;
mod asked;
mod body;
mod callbacks;
mod clock;
mod counters;
mod entropy;
mod headers;
mod metrics;
mod owed;
mod page_keys;
mod page_store;
mod pages;
mod redis;
mod reply;
mod request;
mod response;
mod secret;
mod stored_page;
mod tick;
mod write_numbers;

pub(crate) use body::{replace_request_body, request_body, response_body};
pub(crate) use callbacks::{end_root, read_body_meanwhile, unwatch, watch};
pub(crate) use clock::{monotonic, wall, Clocks};
pub(crate) use counters::Counters;
pub(crate) use entropy::{nonce, table_key};
pub(crate) use metrics::{Metrics, RedisMetrics};
pub(crate) use pages::{Pages, Slots, Uncounted};
pub(crate) use redis::{Owing, Received, Redis, Sent};
pub(crate) use reply::{
    note, note_client, remove_request_header, remove_response_headers, resume, send,
    set_request_header, set_response_header,
};
pub(crate) use request::HostRequest;
pub(crate) use response::{has_upstream, response_header, response_status};
pub(crate) use secret::{reveal, NoSecret};
pub(crate) use tick::{Pace, Tick};

use std::fmt;

use proxy_wasm::types::Status;

/// A hostcall that failed.
#[derive(Debug)]
pub(crate) struct HostError {
    call: &'static str,
    status: u32,
}

// === impl HostError ===

impl HostError {
    /// For `map_err` on a call of this name.
    fn in_call(call: &'static str) -> impl Fn(Status) -> Self {
        move |status| Self {
            call,
            status: status as u32,
        }
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed with status {}", self.call, self.status)
    }
}
