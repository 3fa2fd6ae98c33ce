//! Bodies as they pass: each piece is there in one callback alone.

use log::error;
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, Status};

use super::HostError;

/// So many bytes of the request's body that Envoy holds or passes on, from this one.
pub(crate) fn request_body(from: usize, length: usize) -> Vec<u8> {
    read(BufferType::HttpRequestBody, from, length)
}

/// So many bytes of the response's body that Envoy passes on.
pub(crate) fn response_body(length: usize) -> Vec<u8> {
    read(BufferType::HttpResponseBody, 0, length)
}

/// Puts `bytes` in place of the first `length` of the request's body that Envoy
/// holds or passes on. Envoy can replace nothing but what its buffer begins with.
pub(crate) fn replace_request_body(length: usize, bytes: &[u8]) -> Result<(), HostError> {
    hostcalls::set_buffer(BufferType::HttpRequestBody, 0, length, bytes)
        .map_err(HostError::in_call("set_buffer_bytes"))
}

fn read(buffer: BufferType, from: usize, length: usize) -> Vec<u8> {
    if length == 0 {
        return Vec::new();
    }
    match hostcalls::get_buffer(buffer, from, length) {
        Ok(bytes) => bytes.unwrap_or_default(),
        // Of an end without data there is no buffer.
        Err(Status::NotFound) => Vec::new(),
        Err(status) => {
            error!("{}", HostError::in_call("get_buffer_bytes")(status));
            Vec::new()
        }
    }
}
