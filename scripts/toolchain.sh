# shellcheck shell=bash
# Which Rust builds the filter. Sourced by setup.sh and build.sh, so that the one
# installs what the other looks for.

# Debian's compiler has no std for Wasm, but its source: these six build it.
# shellcheck disable=SC2034 # used where this is sourced
DEBIAN_WASM=(rustc-web cargo-web rust-web-src rust-web-llvm lld-22 wasi-libc)

# The compiler on the PATH has a std for the target: rustup's, or any other.
has_wasm_target() {
    local sysroot
    sysroot=$(rustc --print sysroot 2>/dev/null) || return 1
    compgen -G "$sysroot/lib/rustlib/wasm32-wasip1/lib/libstd-*.rlib" >/dev/null
}

# Every package named is installed.
has_debian() {
    local count
    count=$(dpkg-query -W -f '${db:Status-Status}\n' "$@" 2>/dev/null | grep -cx installed) || true
    [[ $count -eq $# ]]
}
