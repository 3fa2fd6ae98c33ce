#!/usr/bin/env bash
# What `make run-cluster` does: two Envoys that share their clients' budgets through one
# bridge and one Redis, before the demo model API, in the foreground, until Ctrl-C.
# TOLLGATE_PORT, SECOND_PORT, ADMIN_PORT, SECOND_ADMIN_PORT, API_PORT, BRIDGE_PORT and
# REDIS_PORT choose other ports.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

claim TOLLGATE_PORT 10000
claim SECOND_PORT 10001
claim ADMIN_PORT 9901
claim SECOND_ADMIN_PORT 9902
claim API_PORT 8000
claim BRIDGE_PORT 8787
# Not Redis' own, where this machine's may be.
claim REDIS_PORT 6380
scripts/setup.sh run-cluster
build_demo

guard
# Made for this run. No command line has them, where every user of the machine could see.
secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
BRIDGE_TOKEN=$(secret)
REDIS_PASSWORD=$(secret)

sha256=$(printf %s "$REDIS_PASSWORD" | sha256sum | cut -d' ' -f1)
sed "s/PASSWORD_SHA256/$sha256/" envoy/redis/users.acl >"$work/users.acl"
redis-server envoy/redis/redis.conf --port "$REDIS_PORT" --loglevel warning \
    --dir "$work" --aclfile "$work/users.acl" &
pids+=($!)
# shellcheck disable=SC2317 # until_ready calls it
redis_answers() {
    [[ $(REDISCLI_AUTH=$REDIS_PASSWORD redis-cli -p "$REDIS_PORT" --user tollgate ping) == PONG ]]
}
until_ready "Redis" "$!" redis_answers

export BRIDGE_TOKEN
BRIDGE_LISTEN=127.0.0.1:$BRIDGE_PORT REDIS_HOST=127.0.0.1 REDIS_PORT=$REDIS_PORT \
    REDIS_USER=tollgate REDIS_PASSWORD=$REDIS_PASSWORD envoy/bridge/run.sh "$work/bridge" &
pids+=($!)
until_ready "the bridge" "$!" curl -fsS "http://127.0.0.1:$BRIDGE_PORT/healthz"

start_api
bridge=(-e "s/port_value: 8787 /port_value: $BRIDGE_PORT /")
start_envoy envoy/cluster.yaml "$TOLLGATE_PORT" "$ADMIN_PORT" "${bridge[@]}"
start_envoy envoy/cluster.yaml "$SECOND_PORT" "$SECOND_ADMIN_PORT" "${bridge[@]}"

first=http://127.0.0.1:$TOLLGATE_PORT/v1/chat/completions
second=http://127.0.0.1:$SECOND_PORT/v1/chat/completions
cat <<END

Two gateways are up, on ports $TOLLGATE_PORT and $SECOND_PORT, with one Redis (port $REDIS_PORT). Ctrl-C ends all.

One request through each, and what is left after it:
  curl -i $first $chat
  curl -i $second $chat

One budget of 10, spent through both:
  for i in \$(seq 6); do for url in $first $second; do
    curl -s -o /dev/null -w '%{http_code}\n' \$url $chat
  done; done

The access logs of both follow.

END

until_one_ends "Envoy, the bridge, Redis or the demo API"
