#!/usr/bin/env bash
# What `make run` does: a real Envoy with the filter before the demo model API, in the
# foreground, until Ctrl-C. TOLLGATE_PORT, ADMIN_PORT and API_PORT choose other ports.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

claim TOLLGATE_PORT 10000
claim ADMIN_PORT 9901
claim API_PORT 8000
scripts/setup.sh run
build_demo

guard
start_api
start_envoy envoy/envoy.yaml "$TOLLGATE_PORT" "$ADMIN_PORT"

url=http://127.0.0.1:$TOLLGATE_PORT
chat="$url/v1/chat/completions $chat"
client="make client"
[[ $TOLLGATE_PORT -eq 10000 ]] || client="python3 examples/client.py --url $url"
cat <<END

Tollgate is up: $url, before the demo API on port $API_PORT. Ctrl-C ends both.

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

until_one_ends "Envoy or the demo API"
