//! Every shipped manifest is one that the API server would take, and keep whole.

use crate::crds::Schemas;
use crate::documents::{parse, shipped};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write;

/// Kinds without a schema anywhere here: Kubernetes' own, and one whose contents the tests on
/// a real Envoy try.
const WITHOUT: [&str; 4] = ["ConfigMap", "EnvoyProxy", "Secret", "Service"];

const OF_ISTIO: [&str; 4] = [
    "DestinationRule",
    "EnvoyFilter",
    "ServiceEntry",
    "WasmPlugin",
];

const OF_ENVOY_GATEWAY: [&str; 2] = ["EnvoyExtensionPolicy", "EnvoyPatchPolicy"];

/// The test harness swallows what a passing test prints, and this is to be read.
fn say(line: &str) {
    writeln!(std::io::stderr(), "manifests: {line}").expect("standard error");
}

#[test]
fn every_manifest_fits_the_schema_of_its_kind() {
    let schemas = Schemas::here();
    say(&format!("checked against {}", schemas.name()));
    let documents = shipped();
    let mut without = BTreeSet::new();
    let mut checked = BTreeSet::new();
    for (document, errors) in documents.iter().zip(schemas.errors(&documents)) {
        let kind = document.kind();
        match errors {
            None => without.insert(kind),
            Some(errors) => {
                assert_eq!(errors, [""; 0], "{} ({kind})", document.file);
                checked.insert(kind)
            }
        };
    }
    let mut with = BTreeSet::from(OF_ISTIO);
    let mut unknown = BTreeSet::from(WITHOUT);
    if schemas.are_definitions() {
        with.extend(OF_ENVOY_GATEWAY);
    } else {
        unknown.extend(OF_ENVOY_GATEWAY);
    }
    say(&format!("without a schema: {without:?}"));
    assert_eq!((checked, without), (with, unknown));
}

/// The check itself: what the API server would refuse, and what it would drop in silence.
#[test]
fn what_does_not_fit_is_found() {
    let schemas = Schemas::here();
    let sound = "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\n\
        metadata: { name: a }\nspec: { url: oci://a, pluginConfig: { any: [ { thing: 1 } ] } }\n";
    let errors = |text: &str| {
        let errors = schemas.errors(&parse("made up", text)).remove(0);
        errors.expect("a schema").join("\n")
    };
    assert_eq!(errors(sound), "");
    let url = "url: oci://a";
    let refused = [
        (url, "uri: oci://a", "url"),
        (url, "url: oci://a, phase: LATE", "phase"),
        (url, "url: oci://a, failStrategy: RELOAD", "failStrategy"),
        (url, "url: oci://a, sha256: abc", "sha256"),
        (
            url,
            "url: oci://a, vmConfig: { env: [ { value: a } ] }",
            "name",
        ),
    ];
    let dropped = [
        (url, "url: oci://a, allow: true", "allow"),
        (
            url,
            "url: oci://a, match: [ { mode: SERVER, port: 1 } ]",
            "port",
        ),
        ("name: a", "name: a, lables: {}", "lables"),
    ];
    let dropped = dropped.iter().filter(|_| schemas.are_definitions());
    for (from, to, expected) in refused.iter().chain(dropped) {
        let found = errors(&sound.replace(from, to));
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
