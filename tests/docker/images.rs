//! The stand-ins for the official images.

use crate::compose;
use crate::engine::Engine;
use crate::harness::{docker_base, envoy, model_api, root, wasm};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Gives the engine an image by each official name that the shipped files have.
pub(crate) fn build(engine: &Engine) {
    let base = docker_base();
    engine.docker(&["import", base.to_str().unwrap(), "tollgate/base"]);
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let put = |file: &Path, name: &str| {
        std::fs::copy(file, folder.path().join(name)).expect("a copy");
    };
    put(&envoy(), "envoy");
    put(&wasm("tollgate"), "tollgate.wasm");
    let stand_ins = root().join("tests/docker/stand_ins");
    for file in ["Dockerfile", "toolchain.sh", "grafana.py"] {
        put(&stand_ins.join(file), file);
    }
    // As the shipped Dockerfile has it made.
    let mut strip = Command::new("strip");
    strip
        .arg(model_api())
        .arg("-o")
        .arg(folder.path().join("model_api"));
    assert!(strip
        .status()
        .expect("strip runs (package binutils)")
        .success());

    let dockerfile = std::fs::read_to_string(root().join("envoy/Dockerfile")).unwrap();
    let context = folder.path().to_str().unwrap();
    for image in compose::official(&compose::config("cluster"), &dockerfile) {
        let name = image.split(':').next().unwrap().rsplit('/').next().unwrap();
        engine.docker(&[
            "build",
            "--quiet",
            "--network",
            "none",
            "--target",
            name,
            "--tag",
            &image,
            context,
        ]);
    }
}
