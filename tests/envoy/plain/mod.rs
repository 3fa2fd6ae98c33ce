//! The files of envoy/plain, each as shipped and on a real Envoy: that it does what it says.

mod discovery;
mod per_route;

use crate::harness::{root, Answer, Client, Envoy};
use std::fs;
use std::process::Command;

/// A connection of its own: those of before may belong to the listener of before.
fn ask(envoy: &Envoy, path: &str, key: &str) -> Answer {
    Client::new(envoy.address()).get(path, &[("x-api-key", key)])
}

fn policy(answer: &Answer) -> Option<&str> {
    answer.header("ratelimit-policy")
}

/// `--mode validate` reads the bootstrap itself, from the repository's root, where its
/// relative paths lead somewhere.
#[test]
fn every_bootstrap_is_valid_as_it_stands() {
    let mut bootstraps = 0;
    for entry in fs::read_dir(root().join("envoy/plain")).expect("envoy/plain") {
        let path = entry.expect("a file").path();
        let text = fs::read_to_string(&path).expect("a text");
        if !text.contains("\nadmin:\n") {
            continue;
        }
        bootstraps += 1;
        let output = Command::new(root().join(".tools/envoy"))
            .args(["--mode", "validate", "--log-level", "warning", "-c"])
            .arg(&path)
            .current_dir(root())
            .output()
            .expect("Envoy runs");
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}:\n{log}", path.display());
        assert!(!log.contains("deprecated"), "{}:\n{log}", path.display());
    }
    assert_eq!(bootstraps, 5);
}

/// Whoever opens the folder finds each file in its table.
#[test]
fn the_readme_has_every_file() {
    let folder = root().join("envoy/plain");
    let readme = fs::read_to_string(folder.join("README.md")).expect("README.md");
    for entry in fs::read_dir(folder).expect("envoy/plain") {
        let name = entry.expect("a file").file_name();
        let name = name.to_str().expect("a name");
        let link = format!("[`{name}`]({name})");
        assert!(name == "README.md" || readme.contains(&link), "{link}");
    }
}
