#!/usr/bin/env bash
# What `make run` does: a real Envoy with the filter before the demo model API, in the
# foreground, until Ctrl-C. EXAMPLE=NAME takes envoy/examples/NAME.yaml instead of
# envoy.yaml. TOLLGATE_PORT, ADMIN_PORT and API_PORT choose other ports, API_DELAY_MS a
# slower API.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

file=envoy/envoy.yaml
if [[ -n ${EXAMPLE:-} ]]; then
    file=envoy/examples/$EXAMPLE.yaml
    examples=(envoy/examples/*.yaml)
    examples=("${examples[@]##*/}")
    [[ $EXAMPLE != */* && -e $file ]] || die "no example '$EXAMPLE', but: ${examples[*]%.yaml}"
fi
claim TOLLGATE_PORT 10000
claim ADMIN_PORT 9901
claim API_PORT 8000
scripts/setup.sh run
build_demo

guard
start_api
start_envoy "$file" "$TOLLGATE_PORT" "$ADMIN_PORT"

url=http://127.0.0.1:$TOLLGATE_PORT
chat="$url/v1/chat/completions $chat"
client="make client"
[[ $TOLLGATE_PORT -eq 10000 ]] || client="python3 examples/client.py --url $url"

tour() {
    cat <<END
One request, and what is left after it:
  curl -i $chat

A burst of 10 passes, then 15 a minute:
  for i in \$(seq 12); do curl -s -o /dev/null -w '%{http_code}\n' $chat; done

What a refused client is told:
  curl -i $chat

A client that waits as it is told:
  $client
END
}

# What an example has to try stands in its head.
tour_of() {
    printf 'What it does, and for whom, is in %s. To try:\n' "$1"
    sed -n -e '/^[^#]/q' -e "s/:10000/:$TOLLGATE_PORT/g" -e "s/:9901/:$ADMIN_PORT/g" \
        -e 's/^#   \(curl\|for\|printf\) /  \1 /p' "$1"
}

cat <<END

Tollgate is up: $url, before the demo API on port $API_PORT. Ctrl-C ends both.

$(if [[ -n ${EXAMPLE:-} ]]; then tour_of "$file"; else tour; fi)

Envoy's access log follows.

END

until_one_ends "Envoy or the demo API"
