#!/usr/bin/env bash
# Lays out what a release has, in target/dist: the module, its parts (CycloneDX), the image as
# a layout in a tar, the digests by which that is pinned, and the checksums of all.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
dist=$target/dist
rm -rf "$dist"
mkdir -p "$dist"
cp "$target/wasm32-wasip1/release/tollgate.wasm" "$dist/"

scripts/oci.py "$dist/tollgate.wasm" "$target/oci" >"$dist/oci-digests.txt"
# The same module has the same archive, on whichever day and machine.
tar --create --file "$dist/tollgate-oci.tar" --directory "$target/oci" --sort=name \
    --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX .

# The day of the commit, instead of today's, so that one commit has one list.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
# What is linked into the module, not what builds and tests it. The tool writes it beside
# Cargo.toml.
.tools/cargo/bin/cargo-cyclonedx cyclonedx --quiet --format json --target wasm32-wasip1 \
    --no-build-deps --override-filename tollgate.cdx
mv tollgate.cdx.json "$dist/"

(cd "$dist" && sha256sum -- * >SHA256SUMS.draft && mv SHA256SUMS.draft SHA256SUMS)
cat "$dist/oci-digests.txt"
