#!/usr/bin/env bash
# The rules of src/ that no lint can hold. Each prints what breaks it.
set -euo pipefail
cd "$(dirname "$0")/.."

broken=0
# refuse REASON PATTERN FILES...
refuse() {
    if grep -nE "$2" "${@:3}"; then
        printf 'fences: %s\n\n' "$1" >&2
        broken=1
    fi
}

mapfile -t pure < <(git ls-files 'src/*.rs' |
    grep -vE '^src/(host/|filter/|root\.rs|lib\.rs)')
refuse "only host/, filter and root know of Envoy" 'proxy_wasm|crate::host' "${pure[@]}"
refuse "pure code does not log" '\blog::|\b(error|warn|info|debug|trace)!\(' "${pure[@]}"

mapfile -t timeless < <(git ls-files 'src/*.rs' | grep -vxF -e src/limit/quota.rs -e src/feedback/reset.rs)
refuse "only a quota has a calendar, and who tells the time" '(^|[^:])\btime::' "${timeless[@]}"

# knows ROOM NEIGHBOUR...: the rooms of the crate that this room's files may name, besides their own.
knows() {
    local files allowed
    mapfile -t files < <(git ls-files "src/$1.rs" "src/$1/*.rs")
    allowed=$(IFS='|' && printf '%s' "$*")
    if grep -nE 'crate::' "${files[@]}" | grep -vE "crate::(${allowed})(::|;|[)])"; then
        printf 'fences: %s may know of: %s\n\n' "$1" "${*:2}" >&2
        broken=1
    fi
}
knows request
knows secret
knows pseudonym
knows limit
knows tokens limit request
knows redis limit pseudonym secret
knows table limit
knows feedback limit
knows client request
knows route client feedback limit request tokens
knows config client feedback limit redis request route secret table tokens
knows admission client config feedback limit request route table tokens

while read -r lines file; do
    if [[ $file != total && $lines -gt 300 ]]; then
        printf '%s has %s lines\nfences: a file has one role and at most 300 lines\n\n' "$file" "$lines" >&2
        broken=1
    fi
done < <(git ls-files '*.rs' | xargs wc -l)
exit "$broken"
