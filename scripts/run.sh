#!/usr/bin/env bash
# What `make run` does: a real Envoy with the filter before the demo model API, in the
# foreground, until Ctrl-C. TOLLGATE_PORT, ADMIN_PORT and API_PORT choose other ports.
set -euo pipefail
cd "$(dirname "$0")/.."

port=${TOLLGATE_PORT:-10000}
admin=${ADMIN_PORT:-9901}
api=${API_PORT:-8000}
target=${CARGO_TARGET_DIR:-target}

die() {
    printf 'run: %s\n' "$*" >&2
    exit 1
}

answers() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Asked first, since building for a minute to say it then would be unkind.
free() {
    [[ $2 =~ ^[0-9]{1,5}$ && $2 -gt 0 && $2 -lt 65536 ]] || die "$1=$2 is not a port"
    ! answers "$2" || die "port $2 is taken; choose another: $1=NNNN make run"
}
free TOLLGATE_PORT "$port"
free ADMIN_PORT "$admin"
free API_PORT "$api"
[[ $port != "$admin" && $port != "$api" && $admin != "$api" ]] ||
    die "TOLLGATE_PORT, ADMIN_PORT and API_PORT must differ"

scripts/setup.sh run
scripts/build.sh
cargo build --locked --example model_api --target-dir "$target"

work=$(mktemp -d)
pids=()
# shellcheck disable=SC2317 # the trap calls it
cleanup() {
    trap - EXIT INT TERM
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap cleanup EXIT
# The documented way to end is no failure.
trap 'exit 0' INT
trap 'exit 143' TERM

# until_ready NAME PID COMMAND...: at most 30 s, and not a moment after it has died.
until_ready() {
    local name=$1 pid=$2
    for _ in {1..300}; do
        if "${@:3}" >/dev/null 2>&1; then return; fi
        kill -0 "$pid" 2>/dev/null || die "$name has ended; its words are above"
        sleep 0.1
    done
    die "$name does not answer after 30 s"
}

"$target/debug/examples/model_api" --port "$api" >/dev/null &
pids+=($!)
until_ready "the demo API" "$!" answers "$api"

# The shipped file, with other ports only if they were asked for.
sed -e "s/port_value: 10000 /port_value: $port /" \
    -e "s/port_value: 9901 /port_value: $admin /" \
    -e "s/port_value: 8000 /port_value: $api /" \
    -e "s#filename: target/#filename: $target/#" \
    envoy/envoy.yaml >"$work/envoy.yaml"
# Without hot restart, a second Envoy on this machine is no matter; the access log is
# written while one looks at it.
.tools/envoy --config-path "$work/envoy.yaml" --log-level warning \
    --disable-hot-restart --file-flush-interval-msec 200 &
pids+=($!)
until_ready "Envoy" "$!" curl -fsS "http://127.0.0.1:$admin/ready"

url=http://127.0.0.1:$port
chat="$url/v1/chat/completions -H 'authorization: Bearer alice' --json '{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}'"
client="make client"
[[ $port -eq 10000 ]] || client="python3 examples/client.py --url $url"
cat <<END

Tollgate is up: $url, before the demo API on port $api. Ctrl-C ends both.

One request, and what is left after it:
  curl -i $chat

A burst of 10 passes, then 15 a minute:
  for i in \$(seq 12); do curl -s -o /dev/null -w '%{http_code}\n' $chat; done

What a refused client is told:
  curl -i $chat

A client that waits as it is told:
  $client

Envoy's access log follows.

END

# Whichever ends first takes the other with it.
wait -n "${pids[@]}" || true
die "Envoy or the demo API has ended; its words are above"
