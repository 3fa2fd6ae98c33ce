//! The shipped manifests, document by document.

use serde::Deserialize;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One of a file's YAML documents.
pub(crate) struct Document {
    pub(crate) file: String,
    pub(crate) value: Value,
}

impl Document {
    pub(crate) fn text(&self, pointer: &str) -> &str {
        let value = self.value.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_else(|| panic!("{}: no {pointer}", self.file))
    }

    pub(crate) fn kind(&self) -> &str {
        self.text("/kind")
    }
}

/// The documents of some YAML. A member that is there twice is an error of the reader.
pub(crate) fn parse(file: &str, text: &str) -> Vec<Document> {
    let documents = serde_norway::Deserializer::from_str(text);
    documents
        .map(|document| {
            // Read as JSON at once, the last of two members would win in silence.
            let read = serde_norway::Value::deserialize(document);
            let read = read.unwrap_or_else(|error| panic!("{file}: {error}"));
            Document {
                file: file.to_owned(),
                value: Value::deserialize(read).unwrap_or_else(|error| panic!("{file}: {error}")),
            }
        })
        .collect()
}

#[test]
#[should_panic(expected = "some.yaml: ")]
fn a_member_that_is_there_twice_is_an_error() {
    parse("some.yaml", "spec:\n  a: { b: 1, b: 2 }");
}

/// Files of a folder by their ending, in order.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).expect(folder);
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "nothing in {folder}");
    paths
}

/// Every manifest that is shipped.
pub(crate) fn shipped() -> Vec<Document> {
    ["envoy/istio", "envoy/gateway"]
        .iter()
        .flat_map(|folder| files(folder, "yaml"))
        .flat_map(|path| {
            let name = path.strip_prefix(root()).expect("inside").display();
            parse(&name.to_string(), &fs::read_to_string(&path).unwrap())
        })
        .collect()
}
