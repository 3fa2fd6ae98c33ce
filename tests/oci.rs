//! `make oci`: an image layout that registries take and that Istio and Envoy Gateway can read.
//!
//! How those two read an image is taken from their sources (`imagefetcher.go` in both): a
//! manifest of Docker's or OCI's, whose last layer is a .tar.gz with a file `plugin.wasm`;
//! else exactly two layers, one of which is the module.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use flate2::read::GzDecoder;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const MODULE: &[u8] = b"\0asm\x01\0\0\0 not one that runs";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Packs these bytes into `folder`; what the script printed.
fn pack(module: &[u8], folder: &Path) -> Result<String, String> {
    let file = folder.with_extension("wasm");
    fs::write(&file, module).unwrap();
    let output = Command::new(root().join("scripts/oci.py"))
        .arg(file)
        .arg(folder)
        .output()
        .expect("python3 runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    match output.status.success() {
        true => Ok(text(output.stdout)),
        false => Err(text(output.stderr)),
    }
}

fn json(file: PathBuf) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// What a descriptor points at, once its digest and its size are found to be right.
fn blob(layout: &Path, descriptor: &Value) -> Vec<u8> {
    let digest = descriptor["digest"].as_str().unwrap();
    let hex = digest.strip_prefix("sha256:").unwrap();
    let bytes = fs::read(layout.join("blobs/sha256").join(hex)).unwrap();
    let found: String = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(found, hex);
    assert_eq!(descriptor["size"], bytes.len());
    bytes
}

/// The module as the two control planes would find it, and whether in the "compat" form.
fn read(layout: &Path, manifest: &Value) -> (Vec<u8>, bool) {
    let layers = manifest["layers"].as_array().unwrap();
    let last = layers.last().unwrap();
    if last["mediaType"] == "application/vnd.oci.image.layer.v1.tar+gzip" {
        let layer = blob(layout, last);
        let mut archive = tar::Archive::new(GzDecoder::new(&*layer));
        let mut entries = archive.entries().unwrap().map(Result::unwrap);
        let mut entry = entries.next().expect("a file");
        assert_eq!(entry.path().unwrap().file_name().unwrap(), "plugin.wasm");
        assert_eq!(entry.header().mtime().unwrap(), 0);
        let mut module = Vec::new();
        entry.read_to_end(&mut module).unwrap();
        return (module, true);
    }
    assert_eq!(layers.len(), 2);
    let kind = "application/vnd.module.wasm.content.layer.v1+wasm";
    let layer = layers.iter().find(|layer| layer["mediaType"] == kind);
    (blob(layout, layer.expect("the module")), false)
}

#[test]
fn both_forms_have_the_module_and_all_digests_are_right() {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let layout = folder.path().join("layout");
    let printed = pack(MODULE, &layout).unwrap();
    assert_eq!(
        json(layout.join("oci-layout"))["imageLayoutVersion"],
        "1.0.0"
    );
    let index = json(layout.join("index.json"));
    assert_eq!(
        (&index["schemaVersion"], &index["mediaType"]),
        (&2.into(), &INDEX.into())
    );

    let mut tags = Vec::new();
    let mut used = BTreeSet::new();
    for descriptor in index["manifests"].as_array().unwrap() {
        assert_eq!(descriptor["mediaType"], MANIFEST);
        let manifest: Value = serde_json::from_slice(&blob(&layout, descriptor)).unwrap();
        assert_eq!(manifest["schemaVersion"], 2);
        assert_eq!(manifest["mediaType"], MANIFEST);
        let config: Value = serde_json::from_slice(&blob(&layout, &manifest["config"])).unwrap();
        let (module, compat) = read(&layout, &manifest);
        assert_eq!(module, MODULE);
        if compat {
            assert_eq!(
                manifest["annotations"]["module.wasm.image/variant"],
                "compat"
            );
            let mut tar = Vec::new();
            let layer = blob(&layout, &manifest["layers"][0]);
            assert_eq!(layer[4..8], [0; 4], "gzip's time");
            GzDecoder::new(&*layer).read_to_end(&mut tar).unwrap();
            let hex: String = Sha256::digest(&tar)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            assert_eq!(config["rootfs"]["diff_ids"][0], format!("sha256:{hex}"));
        } else {
            assert_eq!(config["type"], "envoy_proxy");
            let kind = "application/vnd.module.wasm.config.v1+json";
            assert_eq!(manifest["config"]["mediaType"], kind);
            assert_eq!(manifest["layers"][0]["mediaType"], kind);
        }
        let tag = &descriptor["annotations"]["org.opencontainers.image.ref.name"];
        let tag = tag.as_str().unwrap();
        let digest = descriptor["digest"].as_str().unwrap();
        let line = format!("{}  {tag}", digest.trim_start_matches("sha256:"));
        assert!(printed.lines().any(|printed| printed == line), "{line}");
        tags.push(tag.to_owned());
        let layers = manifest["layers"].as_array().unwrap();
        for descriptor in layers.iter().chain([descriptor, &manifest["config"]]) {
            let digest = descriptor["digest"].as_str().unwrap();
            used.insert(digest.trim_start_matches("sha256:").to_owned());
        }
    }
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(tags, [version.to_owned(), format!("{version}-oci")]);
    let blobs = fs::read_dir(layout.join("blobs/sha256")).unwrap();
    let blobs = blobs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(
        blobs.collect::<BTreeSet<_>>(),
        used,
        "a blob that nothing names"
    );
}

/// Whoever pins a digest can have the same image from the same module. A layout of before
/// leaves nothing.
#[test]
fn the_same_module_has_the_same_digests() {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
    pack(b"\0asm of before", &second).unwrap();
    let printed = [
        pack(MODULE, &first).unwrap(),
        pack(MODULE, &second).unwrap(),
    ];
    assert_eq!(printed[0], printed[1]);
    let same = Command::new("diff")
        .arg("-r")
        .args([first, second])
        .output()
        .unwrap();
    assert!(
        same.status.success(),
        "{}",
        String::from_utf8_lossy(&same.stdout)
    );
    let other = pack(b"\0asm another", &folder.path().join("other")).unwrap();
    assert_ne!(printed[0], other);
}

#[test]
fn what_is_no_module_is_not_packed() {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let layout = folder.path().join("layout");
    let said = pack(b"\x7fELF", &layout).unwrap_err();
    assert!(said.contains("is no Wasm module"), "{said}");
    assert!(!layout.exists());
}

/// The image that docker builds has the file where the two look for it.
#[test]
fn the_dockerfile_makes_the_compat_form() {
    let text = fs::read_to_string(root().join("envoy/oci/Dockerfile")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(
        lines.collect::<Vec<_>>(),
        ["FROM scratch", "COPY tollgate.wasm /plugin.wasm"]
    );
}
