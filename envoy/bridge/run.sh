#!/bin/sh
# Starts the bridge in the foreground, on OpenResty or on Debian's nginx, as the user who
# runs it (workers of root are nginx' own user).
#
#   BRIDGE_TOKEN=… REDIS_PASSWORD=… envoy/bridge/run.sh FOLDER
#
# FOLDER, made if need be, takes what nginx must write. BRIDGE_LISTEN is its address
# (127.0.0.1:8787); nginx.conf names the other settings. BRIDGE_TOKEN_FILE and
# REDIS_PASSWORD_FILE name files that have the two.
set -eu
# A secret of Docker's or Kubernetes' is a file.
if [ -n "${BRIDGE_TOKEN_FILE:-}" ]; then
    BRIDGE_TOKEN=$(cat "$BRIDGE_TOKEN_FILE")
    export BRIDGE_TOKEN
fi
if [ -n "${REDIS_PASSWORD_FILE:-}" ]; then
    REDIS_PASSWORD=$(cat "$REDIS_PASSWORD_FILE")
    export REDIS_PASSWORD
fi
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?run.sh: name a folder}"
folder=$(cd "$1" && pwd)

sed "s|listen 127\.0\.0\.1:8787;|listen ${BRIDGE_LISTEN:-127.0.0.1:8787};|" "$here/nginx.conf" >"$folder/nginx.conf"
cp "$here/bridge.lua" "$folder/"
# nginx does not read this itself. A name must be whole there: redis.team.svc.cluster.local.
awk '$1 == "nameserver" { list = list " " ($2 ~ /:/ ? "[" $2 "]" : $2) }
    END { if (list) print "resolver" list " valid=10s; resolver_timeout 1s;" }' \
    /etc/resolv.conf >"$folder/resolver.conf" 2>/dev/null || true

# Debian keeps nginx where only root's PATH looks.
PATH=$PATH:/usr/sbin
globals='daemon off;'
nginx=nginx
if command -v openresty >/dev/null; then
    nginx=openresty
else
    # Lua is built into OpenResty; Debian has it as modules.
    for module in ndk_http_module ngx_http_lua_module; do
        globals="$globals load_module /usr/lib/nginx/modules/$module.so;"
    done
fi
exec "$nginx" -p "$folder" -c "$folder/nginx.conf" -g "$globals"
