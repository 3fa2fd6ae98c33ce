//! The commands that pages show. What is executed:
//!
//! | what | by |
//! |---|---|
//! | `make run` and a 429 of it, `make client` | `tests/envoy/shipped.rs` |
//! | `make run EXAMPLE=…` and its line to try | `tests/envoy/examples`: each file is run, and its first line is the one of the page |
//! | `make run-cluster`, `envoy/bridge/run.sh` | `tests/envoy/shipped_cluster.rs`, `tests/envoy/harness/bridge.rs` |
//! | `make docker` and its end | `tests/docker`, where an engine can start |
//! | `make check` and what it says | `check.rs` |
//!
//! Of all others it is tried here that a shell reads them, that the program is one that a
//! page may ask for, and that targets, scripts and curl's options exist: kubectl, istioctl,
//! docker and their like have no cluster here to speak to.

use crate::makefile::targets;
use crate::page::{pages, root, Page};
use crate::shell::commands;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

/// What a page may ask its reader to have.
const PROGRAMS: [&str; 29] = [
    "apt-get",
    "cargo",
    "curl",
    "cut",
    "docker",
    "egctl",
    "envoy",
    "git",
    "grep",
    "head",
    "istioctl",
    "jq",
    "kubectl",
    "make",
    "openssl",
    "oras",
    "printf",
    "promtool",
    "python3",
    "redis-cli",
    "redis-server",
    "sed",
    "seq",
    "sha256sum",
    "skopeo",
    "sort",
    "uniq",
    "webdis",
    "yq",
];

/// A block's commands, without a console's answers.
fn script(language: &str, text: &str) -> String {
    if language == "sh" {
        return text.to_owned();
    }
    let mut lines = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        let command = line.strip_prefix("$ ").or(goes_on.then_some(line));
        goes_on = command.is_some_and(|command| command.ends_with('\\'));
        lines.extend(command);
    }
    assert!(!lines.is_empty(), "a console without a command:\n{text}");
    lines.join("\n")
}

fn is_read_by_a_shell(script: &str) -> bool {
    let mut shell = Command::new("bash")
        .arg("-n")
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("bash runs");
    let mut input = shell.stdin.take().expect("its input");
    input.write_all(script.as_bytes()).expect("bash reads");
    drop(input);
    shell.wait().expect("bash ends").success()
}

/// `-s` and `--json`, as `curl --help all` has them.
fn options_of_curl() -> BTreeSet<String> {
    let output = Command::new("curl").args(["--help", "all"]).output();
    let output = output.expect("curl runs");
    let said = String::from_utf8(output.stdout).expect("a text");
    let words = said.split([' ', ',', '\n']);
    words
        .filter(|word| word.starts_with('-'))
        .map(str::to_owned)
        .collect()
}

fn strange_options(command: &[String], known: &BTreeSet<String>) -> Vec<String> {
    let words = command[1..].iter();
    let options = words.filter(|word| word.len() > 1 && word.starts_with('-'));
    let single = options.flat_map(|option| {
        if option.starts_with("--") {
            return vec![option.clone()];
        }
        let letters = option.chars().skip(1);
        letters.map(|letter| format!("-{letter}")).collect()
    });
    single.filter(|option| !known.contains(option)).collect()
}

/// What is wrong with one command of a page.
fn wrong(page: &Page, command: &[String], options: &BTreeSet<String>) -> Option<String> {
    let program = command[0].as_str();
    let wrong = if program.contains('/') {
        let there = [root().join(program), page.folder().join(program)];
        (!there.iter().any(|file| file.is_file())).then(|| "no such file".to_owned())
    } else if !PROGRAMS.contains(&program) {
        Some("no program that a page may ask for".to_owned())
    } else {
        let strange = match program {
            "curl" => strange_options(command, options),
            "make" => {
                let named = command[1..].iter().filter(|word| !word.contains('='));
                named
                    .filter(|word| !targets().contains(word))
                    .cloned()
                    .collect()
            }
            _ => Vec::new(),
        };
        (!strange.is_empty()).then(|| format!("does not have {strange:?}"))
    };
    wrong.map(|wrong| format!("{}: {}: {wrong}", page.name, command.join(" ")))
}

#[test]
fn every_command_can_be_typed() {
    let options = options_of_curl();
    let mut all_wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let blocks = page.blocks.iter();
        for block in blocks.filter(|block| ["sh", "console"].contains(&block.language.as_str())) {
            let script = script(&block.language, &block.text);
            assert!(is_read_by_a_shell(&script), "{}:\n{script}", page.name);
            for command in commands(&script) {
                seen += 1;
                all_wrong.extend(wrong(&page, &command, &options));
            }
        }
    }
    assert!(all_wrong.is_empty(), "{all_wrong:#?}");
    assert!(seen > 60, "only {seen} commands: are they still found?");
}

#[test]
fn a_command_that_cannot_be_typed_is_seen() {
    let options = options_of_curl();
    let page = Page::parse("docs/some.md", "");
    let is_wrong = |line: &str| {
        let found = commands(line);
        found
            .iter()
            .any(|command| wrong(&page, command, &options).is_some())
    };
    for line in [
        "curl -si --json x y",
        "make lint",
        "make run EXAMPLE=x",
        "scripts/build.sh",
        "jq x",
    ] {
        assert!(!is_wrong(line), "{line}");
    }
    for line in [
        "curl -s?",
        "curl --jsno x",
        "make lnit",
        "scripts/none.sh",
        "echo | crul x",
    ] {
        assert!(is_wrong(line), "{line}");
    }
    assert!(!is_read_by_a_shell("for i in 1; do curl"));
}
