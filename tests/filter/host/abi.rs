//! The ABI's imports as native symbols. They behave as Envoy 1.40 does, also
//! in what it refuses; a call that the filter has no business to make aborts.
#![allow(unsafe_code, clippy::missing_safety_doc)]

use std::io::Write;
use std::slice;

use super::state::{with, Reply};

const OK: u32 = 0;
const NOT_FOUND: u32 = 1;
const BAD_ARGUMENT: u32 = 2;
const CAS_MISMATCH: u32 = 8;
const INTERNAL_FAILURE: u32 = 10;

const PLUGIN_CONFIGURATION: u32 = 7;
const REQUEST_HEADERS: u32 = 0;
const CRITICAL: u32 = 5;
const RESPONSE_HEADERS: u32 = 2;

unsafe fn bytes<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if data.is_null() {
        return &[];
    }
    slice::from_raw_parts(data, size)
}

unsafe fn text(data: *const u8, size: usize) -> String {
    String::from_utf8(bytes(data, size).to_vec()).expect("text")
}

/// Hands bytes over as the host does, in memory of the module's allocator.
unsafe fn give(value: &[u8], data: *mut *mut u8, size: *mut usize) {
    let value = value.to_vec().into_boxed_slice();
    *size = value.len();
    *data = Box::into_raw(value).cast();
}

macro_rules! imports {
    ($($name:ident($($arg:ident: $type:ty),* $(,)?) $body:block)*) => {
        $(#[no_mangle] pub unsafe extern "C" fn $name($($arg: $type),*) -> u32 $body)*
    };
}

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
        assert_eq!(clock, 1, "not the monotonic clock");
        *time = with(|host| host.now);
        OK
    }

    proxy_get_buffer_bytes(kind: u32, _start: usize, _max: usize, data: *mut *mut u8, size: *mut usize) {
        assert_eq!(kind, PLUGIN_CONFIGURATION);
        let config = with(|host| host.config.clone());
        if config.is_empty() {
            return NOT_FOUND;
        }
        give(&config, data, size);
        OK
    }

    proxy_get_shared_data(key: *const u8, key_size: usize, data: *mut *mut u8, size: *mut usize, cas: *mut u32) {
        match with(|host| host.store.get(bytes(key, key_size))) {
            Some((value, found)) => {
                give(&value, data, size);
                *cas = found;
                OK
            }
            None => NOT_FOUND,
        }
    }

    proxy_set_shared_data(key: *const u8, key_size: usize, data: *const u8, size: usize, cas: u32) {
        let (key, value) = (bytes(key, key_size), bytes(data, size).to_vec());
        with(|host| {
            if host.loses_race() || !host.store.set(key, value, cas) {
                return CAS_MISMATCH;
            }
            OK
        })
    }

    proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) {
        let path = text(path, path_size);
        if path == "broken" && with(|host| host.attributes.iter().any(|(other, _)| *other == path)) {
            return INTERNAL_FAILURE;
        }
        let found = with(|host| {
            let found = host.attributes.iter().find(|(other, _)| *other == path);
            found.map(|(_, value)| value.clone())
        });
        match found {
            Some(value) => {
                give(&value, data, size);
                OK
            }
            None => NOT_FOUND,
        }
    }

    proxy_set_property(path: *const u8, path_size: usize, data: *const u8, size: usize) {
        assert_eq!(text(path, path_size), "tollgate");
        with(|host| host.state = text(data, size));
        OK
    }

    proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) {
        assert_eq!(map, REQUEST_HEADERS);
        let headers = with(|host| host.request_headers.clone());
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
            if map != RESPONSE_HEADERS || !host.phase.is_response() {
                return BAD_ARGUMENT;
            }
            host.response_headers.retain(|(other, _)| *other != name);
            host.response_headers.push((name, value));
            OK
        })
    }

    proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) {
        let name = text(name, name_size);
        with(|host| {
            if map != RESPONSE_HEADERS || !host.phase.is_response() {
                return BAD_ARGUMENT;
            }
            host.response_headers.retain(|(other, _)| *other != name);
            OK
        })
    }

    proxy_send_local_response(
        status: u32, details: *const u8, details_size: usize, body: *const u8, body_size: usize,
        headers: *const u8, headers_size: usize, grpc_status: i32,
    ) {
        assert_eq!(grpc_status == 8, status == 429);
        let reply = Reply {
            status,
            details: text(details, details_size),
            body: text(body, body_size),
            headers: deserialized(bytes(headers, headers_size)),
        };
        with(|host| {
            assert!(host.reply.is_none(), "a second local reply");
            host.reply = Some(reply);
        });
        OK
    }

    proxy_define_metric(_kind: u32, name: *const u8, size: usize, id: *mut u32) {
        let name = text(name, size);
        *id = with(|host| {
            let found = host.counters.iter().position(|(other, _)| *other == name);
            let index = found.unwrap_or_else(|| {
                host.counters.push((name, 0));
                host.counters.len() - 1
            });
            u32::try_from(index).unwrap()
        });
        OK
    }

    proxy_increment_metric(id: u32, offset: i64) {
        if offset == 0 {
            return BAD_ARGUMENT;
        }
        with(|host| host.counters[id as usize].1 += u64::try_from(offset).unwrap());
        OK
    }

    proxy_set_tick_period_milliseconds(period: u32) {
        with(|host| host.tick = period);
        OK
    }

    proxy_set_effective_context(_id: u32) { OK }
}

fn deserialized(map: &[u8]) -> Vec<(String, String)> {
    let number = |at: usize| u32::from_le_bytes(map[at..at + 4].try_into().unwrap()) as usize;
    let count = number(0);
    let mut at = 4 + 8 * count;
    let mut take = |length: usize| {
        let text = String::from_utf8(map[at..at + length].to_vec()).unwrap();
        assert_eq!(map[at + length], 0);
        at += length + 1;
        text
    };
    let headers = (0..count)
        .map(|pair| (take(number(4 + 8 * pair)), take(number(8 + 8 * pair))))
        .collect();
    assert_eq!(at, map.len());
    headers
}

macro_rules! unused {
    ($($name:ident)*) => {
        $(#[no_mangle] pub extern "C" fn $name() -> u32 {
            panic!(concat!("unexpected hostcall ", stringify!($name)))
        })*
    };
}

unused! {
    proxy_add_header_map_value proxy_call_foreign_function proxy_close_stream
    proxy_continue_stream proxy_dequeue_shared_queue proxy_done proxy_enqueue_shared_queue
    proxy_get_current_time_nanoseconds proxy_get_header_map_value proxy_get_log_level
    proxy_get_metric proxy_get_status proxy_grpc_call proxy_grpc_cancel proxy_grpc_close
    proxy_grpc_send proxy_grpc_stream proxy_http_call proxy_record_metric
    proxy_register_shared_queue proxy_resolve_shared_queue
    proxy_set_buffer_bytes proxy_set_header_map_pairs
}
