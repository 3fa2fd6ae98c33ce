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

# The filter is linked by link.sh. The one that does nothing is what the SDK makes of it.
# link_by LINKER...: the first of these that is there does the work.
link_by() {
    local linker
    for linker in "$@"; do
        if command -v "$linker" >/dev/null; then
            export TOLLGATE_LINKER=$linker CARGO_TARGET_WASM32_WASIP1_LINKER=$PWD/scripts/link.sh
            return
        fi
    done
}

if has_wasm_target; then
    host=$(rustc -vV | sed -n 's/^host: //p')
    [[ ${1:-} == noop ]] || link_by "$(rustc --print sysroot)/lib/rustlib/$host/bin/rust-lld"
    exec cargo "${options[@]}"
fi
if ! has_debian "${DEBIAN_WASM[@]}"; then
    echo "build: no Rust for wasm32-wasip1 here; 'make setup' installs it" >&2
    exit 1
fi
[[ ${1:-} == noop ]] || link_by /usr/bin/rust-lld wasm-ld-22
# Debian ships std's source only, so std is built too, which stable Rust allows to no one
# but those who ask for it by name. A cargo of rustup's may come first on the PATH and
# bring its own compiler: both are named by their path.
exec env RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
    RUSTFLAGS="-L native=/usr/lib/wasm32-wasi -Clink-self-contained=no" \
    /usr/bin/cargo "${options[@]}" -Zbuild-std=std,panic_abort
