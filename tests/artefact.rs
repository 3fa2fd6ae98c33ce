//! What Envoy is given: a module that it can load, and no more than it needs.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::{env, fs};

use wasmparser::{Parser, Payload};

fn module() -> Vec<u8> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let file = target.join("wasm32-wasip1/release/tollgate.wasm");
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}; run make build", file.display()))
}

fn exports(module: &[u8]) -> BTreeSet<&str> {
    Parser::new(0)
        .parse_all(module)
        .filter_map(|payload| match payload.unwrap() {
            Payload::ExportSection(section) => Some(section),
            _ => None,
        })
        .flat_map(|section| section.into_iter().map(|export| export.unwrap().name))
        .collect()
}

/// The native tool has the crate's name, and a build of both would put it here.
#[test]
fn the_module_is_the_filter() {
    let module = module();
    let exports = exports(&module);
    for name in [
        "proxy_abi_version_0_2_1",
        "_initialize",
        "proxy_on_memory_allocate",
    ] {
        assert!(exports.contains(name), "{name} is not among {exports:?}");
    }
    // Envoy calls what it finds, so a callback too many is time lost per request.
    let callbacks: Vec<&str> = exports
        .into_iter()
        .filter_map(|name| name.strip_prefix("proxy_on_"))
        .collect();
    let expected = [
        "configure",
        "context_create",
        "done",
        "http_call_response",
        "memory_allocate",
        "request_body",
        "request_headers",
        "request_trailers",
        "response_body",
        "response_headers",
        "response_trailers",
        "tick",
        "vm_start",
    ];
    assert_eq!(callbacks, expected);
}

/// Envoy does not call what an operator's capability list leaves out.
#[test]
fn the_readmes_capability_list_has_every_callback() {
    let readme = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let list = readme.split("after a change:\n`").nth(1).unwrap();
    let listed: BTreeSet<&str> = list.split('`').next().unwrap().split_whitespace().collect();
    let module = module();
    let exports = exports(&module);
    let callbacks = exports.iter().filter(|name| {
        // No capability is asked for that one.
        name.starts_with("proxy_on_") && **name != "proxy_on_memory_allocate"
    });
    let missing: Vec<_> = callbacks.filter(|name| !listed.contains(*name)).collect();
    assert_eq!(missing, [] as [&&str; 0]);
}

/// An operator's capability list has to name these; a new one is a change for users.
#[test]
fn the_module_asks_wasi_for_little() {
    let module = module();
    let imports: BTreeSet<&str> = Parser::new(0)
        .parse_all(&module)
        .filter_map(|payload| match payload.unwrap() {
            Payload::ImportSection(section) => Some(section),
            _ => None,
        })
        .flat_map(|section| section.into_imports().map(|import| import.unwrap()))
        .filter(|import| {
            assert!(
                ["env", "wasi_snapshot_preview1"].contains(&import.module),
                "{import:?}"
            );
            import.module == "wasi_snapshot_preview1"
        })
        .map(|import| import.name)
        .collect();
    let expected = [
        "clock_time_get",
        "environ_get",
        "environ_sizes_get",
        "fd_write",
        "proc_exit",
        "random_get",
    ];
    assert_eq!(imports, BTreeSet::from(expected));
}
