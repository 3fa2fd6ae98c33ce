//! The hostcalls that the SDK has not, or not in a safe form: proxy-wasm ABI
//! 0.2.1 and WASI preview 1.
#![allow(unsafe_code)]

use std::ptr;

use super::HostError;

#[link(wasm_import_module = "env")]
extern "C" {
    fn proxy_done() -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
extern "C" {
    fn clock_time_get(clock: i32, precision: i64, time: *mut u64) -> i32;
}

const OK: u32 = 0;
const NOT_FOUND: u32 = 1;
const SERIALIZATION_FAILURE: u32 = 3;

/// WASI's clocks.
#[derive(Clone, Copy)]
#[repr(i32)]
pub(super) enum Clock {
    /// ns since 1970 UTC.
    Realtime = 0,
    /// ns since a time of the machine's choice.
    Monotonic = 1,
}

/// The headers that can be read.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(super) enum Headers {
    /// The request's.
    Request = 0,
    /// The response's, once there is one.
    Response = 2,
}

/// All headers in the ABI's form for pairs. The SDK's getter copies each one
/// and panics on a name that is no UTF-8.
pub(super) fn headers(of: Headers) -> Result<Vec<u8>, HostError> {
    let (mut data, mut size) = (ptr::null_mut(), 0);
    // SAFETY: the host writes a pointer and a size to where these point.
    let status = unsafe { proxy_get_header_map_pairs(of as u32, &mut data, &mut size) };
    match status {
        OK => Ok(given(data, size)),
        status => Err(failed("get_header_map_pairs", status)),
    }
}

/// An attribute, by its path joined with NUL.
pub(super) fn property(path: &str) -> Result<Option<Vec<u8>>, HostError> {
    let (mut data, mut size) = (ptr::null_mut(), 0);
    // SAFETY: the host reads `path` and writes a pointer and a size.
    let status = unsafe { proxy_get_property(path.as_ptr(), path.len(), &mut data, &mut size) };
    match status {
        OK => Ok(Some(given(data, size))),
        // What is there and has no bytes, such as a claim that is `null`, or an
        // object with one inside, is no value: it names nobody and no plan.
        NOT_FOUND | SERIALIZATION_FAILURE => Ok(None),
        status => Err(failed("get_property", status)),
    }
}

/// Sets an attribute. The SDK's call makes a list of the path and a text of
/// that list, each in memory of its own.
pub(super) fn set_property(path: &str, value: &str) -> Result<(), HostError> {
    // SAFETY: the host only reads what these point to.
    let status =
        unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) };
    match status {
        OK => Ok(()),
        status => Err(failed("set_property", status)),
    }
}

/// Lets Envoy forget a root context that has asked it to wait. The SDK's call panics
/// where it did not.
pub(super) fn done() -> Result<(), HostError> {
    // SAFETY: it has no arguments.
    match unsafe { proxy_done() } {
        OK => Ok(()),
        status => Err(failed("done", status)),
    }
}

/// Answers the request. The SDK's call sets neither the details nor, for a
/// gRPC client, a status other than `UNAVAILABLE`.
pub(super) fn send_local_response(
    status: u32,
    details: &str,
    headers: &[u8],
    body: &str,
    grpc_status: i32,
) -> Result<(), HostError> {
    // SAFETY: the host only reads what these point to.
    let result = unsafe {
        proxy_send_local_response(
            status,
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            grpc_status,
        )
    };
    match result {
        OK => Ok(()),
        status => Err(failed("send_local_response", status)),
    }
}

/// The time by this clock.
pub(super) fn clock(clock: Clock) -> Result<u64, HostError> {
    let mut time = 0;
    // SAFETY: the host writes a number to where this points.
    match unsafe { clock_time_get(clock as i32, 1, &mut time) } {
        0 => Ok(time),
        errno => Err(failed("clock_time_get", errno.unsigned_abs())),
    }
}

/// What the host has put into memory that it got from this module's allocator,
/// the SDK's `proxy_on_memory_allocate`.
fn given(data: *mut u8, size: usize) -> Vec<u8> {
    if data.is_null() {
        return Vec::new();
    }
    // SAFETY: that allocator makes a boxed slice of exactly `size` bytes for
    // each value and gives it away; nobody else has it.
    unsafe { Vec::from_raw_parts(data, size, size) }
}

fn failed(call: &'static str, status: u32) -> HostError {
    HostError { call, status }
}
