//! Every configuration that a user may copy is read by the filter's reader.

use std::fs;
use std::path::{Path, PathBuf};

use crate::errors;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The ```json blocks of a Markdown file.
fn json_blocks(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let blocks = text.split("```json\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

/// The plugin configuration in an Envoy file: what stands under `value: |`.
fn plugin_configuration(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let after = text.split("value: |\n").nth(1).unwrap();
    let indent = after.len() - after.trim_start().len();
    let inner = after
        .lines()
        .take_while(|line| line.len() - line.trim_start().len() >= indent);
    inner.collect::<Vec<_>>().join("\n")
}

/// A block of the documentation: a whole configuration, or some members of one.
fn whole(block: &str) -> String {
    let members = block.trim();
    if members.contains("\"limits\": {") && members.starts_with('{') {
        return members.to_owned();
    }
    let mut whole = members.trim_end_matches(',').to_owned();
    if !members.contains("\"limits\": {") {
        whole.push_str(r#", "limits": {"rpm": {"rate": "100/m"}, "per-ip": {"rate": "20/s"}}"#);
    }
    if !whole.contains("\"client_from\"") {
        whole.push_str(r#", "client_from": [{"ip": {}}]"#);
    }
    if whole.contains("\"known\"") && !whole.contains("\"clients\"") {
        whole.push_str(r#", "clients": {"alice": {}}"#);
    }
    if whole.contains("\"path_param\"") && !whole.contains("\"routes\"") {
        whole.push_str(
            r#", "routes": [{"match": {"path": "/v1/models/{model}"}, "limits": ["rpm"]}, {"match": {}, "limits": ["rpm"]}]"#,
        );
    }
    format!("{{{whole}}}")
}

#[test]
fn the_documentation_shows_sound_configurations() {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.push(root().join("README.md"));
    let mut blocks = 0;
    for file in files {
        for block in json_blocks(&file) {
            assert_eq!(
                errors(&whole(&block)),
                [""; 0],
                "{}:\n{block}",
                file.display()
            );
            blocks += 1;
        }
    }
    assert!(
        blocks > 10,
        "only {blocks} examples: are they still marked as json?"
    );
}

#[test]
fn the_shipped_envoy_files_hold_sound_configurations() {
    for (folder, least) in [("envoy", 2), ("envoy/examples", 10)] {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        let files = entries.map(|entry| entry.unwrap().path());
        let files: Vec<PathBuf> = files
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "yaml")
            })
            // Others are parts of such a file, or for other programs.
            .filter(|path| {
                fs::read_to_string(path)
                    .unwrap()
                    .contains("filters.http.wasm.v3.Wasm")
            })
            .collect();
        for file in &files {
            let found = errors(&plugin_configuration(file));
            assert_eq!(found, [""; 0], "{}", file.display());
        }
        assert!(files.len() >= least, "{folder}: {files:?}");
    }
}
