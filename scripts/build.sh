#!/usr/bin/env bash
# Builds the filter, target/wasm32-wasip1/release/tollgate.wasm.
#
#   scripts/build.sh         Tollgate
#   scripts/build.sh noop    the filter that does nothing, noop.wasm beside it, to compare
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/toolchain.sh
source scripts/toolchain.sh

# --lib: the native tool has the library's name and would overwrite its .wasm.
options=(build --lib --release --locked --target wasm32-wasip1 --target-dir "${CARGO_TARGET_DIR:-target}")
case ${1:-} in
'') ;;
noop) options+=(--manifest-path benches/noop/Cargo.toml) ;;
*)
    echo "build: unknown crate '$1'" >&2
    exit 1
    ;;
esac

if has_wasm_target; then
    exec cargo "${options[@]}"
fi
if ! has_debian "${DEBIAN_WASM[@]}"; then
    echo "build: no Rust for wasm32-wasip1 here; 'make setup' installs it" >&2
    exit 1
fi
# Debian ships std's source only, so std is built too, which stable Rust allows to no one
# but those who ask for it by name. A cargo of rustup's may come first on the PATH and
# bring its own compiler: both are named by their path.
exec env RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
    RUSTFLAGS="-L native=/usr/lib/wasm32-wasi -Clink-self-contained=no" \
    /usr/bin/cargo "${options[@]}" -Zbuild-std=std,panic_abort
