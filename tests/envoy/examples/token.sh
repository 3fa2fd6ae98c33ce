#!/usr/bin/env bash
# A token for envoy/examples/tiers-jwt.yaml:
#
#   token.sh SUBJECT PLAN [SECONDS]      valid for so long (default: an hour)
#
# The key is a demo's, and everybody has it. It was made with
#   openssl genpkey -algorithm ed25519
# and the `x` of the file's JWKS from it with
#   openssl pkey -pubout -outform DER | tail -c 32 | basenc --base64url | tr -d =
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/key" <<'END'
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIInhlAVAPRip/H6oZPlaiYAbBFWjjWpeXd+iGFUdYLRx
-----END PRIVATE KEY-----
END

base64url() { basenc --base64url --wrap 0 | tr -d =; }

header='{"alg":"EdDSA","kid":"demo","typ":"JWT"}'
claims=$(printf '{"iss":"https://id.example.com","aud":"models","sub":"%s","plan":"%s","exp":%d}' \
    "$1" "$2" $(($(date +%s) + ${3:-3600})))
token=$(printf %s "$header" | base64url).$(printf %s "$claims" | base64url)
# In a file: this kind of key signs nothing whose length it does not know.
printf %s "$token" >"$work/signed"
signature=$(openssl pkeyutl -sign -inkey "$work/key" -rawin -in "$work/signed" | base64url)
printf '%s.%s\n' "$token" "$signature"
