//! The ABI's imports that the filter has no business to call.
#![allow(unsafe_code)]

macro_rules! unused {
    ($($name:ident)*) => {
        $(#[no_mangle] pub extern "C" fn $name() -> u32 {
            panic!(concat!("unexpected hostcall ", stringify!($name)))
        })*
    };
}

unused! {
    proxy_add_header_map_value proxy_call_foreign_function proxy_close_stream
    proxy_dequeue_shared_queue proxy_enqueue_shared_queue
    proxy_get_current_time_nanoseconds proxy_get_log_level
    proxy_get_metric proxy_get_status proxy_grpc_call proxy_grpc_cancel proxy_grpc_close
    proxy_grpc_send proxy_grpc_stream
    proxy_register_shared_queue proxy_resolve_shared_queue
    proxy_set_header_map_pairs
}
