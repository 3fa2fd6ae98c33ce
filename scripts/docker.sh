#!/usr/bin/env bash
# What `make docker` does: the bundle of envoy/docker-compose.yaml, built and started, with
# secrets of its own. `docker.sh down` (`make docker-down`) ends it and removes all it had.
# PROFILE=local is one gateway without Redis. TOLLGATE_PORT, PROMETHEUS_PORT and
# GRAFANA_PORT choose other ports, TOLLGATE_SECRETS another folder for the secrets.
set -euo pipefail
cd "$(dirname "$0")/.."

die() {
    printf 'docker: %s\n' "$*" >&2
    exit 1
}

command -v docker >/dev/null || die "there is no docker here: https://docs.docker.com/engine/install"
version=$(docker compose version --short 2>/dev/null) ||
    die "this docker has no 'docker compose' (version 2): https://docs.docker.com/compose/install"
# Secrets of several containers and merged health checks came with it.
printf '%s\n' 2.20 "${version#v}" | sort -V -C || die "docker compose $version is too old, 2.20 is needed"
docker info >/dev/null 2>&1 || die "docker does not answer: does its daemon run, and may $(id -un) use it?"

export TOLLGATE_SECRETS=${TOLLGATE_SECRETS:-$PWD/envoy/docker/secrets}
secrets=(bridge_token redis_password grafana_password redis_users)
compose() { docker compose --file envoy/docker-compose.yaml "$@"; }

if [[ ${1:-up} == down ]]; then
    compose --profile cluster --profile local down --volumes --remove-orphans
    for name in "${secrets[@]}"; do rm -f "$TOLLGATE_SECRETS/$name"; done
    exit
fi

profile=${PROFILE:-cluster}
case $profile in
cluster) others=(gateway-local) ;;
local) others=(gateway bridge redis) ;;
*) die "PROFILE=$profile is neither cluster nor local" ;;
esac

# The containers' users are not this one, and read these.
closed=$(find envoy/redis/redis.conf envoy/docker/*.yaml envoy/prometheus envoy/grafana ! -perm -o=r -print -quit)
[[ -z $closed ]] || die "$closed is readable to its owner alone: chmod -R a+rX envoy"

# The folder is closed to other users of this machine; the files are open, since the
# containers' users are not this one.
if [[ ! -e $TOLLGATE_SECRETS/redis_users ]]; then
    secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
    mkdir -p "$TOLLGATE_SECRETS"
    chmod 700 "$TOLLGATE_SECRETS"
    umask 022
    for name in bridge_token redis_password grafana_password; do
        secret >"$TOLLGATE_SECRETS/$name"
    done
    sha256=$(sha256sum "$TOLLGATE_SECRETS/redis_password" | cut -d' ' -f1)
    sed "s/PASSWORD_SHA256/$sha256/" envoy/redis/users.acl >"$TOLLGATE_SECRETS/redis_users"
fi

compose --profile "$profile" build
# Those of the other profile answer to the same name.
compose --profile cluster --profile local rm --stop --force "${others[@]}"
compose --profile "$profile" up --detach --wait --wait-timeout 180 ||
    die "not all is well (above); docker compose -f envoy/docker-compose.yaml --profile $profile logs"

url=http://127.0.0.1:${TOLLGATE_PORT:-10000}
chat="$url/v1/chat/completions -H 'authorization: Bearer alice' --json '{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}'"
cat <<END

Tollgate is up (profile $profile): $url

One request, and what is left after it:
  curl -i $chat

A burst of 10 passes, whichever gateway is asked, then 15 a minute:
  for i in \$(seq 12); do curl -s -o /dev/null -w '%{http_code}\n' $chat; done

Grafana, anyone may look: http://127.0.0.1:${GRAFANA_PORT:-3000}
Prometheus:               http://127.0.0.1:${PROMETHEUS_PORT:-9090}

make docker-down ends it and removes what it has counted.
END
