#!/bin/sh
# rustup, rustc and cargo of the Rust image's stand-in: envoy/Dockerfile asks for exactly
# this, beside these files, and gets what was built on the machine itself.
set -eu
case "${0##*/} $*" in
"rustup target add wasm32-wasip1") ;;
"rustc --print sysroot") echo /artefacts ;;
"rustc -vV") echo "host: x86_64-unknown-linux-gnu" ;;
"cargo build --lib --release --locked --target wasm32-wasip1 --target-dir target")
    ls Cargo.lock src/lib.rs scripts/link.sh >/dev/null
    mkdir -p target/wasm32-wasip1/release
    cp /artefacts/tollgate.wasm target/wasm32-wasip1/release/
    ;;
"cargo build --locked --example model_api")
    # Cargo refuses a Cargo.toml that names files which are not there.
    ls examples/model_api/main.rs src/bin/tollgate.rs benches/envoy/main.rs benches/cluster/main.rs >/dev/null
    mkdir -p target/debug/examples
    cp /artefacts/model_api target/debug/examples/
    ;;
*)
    echo "the stand-in for Rust does not know: ${0##*/} $*" >&2
    exit 1
    ;;
esac
