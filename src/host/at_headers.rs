//! The request headers' callback, with one answer more than the SDK knows.
//!
//! A filter that pauses at the headers is handed the body nevertheless where Envoy's
//! `allow_on_headers_stop_iteration` is set, and must then pause that too, which fills
//! Envoy's buffer: a long body is answered 413 although the filter would have let it
//! pass a moment later. The ABI has an answer that stops the body with the headers,
//! without a limit and whatever the setting; the SDK's `Action` has not.
//!
//! `scripts/link.sh` exports this callback in place of the SDK's, under its name.
#![allow(unsafe_code)]

use std::cell::Cell;

extern "C" {
    /// The SDK's.
    fn proxy_on_request_headers(context: u32, count: usize, is_end: bool) -> u32;
}

const PAUSE: u32 = 1;

/// `StopAllIterationAndWatermark` of Envoy's `FilterHeadersStatus`.
const PAUSE_ALL: u32 = 4;

thread_local! {
    static READS_BODY: Cell<bool> = const { Cell::new(false) };
}

/// The body is to be read while the headers are held, as far as Envoy allows it.
pub(crate) fn read_body_meanwhile() {
    READS_BODY.set(true);
}

/// Called by Envoy. Its name is as long as the one that it is exported under.
#[no_mangle]
pub(super) extern "C" fn tollg_on_request_headers(context: u32, count: usize, is_end: bool) -> u32 {
    READS_BODY.set(false);
    // SAFETY: the arguments are the host's own.
    match unsafe { proxy_on_request_headers(context, count, is_end) } {
        PAUSE if !READS_BODY.get() => PAUSE_ALL,
        action => action,
    }
}
