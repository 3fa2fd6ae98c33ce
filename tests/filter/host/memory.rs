//! What crosses the ABI: bytes at addresses, and maps in their serialized form.
#![allow(unsafe_code, clippy::missing_safety_doc)]

use std::slice;

pub const OK: u32 = 0;
pub const NOT_FOUND: u32 = 1;
pub const BAD_ARGUMENT: u32 = 2;
pub const SERIALIZATION_FAILURE: u32 = 3;
pub const CAS_MISMATCH: u32 = 8;
pub const INTERNAL_FAILURE: u32 = 10;

pub unsafe fn bytes<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if data.is_null() {
        return &[];
    }
    slice::from_raw_parts(data, size)
}

pub unsafe fn text(data: *const u8, size: usize) -> String {
    String::from_utf8(bytes(data, size).to_vec()).expect("text")
}

/// Hands bytes over as the host does, in memory of the module's allocator.
pub unsafe fn give(value: &[u8], data: *mut *mut u8, size: *mut usize) {
    let value = value.to_vec().into_boxed_slice();
    *size = value.len();
    *data = Box::into_raw(value).cast();
}

pub fn deserialized(map: &[u8]) -> Vec<(String, String)> {
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

/// Functions that the module imports.
macro_rules! imports {
    ($($name:ident($($arg:ident: $type:ty),* $(,)?) $body:block)*) => {
        $(#[no_mangle] pub unsafe extern "C" fn $name($($arg: $type),*) -> u32 $body)*
    };
}
pub(super) use imports;
