//! `make check`, as the README shows it: what stands there is what it says. It needs the
//! program, which `make test` builds.
#![cfg(feature = "tool")]

use crate::page::Page;
use std::fs;
use std::process::Command;
use tempfile::TempDir;

const LIMITS: &str = r#"{
  "client_from": [{"header": "x-api-key"}],
  "limits": {"rpm": {"rate": "15/min", "burst": 0}},
  "routes": [{"match": {}, "limits": ["rmp"]}]
}"#;

#[test]
fn the_readme_shows_what_make_check_says() {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    fs::write(folder.path().join("limits.json"), LIMITS).expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args(["check", "limits.json"])
        .current_dir(folder.path())
        .output()
        .expect("the program runs");
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).expect("a text");

    let blocks = Page::read("README.md").blocks;
    let shown = blocks
        .iter()
        .find_map(|block| block.text.strip_prefix("$ make check CONFIG=limits.json\n"));
    assert_eq!(shown.expect("a console"), said);
}
