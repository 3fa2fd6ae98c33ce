//! The ABI's imports as native symbols. They behave as Envoy 1.40 does, also
//! in what it refuses; a call that the filter has no business to make aborts.
#![allow(unsafe_code, clippy::missing_safety_doc)]

use std::io::Write;

use super::memory::*;
use super::state::{now, wall, with, Phase, Reply};
use super::store::Store;

const PLUGIN_CONFIGURATION: u32 = 7;
const REQUEST_HEADERS: u32 = 0;
const CRITICAL: u32 = 5;
/// WASI's clocks.
const REALTIME: i32 = 0;
const MONOTONIC: i32 = 1;
const RESPONSE_HEADERS: u32 = 2;
const CALL_RESPONSE_HEADERS: u32 = 6;
const CALL_RESPONSE_BODY: u32 = 4;
const REQUEST_BODY: u32 = 0;
const RESPONSE_BODY: u32 = 1;
const HISTOGRAM: u32 = 2;
const REQUEST_STREAM: u32 = 0;

imports! {
    proxy_log(level: u32, data: *const u8, size: usize) {
        let line = String::from_utf8_lossy(bytes(data, size)).into_owned();
        if level == CRITICAL {
            // The SDK's panic hook. It has the tests' panics too, and one in the
            // filter aborts: past the test harness, which would lose it.
            let _ = writeln!(std::io::stderr(), "{line}");
            return OK;
        }
        with(|host| host.logs.push(line));
        OK
    }

    clock_time_get(clock: i32, _precision: i64, time: *mut u64) {
        *time = match clock {
            REALTIME => {
                with(|host| host.reads.wall += 1);
                wall()
            }
            MONOTONIC => now(),
            _ => panic!("unexpected clock {clock}"),
        };
        OK
    }

    proxy_get_buffer_bytes(kind: u32, start: usize, max: usize, data: *mut *mut u8, size: *mut usize) {
        let buffer = with(|host| match kind {
            REQUEST_BODY => host.stream().request_body.in_callback(),
            RESPONSE_BODY => host.stream().response_body.in_callback(),
            PLUGIN_CONFIGURATION => Some(host.config.clone()).filter(|config| !config.is_empty()),
            CALL_RESPONSE_BODY => host.response.as_ref().map(|response| response.body.clone()),
            _ => panic!("unexpected buffer {kind}"),
        });
        let Some(mut buffer) = buffer else {
            return NOT_FOUND;
        };
        // Envoy's `Buffer::copyTo`.
        if start > buffer.len() {
            return BAD_ARGUMENT;
        }
        buffer.drain(..start);
        buffer.truncate(max);
        // Envoy hands no empty buffer over.
        if !buffer.is_empty() {
            give(&buffer, data, size);
        }
        OK
    }

    proxy_get_header_map_value(map: u32, name: *const u8, name_size: usize, data: *mut *mut u8, size: *mut usize) {
        let name = text(name, name_size);
        if map == RESPONSE_HEADERS {
            let found = with(|host| host.stream().response_header(&name));
            return match found {
                Some(value) => {
                    give(value.as_bytes(), data, size);
                    OK
                }
                None => NOT_FOUND,
            };
        }
        assert_eq!(map, CALL_RESPONSE_HEADERS);
        let Some(headers) = with(|host| host.response.as_ref().map(|response| response.headers.clone())) else {
            return BAD_ARGUMENT;
        };
        // Envoy has no map for an answer that was cut off; the SDK panics on that.
        if headers.is_empty() {
            return BAD_ARGUMENT;
        }
        match headers.iter().find(|(other, _)| *other == name) {
            Some((_, value)) => {
                give(value, data, size);
                OK
            }
            None => NOT_FOUND,
        }
    }

    proxy_http_call(
        upstream: *const u8, upstream_size: usize, headers: *const u8, headers_size: usize,
        body: *const u8, body_size: usize, trailers: *const u8, trailers_size: usize,
        timeout: u32, token: *mut u32,
    ) {
        assert!(deserialized(bytes(trailers, trailers_size)).is_empty());
        assert!(timeout > 0, "a call without a timeout");
        let headers = deserialized(bytes(headers, headers_size));
        let has = |name: &str| headers.iter().any(|(other, _)| other == name);
        if ![":method", ":path", ":authority"].into_iter().all(has) {
            return BAD_ARGUMENT;
        }
        let body = text(body, body_size);
        match with(|host| host.call(text(upstream, upstream_size), headers, body, timeout)) {
            Ok(called) => {
                *token = called;
                OK
            }
            Err(status) => status,
        }
    }

    proxy_set_buffer_bytes(kind: u32, start: usize, length: usize, data: *const u8, size: usize) {
        assert_eq!(kind, REQUEST_BODY);
        let bytes = bytes(data, size);
        if with(|host| host.stream().request_body.replace(start, length, bytes)) { OK } else { BAD_ARGUMENT }
    }

    proxy_continue_stream(kind: u32) {
        assert_eq!(kind, REQUEST_STREAM);
        with(|host| host.stream().resume());
        OK
    }

    proxy_get_shared_data(key: *const u8, key_size: usize, data: *mut *mut u8, size: *mut usize, cas: *mut u32) {
        let key = bytes(key, key_size);
        with(|host| host.reads.pages += u32::from(Store::is_page(key)));
        match with(|host| host.store.get(key)) {
            Some((value, found)) => {
                // Envoy hands no empty value over.
                if !value.is_empty() {
                    give(&value, data, size);
                }
                *cas = found;
                OK
            }
            None => NOT_FOUND,
        }
    }

    proxy_set_shared_data(key: *const u8, key_size: usize, data: *const u8, size: usize, cas: u32) {
        let (key, value) = (bytes(key, key_size), bytes(data, size).to_vec());
        with(|host| {
            // Who does not compare is in no race.
            if (cas != 0 && host.loses_race()) || !host.store.set(key, value, cas) {
                return CAS_MISMATCH;
            }
            OK
        })
    }

    proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) {
        let path = text(path, path_size);
        if path == "broken" && with(|host| host.stream().attribute(&path).is_some()) {
            return INTERNAL_FAILURE;
        }
        match with(|host| host.stream().attribute(&path)) {
            Some(Some(value)) => {
                give(&value, data, size);
                OK
            }
            Some(None) => SERIALIZATION_FAILURE,
            None => NOT_FOUND,
        }
    }

    proxy_set_property(path: *const u8, path_size: usize, data: *const u8, size: usize) {
        let value = text(data, size);
        with(|host| match text(path, path_size).as_str() {
            "tollgate" => host.stream().state = value,
            "tollgate_client" => {
                let before = host.stream().client.replace(value);
                assert_eq!(before, None, "a second client");
            }
            other => panic!("the attribute {other}"),
        });
        OK
    }

    proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) {
        let headers = with(|host| match (map, host.stream().phase) {
            (REQUEST_HEADERS, Phase::Request) => host.stream().request_headers.clone(),
            (RESPONSE_HEADERS, Phase::Response) => {
                host.reads.response_headers += 1;
                let headers = host.stream().response_headers.clone();
                headers.into_iter().map(|(name, value)| (name, value.into())).collect()
            }
            // Envoy would hand out an empty map.
            (map, phase) => panic!("headers {map} in the phase {phase:?}"),
        });
        let mut out = u32::try_from(headers.len()).unwrap().to_le_bytes().to_vec();
        for (name, value) in &headers {
            out.extend(u32::try_from(name.len()).unwrap().to_le_bytes());
            out.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
        }
        for (name, value) in &headers {
            out.extend([name.as_bytes(), b"\0", value, b"\0"].concat());
        }
        give(&out, data, size);
        OK
    }

    proxy_replace_header_map_value(map: u32, name: *const u8, name_size: usize, value: *const u8, size: usize) {
        let (name, value) = (text(name, name_size), text(value, size));
        with(|host| {
            let stream = host.stream();
            match (map, stream.phase) {
                (REQUEST_HEADERS, Phase::Request) => {
                    stream.request_headers.retain(|(other, _)| *other != name);
                    stream.request_headers.push((name, value.into()));
                }
                (RESPONSE_HEADERS, Phase::Response) => {
                    stream.response_headers.retain(|(other, _)| *other != name);
                    stream.response_headers.push((name, value));
                }
                _ => return BAD_ARGUMENT,
            }
            OK
        })
    }

    proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) {
        let name = text(name, name_size);
        with(|host| {
            let stream = host.stream();
            match (map, stream.phase) {
                (REQUEST_HEADERS, Phase::Request) => {
                    stream.request_headers.retain(|(other, _)| *other != name);
                }
                (RESPONSE_HEADERS, Phase::Response) => {
                    stream.response_headers.retain(|(other, _)| *other != name);
                }
                _ => return BAD_ARGUMENT,
            }
            OK
        })
    }

    proxy_send_local_response(
        status: u32, details: *const u8, details_size: usize, body: *const u8, body_size: usize,
        headers: *const u8, headers_size: usize, grpc_status: i32,
    ) {
        let reply = Reply {
            status,
            grpc_status,
            details: text(details, details_size),
            body: text(body, body_size),
            headers: deserialized(bytes(headers, headers_size)),
        };
        with(|host| host.stream().answer(reply));
        OK
    }

    proxy_define_metric(kind: u32, name: *const u8, size: usize, id: *mut u32) {
        *id = with(|host| host.define_metric(text(name, size), kind == HISTOGRAM));
        OK
    }

    proxy_increment_metric(id: u32, offset: i64) {
        if offset == 0 {
            return BAD_ARGUMENT;
        }
        with(|host| {
            let metric = host.metric(id, false);
            metric.value += u64::try_from(offset).unwrap();
        });
        OK
    }

    proxy_record_metric(id: u32, value: u64) {
        with(|host| host.metric(id, true).recorded.push(value));
        OK
    }

    proxy_done() {
        if with(|host| host.end_wait()) { OK } else { NOT_FOUND }
    }

    proxy_set_tick_period_milliseconds(period: u32) {
        with(|host| host.set_tick(period));
        OK
    }

    proxy_set_effective_context(id: u32) {
        if with(|host| host.enter(id)) { OK } else { BAD_ARGUMENT }
    }
}
