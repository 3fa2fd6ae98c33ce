#!/usr/bin/env bash
# Links the filter without the callbacks that it does not have.
#
# The SDK exports every callback of the ABI, and Envoy calls each that it finds, also
# those that do nothing, as for the log of each stream. They are a good part of
# what a module costs a request. rustc has the linker export them all, and a linker
# cannot be told to take one back, so they are taken off its command line.
set -euo pipefail

# Some callbacks are the filter's own (src/host/callbacks.rs). A linker cannot be told to
# export one under another name either: that is written into the module afterwards, over a
# name of the same length.
readonly own=tollg_on_ name=proxy_on_
replaced=('done' tick request_{headers,body,trailers} response_{body,trailers})

declare -A unused
for callback in \
    "${replaced[@]/#/$name}" \
    proxy_on_log proxy_on_delete \
    proxy_on_queue_ready proxy_on_foreign_function \
    proxy_on_grpc_{receive,close,receive_initial_metadata,receive_trailing_metadata} \
    proxy_on_new_connection proxy_on_{downstream,upstream}_{data,connection_close}; do
    unused[$callback]=1
done

output=
arguments=()
while [[ $# -gt 0 ]]; do
    if [[ $1 == --export && -n ${unused[${2:-}]:-} ]]; then
        shift 2
        continue
    fi
    [[ $1 != -o ]] || output=${2:-}
    arguments+=("$1")
    shift
done
"${TOLLGATE_LINKER:?}" "${arguments[@]}"
LC_ALL=C sed -i "s/$own/$name/g" "${output:?}"
