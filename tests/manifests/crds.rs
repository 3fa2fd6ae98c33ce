//! Where the schemas are: Istio's and Envoy Gateway's custom resource definitions, which are
//! not a part of this repository.
//!
//! `TOLLGATE_CRDS` names a folder with them, one file each, such as
//! `wasmplugins.extensions.istio.io.yaml`; a checkout that has `../shared/data/crds` beside it
//! takes them from there.

use crate::documents::{parse, root};
use crate::schema;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// The folder, if there is one on this machine.
pub(crate) fn folder() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("TOLLGATE_CRDS") {
        let named = PathBuf::from(named);
        assert!(
            named.is_dir(),
            "TOLLGATE_CRDS: {} is no folder",
            named.display()
        );
        return Some(named);
    }
    Some(root().join("../shared/data/crds")).filter(|folder| folder.is_dir())
}

/// The JSON schema of a kind; `None` where no definition in the folder is of it.
pub(crate) fn schema_of(folder: &PathBuf, api_version: &str, kind: &str) -> Option<Value> {
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
