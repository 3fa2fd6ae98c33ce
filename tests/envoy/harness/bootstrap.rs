//! Envoy's configuration for a test: `envoy/envoy.yaml` itself, or an example beside it, with
//! a few lines replaced.
//!
//! The file that users copy is thereby the fixture of every test, and an edit of it that
//! breaks a test's replacement breaks that test loudly: each must match exactly once.

use super::paths;
use std::path::Path;

/// Which module stands at the filter's place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    Tollgate,
    Noop,
    /// No Wasm at all.
    None,
}

pub struct EnvoyOptions {
    /// The shipped file, in the repository.
    pub file: &'static str,
    pub filter: Filter,
    /// Tollgate's JSON; `None` is the one that is shipped.
    pub config: Option<String>,
    /// The demo API's port; the default answers nothing.
    pub upstream: u16,
    /// Worker threads.
    pub concurrency: u32,
    /// More replacements in the shipped file, each matching once: from, to.
    pub edits: Vec<(String, String)>,
    /// The listener comes from a file that `Envoy::update` replaces while it runs.
    pub lds: bool,
    /// How long the requests of a replaced listener may go on, in seconds.
    pub drain: u32,
    /// More of Envoy's own arguments.
    pub arguments: Vec<String>,
}

impl Default for EnvoyOptions {
    fn default() -> Self {
        Self {
            file: "envoy/envoy.yaml",
            filter: Filter::Tollgate,
            config: None,
            upstream: 9,
            concurrency: 2,
            edits: Vec::new(),
            lds: false,
            drain: 1,
            arguments: Vec::new(),
        }
    }
}

/// The answer that spares the upstream, for tests of the filter's own behaviour under load.
pub fn direct_response() -> (String, String) {
    (
        "route: { cluster: model_api, timeout: 0s }".to_owned(),
        "direct_response: { status: 200, body: { inline_string: ok } }".to_owned(),
    )
}

impl EnvoyOptions {
    /// The shipped file with ports, filter, JSON and `edits` replaced.
    pub fn bootstrap(&self) -> String {
        let shipped = std::fs::read_to_string(paths::root().join(self.file));
        let mut yaml = shipped.expect(self.file);
        for port in ["9901", "10000"] {
            yaml = once(&yaml, &format!("port_value: {port} "), "port_value: 0 ");
        }
        let upstream = format!("port_value: {} ", self.upstream);
        assert!(
            yaml.contains("port_value: 8000 "),
            "{}: no upstream",
            self.file
        );
        yaml = yaml.replace("port_value: 8000 ", &upstream);
        let module = match self.filter {
            Filter::Tollgate => paths::wasm("tollgate"),
            Filter::Noop => paths::wasm("noop"),
            Filter::None => paths::root().to_owned(),
        };
        let shipped = "filename: target/wasm32-wasip1/release/tollgate.wasm ";
        yaml = once(
            &yaml,
            shipped,
            &format!("filename: \"{}\" ", module.display()),
        );
        if let Some(config) = &self.config {
            yaml = with_json(&yaml, config);
        }
        if self.filter == Filter::None {
            yaml = without_wasm(&yaml);
        }
        for (from, to) in &self.edits {
            yaml = once(&yaml, from, to);
        }
        yaml
    }

    /// The bootstrap that takes its listener from `file`, and that file's content.
    pub fn dynamic(&self, file: &Path) -> (String, String) {
        let yaml = self.bootstrap();
        let (head, rest) = yaml.split_once("  listeners:\n").expect("listeners");
        let (listener, clusters) = rest.split_once("\n  clusters:").expect("clusters");
        let kind = "type.googleapis.com/envoy.config.listener.v3.Listener";
        let listener = once(
            listener,
            "  - name: tollgate\n    #",
            &format!("  - \"@type\": {kind}\n    name: tollgate\n    #"),
        );
        let source = format!(
            "dynamic_resources:\n  lds_config:\n    resource_api_version: V3\n    path_config_source: {{ path: \"{}\" }}\n",
            file.display()
        );
        let bootstrap =
            format!("node: {{ id: test, cluster: test }}\n{source}{head}  clusters:{clusters}");
        (bootstrap, format!("resources:\n{listener}\n"))
    }
}

fn once(text: &str, from: &str, to: &str) -> String {
    let count = text.matches(from).count();
    assert_eq!(
        count, 1,
        "the shipped file has {from:?} {count} times, not once"
    );
    text.replace(from, to)
}

/// The block under the only `value: |`, replaced.
fn with_json(yaml: &str, json: &str) -> String {
    let mut lines = Vec::new();
    let mut block = None;
    for line in yaml.lines() {
        let indent = line.len() - line.trim_start().len();
        match block {
            Some(outer) if indent > outer || line.trim().is_empty() => continue,
            _ => block = None,
        }
        lines.push(line.to_owned());
        if line.trim_start() == "value: |" {
            block = Some(indent);
            lines.extend(json.lines().map(|line| format!("{:indent$}  {line}", "")));
        }
    }
    lines.join("\n") + "\n"
}

/// The filter chain from the router on.
fn without_wasm(yaml: &str) -> String {
    let start = yaml
        .find("          - name: tollgate\n")
        .expect("the filter");
    let end = yaml
        .find("          - name: envoy.filters.http.router")
        .expect("the router");
    format!("{}{}", &yaml[..start], &yaml[end..])
}
