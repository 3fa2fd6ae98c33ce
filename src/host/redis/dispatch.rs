//! HTTP calls through Envoy's cluster, and what they bring back.

use std::time::Duration;

use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, MapType, Status};

use crate::redis::{Failure, FailureClass, Settings, MAX_BODY};

/// A call to be made.
pub(super) struct Dispatch<'a> {
    pub(super) settings: &'a Settings,
    pub(super) authorization: Option<&'a str>,
    pub(super) body: &'a [u8],
    pub(super) timeout: Duration,
}

/// Envoy counts whole milliseconds, and takes none for no timeout at all.
const SHORTEST: Duration = Duration::from_millis(1);

// === impl Dispatch ===

impl Dispatch<'_> {
    /// Makes the call. The answer goes to the current context, under the token
    /// that this returns.
    pub(super) fn send(self) -> Result<u32, Failure> {
        let settings = self.settings;
        if self.timeout < SHORTEST {
            return Err(Failure::new(FailureClass::Timeout, "no time left to ask"));
        }
        let length = self.body.len().to_string();
        let mut headers = vec![
            (":method", "POST"),
            (":path", &*settings.path),
            (":authority", &*settings.authority),
            ("content-type", settings.bridge.content_type()),
            ("content-length", &length),
        ];
        headers.extend(self.authorization.map(|value| ("authorization", value)));
        let upstream = &settings.upstream;
        hostcalls::dispatch_http_call(upstream, headers, Some(self.body), Vec::new(), self.timeout)
            .map_err(|status| {
                let why = match status {
                    Status::BadArgument => format!("Envoy has no cluster \"{upstream}\""),
                    _ => "no endpoint, or the cluster's circuit breaker is full".to_owned(),
                };
                Failure::new(FailureClass::Unreachable, &why)
            })
    }
}

/// The status and body of the answer that Envoy has announced with so many
/// headers. None at all are those of an answer that was cut off, and must not
/// be asked for.
pub(super) fn response(headers: usize) -> Result<(Option<u16>, Vec<u8>), Failure> {
    if headers == 0 {
        return Ok((None, Vec::new()));
    }
    let unreadable = |_: Status| Failure::new(FailureClass::Malformed, "Envoy does not show it");
    let status = hostcalls::get_map_value_bytes(MapType::HttpCallResponseHeaders, ":status")
        .map_err(unreadable)?;
    let status = status
        .and_then(|status| String::from_utf8(status).ok())
        .and_then(|status| status.parse().ok());
    let longest = MAX_BODY.saturating_add(1);
    let body =
        hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, longest).map_err(unreadable)?;
    Ok((status, body.unwrap_or_default()))
}
