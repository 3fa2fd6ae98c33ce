//! The targets that `make` has, and what `make help` says of them.

use crate::page::{read, root};
use std::process::Command;

/// Those that do something, by their `.PHONY`.
pub(crate) fn targets() -> Vec<String> {
    let makefile = read("Makefile");
    let phony = makefile
        .lines()
        .find_map(|line| line.strip_prefix(".PHONY:"));
    let targets = phony.expect("a list of targets").split_whitespace();
    targets.map(str::to_owned).collect()
}

#[test]
fn make_help_names_every_target_and_what_it_does() {
    let output = Command::new("make")
        .args(["--no-print-directory", "help"])
        .current_dir(root())
        .output()
        .expect("make runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let mut said: Vec<&str> = said
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert!(words.len() > 3 && words[0] == "make", "{line}");
            words[1]
        })
        .collect();
    let mut targets = targets();
    said.sort_unstable();
    targets.sort_unstable();
    assert_eq!(said, targets);
}
