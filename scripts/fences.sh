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
    grep -vE '^src/(host/|filter\.rs|root\.rs|lib\.rs)')
refuse "only host/, filter and root know of Envoy" 'proxy_wasm|crate::host' "${pure[@]}"
refuse "pure code does not log" '\blog::|\b(error|warn|info|debug|trace)!\(' "${pure[@]}"

mapfile -t limit < <(git ls-files 'src/limit/*.rs')
refuse "limit/ knows nobody" 'use crate::' "${limit[@]}"

mapfile -t inner < <(git ls-files 'src/client/*.rs' 'src/route/*.rs' 'src/table/*.rs' 'src/feedback/*.rs')
refuse "config constructs these rooms' values, they do not know it" 'use crate::(config|admission)' "${inner[@]}"

while read -r lines file; do
    if [[ $file != total && $lines -gt 300 ]]; then
        printf '%s has %s lines\nfences: a file has one role and at most 300 lines\n\n' "$file" "$lines" >&2
        broken=1
    fi
done < <(git ls-files '*.rs' | xargs wc -l)
exit "$broken"
