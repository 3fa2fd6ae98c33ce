//! Where the artefacts are, and what to type where they are not.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Cargo's target directory, wherever it was moved to: this executable lies in
/// `<target>/<profile>/deps`.
pub fn target() -> PathBuf {
    profile().parent().expect("a target directory").to_owned()
}

fn profile() -> PathBuf {
    let executable = std::env::current_exe().expect("the path of this executable");
    let profile = executable.parent().and_then(Path::parent);
    profile.expect("<target>/<profile>/deps").to_owned()
}

fn present(path: PathBuf, command: &str) -> PathBuf {
    assert!(
        path.exists(),
        "{} is missing: run `{command}`",
        path.display()
    );
    path
}

pub fn envoy() -> PathBuf {
    present(root().join(".tools/envoy"), "make setup")
}

/// Compose, which is Docker's plugin and a program of its own.
pub fn docker_compose() -> PathBuf {
    present(
        root().join(".tools/compose/bin/docker-compose"),
        "make setup",
    )
}

/// What the images of the tests on Docker are made from, where setup could make it.
pub fn docker_base() -> PathBuf {
    root().join(".tools/docker/base.tar")
}

/// A module of the release build for Wasm, by its crate's name.
pub fn wasm(name: &str) -> PathBuf {
    let path = target().join(format!("wasm32-wasip1/release/{name}.wasm"));
    let command = if name == "noop" {
        "scripts/build.sh noop"
    } else {
        "make build"
    };
    present(path, command)
}

/// The demo API. `cargo test` builds the examples, `cargo test --test envoy` does not:
/// then it is built here, once.
pub fn model_api() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            let path = profile().join("examples/model_api");
            if !path.exists() {
                let mut cargo = Command::new(env!("CARGO"));
                cargo.args(["build", "--example", "model_api", "--target-dir"]);
                cargo.arg(target()).current_dir(root());
                if profile().ends_with("release") {
                    cargo.arg("--release");
                }
                let status = cargo.status().expect("cargo runs");
                assert!(status.success(), "the demo API does not build");
            }
            present(path, "cargo build --example model_api")
        })
        .clone()
}
