//! Every shipped manifest is one that the API server would take, and keep whole.

use crate::crds;
use crate::documents::{parse, shipped, Document};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

/// Kinds without a definition among those that are checked against: Kubernetes' own, and one
/// whose contents the tests on a real Envoy try.
const WITHOUT: [&str; 4] = ["ConfigMap", "EnvoyProxy", "Secret", "Service"];

/// The test harness swallows what a passing test prints, and this is to be read.
fn say(line: &str) {
    writeln!(std::io::stderr(), "manifests: {line}").expect("standard error");
}

pub(crate) fn errors_of(folder: &PathBuf, document: &Document) -> Vec<String> {
    let schema = crds::schema_of(folder, document.text("/apiVersion"), document.kind());
    let schema =
        schema.unwrap_or_else(|| panic!("{}: no schema of {}", document.file, document.kind()));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    validator
        .iter_errors(&document.value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[test]
fn every_manifest_fits_the_schema_of_its_kind() {
    let Some(folder) = crds::folder() else {
        say(
            "no custom resource definitions here, so no manifest is checked against one; \
             name their folder with TOLLGATE_CRDS",
        );
        return;
    };
    say(&format!("checked against {}", folder.display()));
    let mut without = BTreeSet::new();
    let mut checked = BTreeSet::new();
    for document in shipped() {
        let kind = document.kind().to_owned();
        if WITHOUT.contains(&kind.as_str()) {
            without.insert(kind);
            continue;
        }
        let errors = errors_of(&folder, &document);
        assert_eq!(errors, [""; 0], "{} ({kind})", document.file);
        checked.insert(kind);
    }
    assert_eq!(without, BTreeSet::from(WITHOUT.map(String::from)));
    let expected = [
        "DestinationRule",
        "EnvoyExtensionPolicy",
        "EnvoyFilter",
        "EnvoyPatchPolicy",
        "ServiceEntry",
        "WasmPlugin",
    ];
    assert_eq!(checked, BTreeSet::from(expected.map(String::from)));
}

/// The check itself: what the API server would refuse, and what it would drop in silence.
#[test]
fn what_does_not_fit_is_found() {
    let Some(folder) = crds::folder() else {
        say("no custom resource definitions here, so the check of manifests is not tried");
        return;
    };
    let sound = "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\n\
        metadata: { name: a }\nspec: { url: oci://a, pluginConfig: { any: [ { thing: 1 } ] } }\n";
    let errors = |text: &str| errors_of(&folder, &parse("made up", text)[0]);
    assert_eq!(errors(sound), [""; 0]);
    for (from, to, expected) in [
        ("url: oci://a", "uri: oci://a", "url"),
        ("url: oci://a", "url: oci://a, allow: true", "allow"),
        ("url: oci://a", "url: oci://a, phase: LATE", "LATE"),
        (
            "url: oci://a",
            "url: oci://a, failStrategy: RELOAD",
            "RELOAD",
        ),
        ("url: oci://a", "url: oci://a, sha256: abc", "abc"),
        (
            "url: oci://a",
            "url: oci://a, match: [ { mode: SERVER, port: 1 } ]",
            "port",
        ),
        (
            "url: oci://a",
            "url: oci://a, vmConfig: { env: [ { value: a } ] }",
            "name",
        ),
        ("name: a", "name: a, lables: {}", "lables"),
    ] {
        let found = errors(&sound.replace(from, to)).join("\n");
        assert!(found.contains(expected), "{to}: {found:?}");
    }
}

/// What a schema cannot say: an Istio plugin without it also runs on what a workload sends, and
/// shares its data with every other plugin.
#[test]
fn every_plugin_of_istio_has_what_keeps_it_apart() {
    let mut namespaces = BTreeSet::new();
    for document in shipped() {
        if document.kind() != "WasmPlugin" {
            continue;
        }
        let spec = &document.value["spec"];
        assert_eq!(spec["failStrategy"], "FAIL_RELOAD", "{}", document.file);
        let namespace = document.text("/spec/pluginConfig/namespace");
        namespaces.insert((
            namespace.to_owned(),
            document.text("/metadata/namespace").to_owned(),
        ));
        let sidecar = spec.get("selector").is_some();
        assert_ne!(
            sidecar,
            spec.get("targetRefs").is_some(),
            "{}",
            document.file
        );
        let mode = spec.pointer("/match/0/mode").and_then(Value::as_str);
        assert_eq!(mode, sidecar.then_some("SERVER"), "{}", document.file);
    }
    assert_eq!(namespaces.len(), 2);
}

/// An EnvoyExtensionPolicy that fails open is no limiter.
#[test]
fn every_policy_of_envoy_gateway_fails_closed() {
    let mut policies = 0;
    for document in shipped() {
        if document.kind() == "EnvoyExtensionPolicy" {
            let open = document.value.pointer("/spec/wasm/0/failOpen");
            assert_eq!(open, Some(&Value::Bool(false)), "{}", document.file);
            policies += 1;
        }
    }
    assert_eq!(policies, 2);
}
