#!/usr/bin/env bash
# Makes .tools/docker/base.tar: a small Debian with the programs that the tests on Docker
# have in place of the official images. From the mirror that apt has, once.
set -euo pipefail
cd "$(dirname "$0")/.."

programs=redis-server,nginx,libnginx-mod-http-lua,lua-cjson,prometheus,python3,python3-yaml,wget
stamp="bookworm $programs"
if [[ -e .tools/docker/base.tar && -e .tools/docker/base.stamp && $(<.tools/docker/base.stamp) == "$stamp" ]]; then exit; fi

# The machine's mirror, if it is one of this release; else debootstrap's own.
# shellcheck disable=SC2016 # apt-get's own variables
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
    awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')
mkdir -p .tools/docker
work=$(mktemp -d -p .tools/docker)
trap 'rm -rf "$work"' EXIT
debootstrap --variant=minbase --include="$programs" bookworm "$work/root" ${mirror:+"$mirror"}
# Where it came from is nobody's business, and half of it is never read.
: >"$work/root/etc/apt/sources.list"
tar -C "$work/root" -cf "$work/base.tar" --exclude='./var/cache/*' --exclude='./var/lib/apt/*' \
    --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale' \
    --exclude='./usr/share/javascript' --exclude='./usr/share/zoneinfo' --exclude=./usr/bin/promtool .
mv -f "$work/base.tar" .tools/docker/base.tar
printf '%s\n' "$stamp" >.tools/docker/base.stamp
