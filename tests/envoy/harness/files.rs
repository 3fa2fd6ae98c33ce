//! Shipped files that name each other: copied into Envoy's folder, with the ports and the
//! paths of the test, and replaced there while Envoy runs.

use super::bootstrap::EnvoyOptions;
use super::envoy::Envoy;
use super::paths;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A shipped text with what each test has of its own: any port to listen on, this upstream,
/// this build's module, and the neighbours in `folder`.
pub fn fitted(text: &str, upstream: u16, folder: &Path) -> String {
    let module = paths::wasm("tollgate");
    text.replace("port_value: 9901 ", "port_value: 0 ")
        .replace("port_value: 10000 ", "port_value: 0 ")
        .replace("port_value: 8000 ", &format!("port_value: {upstream} "))
        .replace(
            "filename: target/wasm32-wasip1/release/tollgate.wasm ",
            &format!("filename: \"{}\" ", module.display()),
        )
        .replace(
            "path: envoy/plain/",
            &format!("path: {}/", folder.display()),
        )
}

impl Envoy {
    /// Envoy with these files of envoy/plain, the first of which is its bootstrap.
    pub fn start_files(files: &[&str], upstream: u16, edit: impl Fn(&str) -> String) -> Self {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        for file in files {
            put(folder.path(), file, upstream, &edit);
        }
        let mut command = Command::new(paths::envoy());
        command
            .arg("--config-path")
            .arg(folder.path().join(files[0]));
        let options = EnvoyOptions {
            upstream,
            ..EnvoyOptions::default()
        };
        Self::launch(options, folder, command)
            .unwrap_or_else(|log| panic!("Envoy does not start:\n{log}"))
    }

    /// Moves an edited copy of a shipped file to the place of the one that Envoy reads.
    pub fn replace_file(&self, file: &str, upstream: u16, edit: impl Fn(&str) -> String) {
        put(self.folder.path(), file, upstream, &edit);
    }
}

/// Envoy watches for a file that is moved into place: it never sees half of one.
fn put(folder: &Path, file: &str, upstream: u16, edit: &impl Fn(&str) -> String) {
    let shipped = paths::root().join("envoy/plain").join(file);
    let text = fs::read_to_string(shipped).expect(file);
    let draft = folder.join("draft.yaml");
    let text = fitted(&edit(&text), upstream, folder);
    fs::write(&draft, text).expect("a file can be written");
    fs::rename(draft, folder.join(file)).expect("a file can be moved");
}
