//! The response that Envoy has for a request.

use log::error;
use proxy_wasm::hostcalls;
use proxy_wasm::types::MapType;

use super::{abi, HostError};

/// The first line of one header of the response, by its name in lower case.
pub(crate) fn response_header(name: &str) -> Option<Vec<u8>> {
    let value = hostcalls::get_map_value_bytes(MapType::HttpResponseHeaders, name);
    value.unwrap_or_else(|status| {
        error!("{}", HostError::in_call("get_header_map_value")(status));
        None
    })
}

/// The response's status.
pub(crate) fn response_status() -> Option<u16> {
    let status = String::from_utf8(response_header(":status")?).ok()?;
    status.parse().ok()
}

/// Whether Envoy has a connection to an upstream for the request. The upstream's own
/// address is there while Envoy is still connecting, and its own is not.
pub(crate) fn has_upstream() -> bool {
    match abi::property("upstream\0local_address") {
        Ok(address) => address.is_some(),
        Err(failure) => {
            error!("{failure}");
            true
        }
    }
}
