//! Where the schemas are: Istio's and Envoy Gateway's custom resource definitions, which are
//! not a part of this repository.
//!
//! `TOLLGATE_CRDS` names a folder with them, one file each, such as
//! `wasmplugins.extensions.istio.io.yaml`; a checkout that has `../shared/data/crds` beside it
//! takes them from there. Elsewhere Istio's are those of an npm package, which
//! `scripts/setup.sh test` installs. That one lets unknown fields pass, and nothing of the kind
//! exists for Envoy Gateway.

use crate::documents::{parse, root, Document};
use crate::schema;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

pub(crate) enum Schemas {
    Definitions(PathBuf),
    Package(PathBuf),
}

impl Schemas {
    pub(crate) fn here() -> Self {
        if let Some(named) = std::env::var_os("TOLLGATE_CRDS").map(PathBuf::from) {
            assert!(named.is_dir(), "TOLLGATE_CRDS: no folder {named:?}");
            return Self::Definitions(named);
        }
        let beside = root().join("../shared/data/crds");
        if beside.is_dir() {
            return Self::Definitions(beside);
        }
        let package = root().join(".tools/istio-schemas");
        assert!(
            package.is_dir(),
            "{} is missing: run `make setup`",
            package.display()
        );
        Self::Package(package)
    }

    /// What they are, for whoever reads the test's output.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Definitions(folder) => {
                format!("custom resource definitions in {}", folder.display())
            }
            Self::Package(_) => "npm's @kubernetes-models/istio, which has no schemas of Envoy \
                Gateway and lets unknown fields pass; TOLLGATE_CRDS names better ones"
                .to_owned(),
        }
    }

    pub(crate) fn are_definitions(&self) -> bool {
        matches!(self, Self::Definitions(_))
    }

    /// What is wrong with each document; `None` where there is no schema of its kind.
    pub(crate) fn errors(&self, documents: &[Document]) -> Vec<Option<Vec<String>>> {
        match self {
            Self::Definitions(folder) => {
                let documents = documents.iter();
                documents
                    .map(|document| by_definition(folder, document))
                    .collect()
            }
            Self::Package(folder) => by_package(folder, documents),
        }
    }
}

fn by_definition(folder: &PathBuf, document: &Document) -> Option<Vec<String>> {
    let schema = schema_of(folder, document.text("/apiVersion"), document.kind())?;
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors = validator.iter_errors(&document.value);
    Some(
        errors
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect(),
    )
}

fn schema_of(folder: &PathBuf, api_version: &str, kind: &str) -> Option<Value> {
    for entry in fs::read_dir(folder).expect("the definitions") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a definition");
        for definition in parse(&path.display().to_string(), &text) {
            if definition.text("/spec/names/kind") != kind {
                continue;
            }
            let group = definition.text("/spec/group");
            let versions = definition.value["spec"]["versions"].as_array().unwrap();
            let version = versions.iter().find(|version| {
                let name = version["name"].as_str().unwrap();
                version["served"] == true && format!("{group}/{name}") == api_version
            });
            let version = version.unwrap_or_else(|| panic!("{kind} has no {api_version}"));
            let open_api = &version["schema"]["openAPIV3Schema"];
            return Some(schema::of_resource(open_api));
        }
    }
    None
}

fn by_package(folder: &PathBuf, documents: &[Document]) -> Vec<Option<Vec<String>>> {
    let mut node = Command::new("node")
        .arg(root().join("tests/manifests/istio-schemas.mjs"))
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs");
    let values: Vec<&Value> = documents.iter().map(|document| &document.value).collect();
    let mut input = node.stdin.take().expect("its input");
    input
        .write_all(serde_json::to_string(&values).unwrap().as_bytes())
        .expect("node reads");
    drop(input);
    let output = node.wait_with_output().expect("node ends");
    assert!(output.status.success(), "node fails");
    let found: Vec<Option<String>> = serde_json::from_slice(&output.stdout).expect("a list");
    assert_eq!(found.len(), documents.len());
    let lines = |found: String| found.lines().map(str::to_owned).collect();
    found.into_iter().map(|found| found.map(lines)).collect()
}
