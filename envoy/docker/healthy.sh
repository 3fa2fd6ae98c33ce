#!/usr/bin/env bash
# healthy.sh PORT PATH: whether this container answers 200 there. Its images have bash, but
# neither curl nor wget.
set -eu
exec 3<>"/dev/tcp/127.0.0.1/$1"
printf 'GET %s HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n' "$2" >&3
read -r -t 2 _ status _ <&3
[[ $status == 200 ]]
