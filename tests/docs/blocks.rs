//! Every block of code is read by somebody: JSON by the filter's own reader
//! (`tests/config/examples.rs`), commands by `commands.rs`, all others here.

use crate::page::pages;
use serde::Deserialize;
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};

/// Its documents. A member that is there twice is an error of this reader, and of no other.
fn yaml(text: &str) -> Vec<Result<serde_norway::Value, serde_norway::Error>> {
    serde_norway::Deserializer::from_str(text)
        .map(serde_norway::Value::deserialize)
        .collect()
}

#[test]
fn a_member_that_is_there_twice_is_seen() {
    assert!(yaml("a: 1\n---\nb: 1\nc: 2").iter().all(Result::is_ok));
    assert!(yaml("a: { b: 1, b: 2 }")[0].is_err());
}

#[test]
fn every_yaml_is_read() {
    let mut seen = 0;
    for page in pages() {
        for block in page.blocks.iter().filter(|block| block.language == "yaml") {
            for document in yaml(&block.text) {
                let read = document.unwrap_or_else(|error| panic!("{}: {error}", page.name));
                let is_code = read.is_mapping() || read.is_sequence();
                assert!(
                    is_code,
                    "{}: no YAML but a text:\n{}",
                    page.name, block.text
                );
                seen += 1;
            }
        }
    }
    assert!(
        seen > 4,
        "only {seen} blocks: are they still marked as yaml?"
    );
}

/// Those pages of which `tests/config/examples.rs` reads the JSON.
#[test]
fn json_is_where_the_filter_reads_it() {
    for page in pages() {
        let is_read = page.name == "README.md"
            || (page.name.starts_with("docs/") && page.name.matches('/').count() == 1);
        let blocks = page.blocks.iter();
        for block in blocks.filter(|block| block.language == "json") {
            assert!(is_read, "{}: nobody reads\n{}", page.name, block.text);
        }
    }
}

#[test]
fn every_line_of_json_is_read() {
    let mut seen = 0;
    for page in pages() {
        let blocks = page.blocks.iter();
        for block in blocks.filter(|block| block.language == "json-lines") {
            for line in block.text.lines() {
                let read: Result<Value, _> = serde_json::from_str(line);
                assert!(read.is_ok(), "{}: {read:?} {line}", page.name);
                seen += 1;
            }
        }
    }
    assert!(seen > 0);
}

/// `tests/test_client_libraries.py` runs the one of `docs/client-libraries.md`.
#[test]
fn every_python_is_read() {
    for page in pages() {
        for block in page
            .blocks
            .iter()
            .filter(|block| block.language == "python")
        {
            let mut python = Command::new("python3")
                .args(["-c", "import ast, sys; ast.parse(sys.stdin.read())"])
                .stdin(Stdio::piped())
                .spawn()
                .expect("python3 runs");
            let mut input = python.stdin.take().expect("its input");
            input
                .write_all(block.text.as_bytes())
                .expect("python3 reads");
            drop(input);
            let status = python.wait().expect("python3 ends");
            assert!(status.success(), "{}:\n{}", page.name, block.text);
        }
    }
}

/// A block in another language would be one that nobody reads. Without a language it is no
/// code: a log, a header, a drawing, a query that `tests/envoy/monitoring` asks.
#[test]
fn every_language_has_its_reader() {
    let known = ["", "console", "json", "json-lines", "python", "sh", "yaml"];
    for page in pages() {
        for block in &page.blocks {
            let language = block.language.as_str();
            assert!(known.contains(&language), "{}: {language}", page.name);
        }
    }
}
