//! Callbacks of the filter's own, before those of the SDK.
//!
//! **At the headers** there is one answer more than the SDK knows. A filter that pauses
//! there is handed the body nevertheless where Envoy's `allow_on_headers_stop_iteration`
//! is set, and must then pause that too, which fills Envoy's buffer: a long body is
//! answered 413 although the filter would have let it pass a moment later. The ABI has
//! an answer that stops the body with the headers, without a limit and whatever the
//! setting; the SDK's `Action` has not.
//!
//! **After them** Envoy calls for every piece of every body and for trailers, and few
//! requests want to know: only those that are watched are looked up in the SDK.
//!
//! **At the end** Envoy calls twice in a row, that a context is done and that it is to be
//! forgotten, and each call costs. The second one is not exported: what is done is
//! forgotten at once. Only a root context may have to wait, and is forgotten on the tick
//! that ends its waiting.
//!
//! `scripts/link.sh` exports these in place of the SDK's, under their names.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use super::{abi, HostError};

extern "C" {
    fn proxy_on_request_headers(context: u32, count: usize, is_end: bool) -> u32;
    fn proxy_on_request_body(context: u32, size: usize, is_end: bool) -> u32;
    fn proxy_on_request_trailers(context: u32, count: usize) -> u32;
    fn proxy_on_response_body(context: u32, size: usize, is_end: bool) -> u32;
    fn proxy_on_response_trailers(context: u32, count: usize) -> u32;
    fn proxy_on_done(context: u32) -> bool;
    fn proxy_on_delete(context: u32);
    fn proxy_on_tick(context: u32);
}

const CONTINUE: u32 = 0;
const PAUSE: u32 = 1;

/// `StopAllIterationAndWatermark` of Envoy's `FilterHeadersStatus`.
const PAUSE_ALL: u32 = 4;

thread_local! {
    static READS_BODY: Cell<bool> = const { Cell::new(false) };
    static WAITED: Cell<bool> = const { Cell::new(false) };
    static WATCHED: RefCell<BTreeSet<u32>> = const { RefCell::new(BTreeSet::new()) };
}

/// The body is to be read while the headers are held, as far as Envoy allows it.
pub(crate) fn read_body_meanwhile() {
    READS_BODY.set(true);
}

/// The root context whose tick this is was done before and has waited: now it ends.
pub(crate) fn end_root() -> Result<(), HostError> {
    abi::done()?;
    WAITED.set(true);
    Ok(())
}

/// This context wants to know what comes after its headers, and of its end.
pub(crate) fn watch(context: u32) {
    with_watched(|watched| watched.insert(context));
}

/// It does no longer.
pub(crate) fn unwatch(context: u32) {
    with_watched(|watched| watched.remove(&context));
}

fn is_watched(context: u32) -> bool {
    with_watched(|watched| watched.contains(&context))
}

/// `false` once the thread ends, as those of tests do: contexts may end after this.
fn with_watched(ask: impl FnOnce(&mut BTreeSet<u32>) -> bool) -> bool {
    let asked = WATCHED.try_with(|watched| ask(&mut watched.borrow_mut()));
    asked.unwrap_or(false)
}

// Called by Envoy. Each name is as long as the one that it is exported under.

#[no_mangle]
extern "C" fn tollg_on_request_headers(context: u32, count: usize, is_end: bool) -> u32 {
    READS_BODY.set(false);
    // SAFETY: here as below, the arguments are the host's own.
    match unsafe { proxy_on_request_headers(context, count, is_end) } {
        PAUSE if !READS_BODY.get() => PAUSE_ALL,
        action => action,
    }
}

#[no_mangle]
extern "C" fn tollg_on_request_body(context: u32, size: usize, is_end: bool) -> u32 {
    match is_watched(context) {
        true => unsafe { proxy_on_request_body(context, size, is_end) },
        false => CONTINUE,
    }
}

#[no_mangle]
extern "C" fn tollg_on_request_trailers(context: u32, count: usize) -> u32 {
    match is_watched(context) {
        true => unsafe { proxy_on_request_trailers(context, count) },
        false => CONTINUE,
    }
}

#[no_mangle]
extern "C" fn tollg_on_response_body(context: u32, size: usize, is_end: bool) -> u32 {
    match is_watched(context) {
        true => unsafe { proxy_on_response_body(context, size, is_end) },
        false => CONTINUE,
    }
}

#[no_mangle]
extern "C" fn tollg_on_response_trailers(context: u32, count: usize) -> u32 {
    match is_watched(context) {
        true => unsafe { proxy_on_response_trailers(context, count) },
        false => CONTINUE,
    }
}

#[no_mangle]
extern "C" fn tollg_on_done(context: u32) -> bool {
    let is_done = !is_watched(context) || unsafe { proxy_on_done(context) };
    if is_done {
        unsafe { proxy_on_delete(context) };
    }
    is_done
}

#[no_mangle]
extern "C" fn tollg_on_tick(context: u32) {
    unsafe { proxy_on_tick(context) };
    if WAITED.take() {
        unsafe { proxy_on_delete(context) };
    }
}
