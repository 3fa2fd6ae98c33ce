# shellcheck shell=bash
# What run.sh and run-cluster.sh share. Sourced: ports that are asked for first, programs
# that end together, and the folder that goes with them.

target=${CARGO_TARGET_DIR:-target}
name=$(basename "$0" .sh)
declare -A claimed
pids=()

die() {
    printf '%s: %s\n' "$name" "$*" >&2
    exit 1
}

answers() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# claim NAME DEFAULT: a port from the environment, free and unlike the others. Asked
# first, since building for a minute to say it then would be unkind.
claim() {
    local port=${!1:-$2}
    [[ $port =~ ^[1-9][0-9]{0,4}$ && $port -lt 65536 ]] || die "$1=$port is not a port"
    [[ -z ${claimed[$port]:-} ]] || die "${claimed[$port]} and $1 must differ"
    ! answers "$port" || die "port $port is taken; choose another: $1=NNNN make $name"
    claimed[$port]=$1
    printf -v "$1" %s "$port"
}

# A folder of this run's own, and everything in `pids`, gone when the script ends.
guard() {
    work=$(mktemp -d)
    trap cleanup EXIT
    # The documented way to end is no failure.
    trap 'exit 0' INT
    trap 'exit 143' TERM
}

# shellcheck disable=SC2317 # the trap calls it
cleanup() {
    trap - EXIT INT TERM
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}

# until_ready NAME PID COMMAND...: at most 30 s, and not a moment after it has died.
until_ready() {
    for _ in {1..300}; do
        if "${@:3}" >/dev/null 2>&1; then return; fi
        kill -0 "$2" 2>/dev/null || die "$1 has ended; its words are above"
        sleep 0.1
    done
    die "$1 does not answer after 30 s"
}

# Whichever ends first takes the others with it.
until_one_ends() {
    wait -n "${pids[@]}" || true
    die "$1 has ended; its words are above"
}

build_demo() {
    scripts/build.sh
    cargo build --locked --example model_api --target-dir "$target"
}

# API_DELAY_MS: how long it takes for an answer, which is no time where that is not asked.
start_api() {
    "$target/debug/examples/model_api" --port "$API_PORT" --delay-ms "${API_DELAY_MS:-0}" >/dev/null &
    pids+=($!)
    until_ready "the demo API" "$!" answers "$API_PORT"
}

# start_envoy FILE PORT ADMIN [EDIT...]: the shipped file, with other ports only if they
# were asked for.
start_envoy() {
    local file=$work/envoy-$2.yaml
    sed -e "s/port_value: 10000 /port_value: $2 /" \
        -e "s/port_value: 9901 /port_value: $3 /" \
        -e "s/port_value: 8000 /port_value: $API_PORT /" \
        -e "s#filename: target/#filename: $target/#" "${@:4}" "$1" >"$file"
    # Without hot restart, a second Envoy on this machine is no matter; the access log is
    # written while one looks at it.
    .tools/envoy --config-path "$file" --log-level warning \
        --disable-hot-restart --file-flush-interval-msec 200 &
    pids+=($!)
    until_ready "Envoy" "$!" curl -fsS "http://127.0.0.1:$3/ready"
}

# The options of curl for one chat request of alice's.
# shellcheck disable=SC2034 # used where this is sourced
chat="-H 'authorization: Bearer alice' --json '{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}'"
