//! The plugin configuration in each manifest, read by the filter's own reader in the form in
//! which the control plane hands it on.

use crate::documents::{shipped, Document};
use serde_json::Value;
use std::collections::BTreeSet;
use tollgate::config::Config;

/// Istio keeps it in a protobuf `Struct`, whose only numbers are doubles.
fn through_struct(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::from(number.as_f64().expect("a double")),
        Value::Array(items) => items.iter().map(through_struct).collect(),
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, value)| (name.clone(), through_struct(value)))
                .collect()
        }
        _ => value.clone(),
    }
}

/// A manifest's plugin configuration, as text, if its kind has one.
fn configuration(document: &Document) -> Option<String> {
    let spec = &document.value["spec"];
    match document.kind() {
        "WasmPlugin" => Some(through_struct(&spec["pluginConfig"]).to_string()),
        "EnvoyExtensionPolicy" => Some(spec["wasm"][0]["config"].to_string()),
        _ => None,
    }
}

#[test]
fn every_configuration_is_sound_and_means_what_it_says() {
    let mut found = 0;
    for document in shipped() {
        let Some(json) = configuration(&document) else {
            continue;
        };
        let config = Config::parse(json.as_bytes());
        let config = config.unwrap_or_else(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            panic!("{}:\n{}", document.file, errors.join("\n"))
        });
        assert_eq!(config.warnings, [], "{}", document.file);
        found += 1;
    }
    assert_eq!(found, 6);
}

/// A secret that the proxy is not told to hand on refuses the whole configuration.
#[test]
fn every_secret_is_handed_on() {
    let mut secrets = 0;
    for document in shipped() {
        let Some(json) = configuration(&document) else {
            continue;
        };
        let wanted: BTreeSet<&str> = json
            .split(r#"{"env":""#)
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        secrets += wanted.len();
        let spec = &document.value["spec"];
        let handed: BTreeSet<&str> = match spec.pointer("/wasm/0/env/hostKeys") {
            Some(keys) => keys
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_str)
                .collect(),
            None => {
                let entries = spec.pointer("/vmConfig/env").and_then(Value::as_array);
                let entries = entries.into_iter().flatten();
                entries
                    .map(|entry| {
                        assert_eq!(entry["valueFrom"], "HOST", "{}", document.file);
                        entry["name"].as_str().unwrap()
                    })
                    .collect()
            }
        };
        assert_eq!(wanted, handed, "{}", document.file);
    }
    assert_eq!(secrets, 6);
}

/// Istio's name of a cluster, and the authority that such a name makes necessary, are those of
/// the Service and its port.
#[test]
fn every_upstream_is_one_that_is_shipped() {
    let documents = shipped();
    let service = documents.iter().find(|document| {
        document.kind() == "Service" && document.file == "envoy/istio/bridge.yaml"
    });
    let service = service.expect("the bridge's Service");
    let host = format!(
        "{}.{}.svc.cluster.local",
        service.text("/metadata/name"),
        service.text("/metadata/namespace")
    );
    let port = service.value["spec"]["ports"][0]["port"].as_u64().unwrap();
    let mut upstreams = 0;
    for document in &documents {
        match document.kind() {
            "WasmPlugin"
                if document.value["spec"]["pluginConfig"]
                    .get("redis")
                    .is_some() =>
            {
                let redis = |name: &str| document.text(&format!("/spec/pluginConfig/redis/{name}"));
                assert_eq!(redis("upstream"), format!("outbound|{port}||{host}"));
                assert_eq!(redis("authority"), host);
                upstreams += 1;
            }
            "EnvoyExtensionPolicy"
                if document.value["spec"]["wasm"][0]["config"]
                    .get("redis")
                    .is_some() =>
            {
                let upstream = document.text("/spec/wasm/0/config/redis/upstream");
                let patch = documents
                    .iter()
                    .find(|other| other.kind() == "EnvoyPatchPolicy");
                let patch = patch.expect("a patch");
                assert_eq!(upstream, patch.text("/spec/jsonPatches/0/name"));
                assert_eq!(
                    upstream,
                    patch.text("/spec/jsonPatches/0/operation/value/name")
                );
                upstreams += 1;
            }
            "DestinationRule" if document.file == "envoy/istio/bridge.yaml" => {
                assert_eq!(document.text("/spec/host"), host);
            }
            _ => {}
        }
    }
    assert_eq!(upstreams, 3);
}
