#!/usr/bin/env python3
"""Packs the filter as an image, the way Istio and Envoy Gateway pull modules from registries.

    scripts/oci.py [MODULE [FOLDER]]

writes an OCI image layout, by default target/oci, with both forms that the two read (the Wasm
image specification, spec.md and spec-compat.md of solo-io/wasm):

    VERSION       an image whose one layer is a .tar.gz with plugin.wasm in it ("compat"): every
                  registry and every tool takes it
    VERSION-oci   an artefact of two layers, the module as it is and a word on its runtime
                  ("oci"): its digest depends on the module alone, but some registries refuse it

and prints the digest of each, which is what `sha256` in a WasmPlugin or an
EnvoyExtensionPolicy is to be. No time, user or path goes in: packed again, the same module has the
same digests, that of the first form as long as Python's zlib compresses as it does.
"""

import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def version():
    """The package's, from Cargo.toml."""
    text = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    return re.search(r'^version = "(.+)"$', text, re.MULTILINE)[1]


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def to_json(value):
    """In one spelling, so that it has one digest."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


class Layout:
    """An OCI image layout that is being written."""

    def __init__(self, folder):
        self.folder = folder
        self.manifests = []
        # What is left of another module would be pushed along.
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_bytes(to_json({"imageLayoutVersion": "1.0.0"}))

    def blob(self, media_type, data, **more):
        """Keeps it, and describes it."""
        digest = sha256(data)
        (self.folder / "blobs" / digest.replace(":", "/")).write_bytes(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data), **more}

    def manifest(self, tag, manifest):
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, **manifest}
        named = {"org.opencontainers.image.ref.name": tag}
        self.manifests.append(self.blob(MANIFEST, to_json(manifest), annotations=named))

    def close(self):
        index = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": self.manifests,
        }
        (self.folder / "index.json").write_bytes(to_json(index))


def archive(module):
    """plugin.wasm alone, in a tar that says nothing of when or by whom."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        entry = tarfile.TarInfo("plugin.wasm")
        entry.size = len(module)
        tar.addfile(entry, io.BytesIO(module))
    return buffer.getvalue()


def annotations():
    return {
        "org.opencontainers.image.title": "tollgate",
        "org.opencontainers.image.version": version(),
        "org.opencontainers.image.licenses": "Apache-2.0",
    }


def compat(layout, module):
    tar = archive(module)
    config = {
        "architecture": "wasm",
        "os": "wasip1",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [sha256(tar)]},
    }
    layer = "application/vnd.oci.image.layer.v1.tar+gzip"
    layout.manifest(
        version(),
        {
            "config": layout.blob("application/vnd.oci.image.config.v1+json", to_json(config)),
            "layers": [layout.blob(layer, gzip.compress(tar, mtime=0))],
            "annotations": {**annotations(), "module.wasm.image/variant": "compat"},
        },
    )


def oci(layout, module):
    kind = "application/vnd.module.wasm.config.v1+json"
    runtime = {"type": "envoy_proxy", "abiVersions": ["0.2.1"], "config": {}}

    def layer(media_type, data, name):
        title = {"org.opencontainers.image.title": name}
        return layout.blob(media_type, data, annotations=title)

    # Readers want two layers, of which the word on the runtime is one. It is the manifest's
    # config too, which tells registries what the whole is.
    layout.manifest(
        version() + "-oci",
        {
            "config": layout.blob(kind, to_json(runtime)),
            "layers": [
                layer(kind, to_json(runtime), "runtime-config.json"),
                layer("application/vnd.module.wasm.content.layer.v1+wasm", module, "plugin.wasm"),
            ],
            "annotations": annotations(),
        },
    )


def main(arguments):
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    module = pathlib.Path(arguments[0]) if arguments else target / "wasm32-wasip1/release/tollgate.wasm"
    folder = pathlib.Path(arguments[1]) if len(arguments) > 1 else target / "oci"
    data = module.read_bytes()
    if not data.startswith(b"\0asm"):
        sys.exit(f"oci: {module} is no Wasm module")
    layout = Layout(folder)
    compat(layout, data)
    oci(layout, data)
    layout.close()
    for manifest in layout.manifests:
        tag = manifest["annotations"]["org.opencontainers.image.ref.name"]
        print(f"{manifest['digest'].removeprefix('sha256:')}  {tag}")


if __name__ == "__main__":
    main(sys.argv[1:])
