//! What Envoy is told: local replies, headers, the access log's note.

use log::error;
use proxy_wasm::hostcalls;
use proxy_wasm::types::MapType;

use super::{abi, headers, HostError};
use crate::feedback::Reply;

/// Answers the request with this reply.
pub(crate) fn send(reply: &Reply) -> Result<(), HostError> {
    let lines = reply
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    abi::send_local_response(
        reply.status,
        &reply.details,
        &headers::serialize(lines),
        &reply.body,
        reply.grpc_status as i32,
    )
}

/// Lets a request go on that was held at its headers.
pub(crate) fn resume() -> Result<(), HostError> {
    hostcalls::resume_http_request().map_err(HostError::in_call("continue_stream"))
}

/// Sets a header of the response in place of any that the upstream has sent, or
/// removes that one.
pub(crate) fn set_response_header(name: &'static str, value: Option<&str>) {
    const MAP: MapType = MapType::HttpResponseHeaders;
    let set = match value {
        Some(value) => hostcalls::set_map_value(MAP, name, Some(value))
            .map_err(HostError::in_call("set_map_value")),
        None => {
            hostcalls::remove_map_value(MAP, name).map_err(HostError::in_call("remove_map_value"))
        }
    };
    report(name, set);
}

/// Removes the headers with such names that the upstream has sent.
pub(crate) fn remove_response_headers(is_foreign: impl Fn(&[u8]) -> bool) {
    let sent = match abi::headers(abi::Headers::Response) {
        Ok(sent) => sent,
        Err(failure) => {
            error!("the response's headers: {failure}");
            return;
        }
    };
    let foreign = headers::pairs(&sent).filter(|(name, _)| is_foreign(name));
    for name in foreign.filter_map(|(name, _)| str::from_utf8(name).ok()) {
        let removed = hostcalls::remove_map_value(MapType::HttpResponseHeaders, name);
        report(
            name,
            removed.map_err(HostError::in_call("remove_map_value")),
        );
    }
}

/// Sets a header of the request, in place of any that the client has sent.
pub(crate) fn set_request_header(name: &'static str, value: &str) {
    let set = hostcalls::set_map_value(MapType::HttpRequestHeaders, name, Some(value));
    report(name, set.map_err(HostError::in_call("set_map_value")));
}

/// Removes a header that the client has sent.
pub(crate) fn remove_request_header(name: &'static str) {
    let removed = hostcalls::remove_map_value(MapType::HttpRequestHeaders, name);
    report(
        name,
        removed.map_err(HostError::in_call("remove_map_value")),
    );
}

fn report(name: &str, result: Result<(), HostError>) {
    if let Err(failure) = result {
        error!("header {name}: {failure}");
    }
}

/// Leaves a note for the access log: `%FILTER_STATE(wasm.tollgate:PLAIN)%`.
pub(crate) fn note(state: &str) {
    set_filter_state("tollgate", state);
}

/// Tells the access log who calls, by pseudonym:
/// `%FILTER_STATE(wasm.tollgate_client:PLAIN)%`.
pub(crate) fn note_client(pseudonym: &str) {
    set_filter_state("tollgate_client", pseudonym);
}

/// Envoy puts `wasm.` before the name.
fn set_filter_state(name: &str, value: &str) {
    if let Err(failure) = abi::set_property(name, value) {
        error!("filter state: {failure}");
    }
}
