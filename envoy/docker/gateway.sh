#!/bin/sh
# gateway.sh FILE: Envoy with this file of /etc/envoy.
set -eu
# The filter takes it from Envoy's environment, which no `docker inspect` shows.
if [ -e /run/secrets/bridge_token ]; then
    BRIDGE_TOKEN=$(cat /run/secrets/bridge_token)
    export BRIDGE_TOKEN
fi
# A gateway's share of a small machine; without hot restart nothing is written anywhere.
exec envoy --config-path "/etc/envoy/$1" --concurrency 2 --log-level warning \
    --disable-hot-restart --file-flush-interval-msec 1000
