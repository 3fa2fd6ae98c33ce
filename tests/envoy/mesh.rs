//! What the manifests for Istio and Envoy Gateway put into an Envoy, in a real one: neither
//! control plane is here, so this is as near as it gets.

use crate::harness::{
    cluster_options, direct_response, root, validate, Bridge, BridgeOptions, Client, Envoy,
    EnvoyOptions, Redis,
};
use serde::Deserialize;
use serde_json::Value;
use std::fs;

/// A document of a shipped manifest.
fn document(file: &str, index: usize) -> Value {
    let text = fs::read_to_string(root().join("envoy").join(file)).expect(file);
    let mut documents = serde_norway::Deserializer::from_str(&text);
    let document = documents.nth(index).expect("a document");
    Value::deserialize(document).expect("YAML")
}

/// Takes the place of the shipped files' `stats_config`.
fn stats_config(new: &str) -> (String, String) {
    let shipped = fs::read_to_string(root().join("envoy/envoy.yaml")).expect("envoy.yaml");
    let start = shipped.find("stats_config:\n").expect("stats_config");
    let end = shipped.find("\nstatic_resources:").expect("what follows");
    (shipped[start..end].to_owned(), new.to_owned())
}

/// Istio's plugins have no vm_id.
fn no_vm_id() -> (String, String) {
    ("vm_id: tollgate\n".to_owned(), "vm_id: \"\"\n".to_owned())
}

fn labels(envoy: &Envoy) -> String {
    assert_eq!(Client::new(envoy.address()).chat("alice").status, 200);
    envoy.told();
    envoy.admin("/stats/prometheus")
}

const LABELLED: &str = r#"tollgate_limit_allowed{tollgate_limit="rpm"} 1"#;
const PLAIN: &str = "tollgate_limit_rpm_allowed{} 1";

#[test]
fn a_plugin_of_istio_limits_without_a_vm_id() {
    let plugin = document("istio/gateway.yaml", 0);
    let envoy = Envoy::start(EnvoyOptions {
        config: Some(plugin["spec"]["pluginConfig"].to_string()),
        edits: vec![direct_response(), no_vm_id()],
        ..EnvoyOptions::default()
    });
    let client = Client::new(envoy.address());
    let answer = client.get("/v1/models", &[]);
    let policy = r#""rpm";q=100;w=60, "per-ip";q=20;w=1"#;
    assert_eq!(answer.header("ratelimit-policy"), Some(policy));
    let health = client.get("/healthz", &[]);
    assert_eq!(health.header("ratelimit-policy"), None);
    envoy.assert_vm_lives();
}

/// Of two plugins in one proxy, with a limit of one name: how many of four requests pass when
/// the second one has this namespace, and each would let two pass.
fn passed_by_both(namespace: &str) -> usize {
    let config = |namespace: &str| {
        format!(
            r#"{{"namespace": "{namespace}", "client_from": [{{"ip": {{}}}}], "limits": {{"day": {{"rate": "2/d"}}}}}}"#
        )
    };
    let options = EnvoyOptions {
        config: Some(config("first")),
        edits: vec![direct_response(), no_vm_id()],
        ..EnvoyOptions::default()
    };
    let one = options.bootstrap();
    let start = one.find("          - name: tollgate\n").expect("a filter");
    let router = "          - name: envoy.filters.http.router\n";
    let end = one.find(router).expect("the router");
    let second = one[start..end].replace("first", namespace);
    let mut options = options;
    options
        .edits
        .push((router.to_owned(), format!("{second}{router}")));
    let envoy = Envoy::start(options);
    let client = Client::new(envoy.address());
    let statuses = [(); 4].map(|()| client.get("/", &[]).status);
    statuses.iter().filter(|status| **status == 200).count()
}

/// Why each of Istio's plugins needs a namespace: without a vm_id all of them share their data.
#[test]
fn a_namespace_keeps_two_plugins_of_istio_apart() {
    assert_eq!(passed_by_both("second"), 2);
    assert_eq!(passed_by_both("first"), 1, "both have charged one bucket");
}

/// A name with bars in it is no host: without the authority nginx would answer 400.
#[test]
fn a_cluster_by_istios_name_is_counted_through() {
    let redis = Redis::start();
    let bridge = Bridge::with(&BridgeOptions {
        timeout_ms: Some(9_000),
        ..BridgeOptions::to(redis.port())
    });
    let mut config = document("istio/gateway-cluster.yaml", 0)["spec"]["pluginConfig"].take();
    config["limits"]["rpm"]["burst"] = 3.into();
    config["limits"]["rpm"]["rate"] = "3/d".into();
    // As patient as a busy machine needs, and then loud.
    config["redis"]["timeout"] = "10s".into();
    config["redis"]["on_failure"] = "deny".into();
    let upstream = config["redis"]["upstream"].as_str().expect("upstream");
    let renamed = |prefix: &str| {
        (
            format!("{prefix}: tollgate_redis\n"),
            format!("{prefix}: \"{upstream}\"\n"),
        )
    };
    let mut options = cluster_options(&config.to_string(), bridge.address());
    options.edits.extend([
        renamed("- name"),
        renamed("cluster_name"),
        (
            "vm_id: tollgate\n".to_owned(),
            format!(
                "vm_id: \"\"\n                  environment_variables: {{ key_values: {{ BRIDGE_TOKEN: \"{}\", HASH_SECRET: secret }} }}\n",
                bridge.token()
            ),
        ),
    ]);
    let envoy = Envoy::start(options);
    let client = Client::new(envoy.address());
    let statuses = [(); 4].map(|()| client.get("/v1/models", &[("x-api-key", "a")]).status);
    assert_eq!(statuses, [200, 200, 200, 429], "{}", envoy.log());
    assert_eq!(envoy.counter("redis.errors"), 0);
    let keys = redis.command(&["keys", "tollgate:gateway:*"]);
    assert!(keys.contains("tollgate:gateway:"), "{keys}");
}

/// Istio's proxies drop counters that nobody has asked for, and merge a bootstrap of the
/// operator's into their own.
#[test]
fn the_counters_are_there_where_istio_is_told_to_keep_them() {
    let istio = |prefixes: &str| {
        stats_config(&format!(
            "stats_config: {{ stats_tags: [ {{ tag_name: tag, regex: '(tag\\.(.+?);\\.)' }} ], \
             stats_matcher: {{ inclusion_list: {{ patterns: [ {prefixes} ] }} }} }}\n"
        ))
    };
    let start = |prefixes: &str, arguments: Vec<String>| {
        Envoy::start(EnvoyOptions {
            edits: vec![direct_response(), istio(prefixes)],
            arguments,
            ..EnvoyOptions::default()
        })
    };
    let theirs = "{ prefix: \"reporter=\" }, { prefix: component }, { prefix: istio }";
    let dropped = start(theirs, Vec::new());
    assert!(!labels(&dropped).contains("tollgate_"), "kept all the same");

    let head = fs::read_to_string(root().join("envoy/istio/metrics.yaml")).expect("a file");
    assert!(head.contains(r#"#          inclusionPrefixes: ["wasmcustom.tollgate"]"#));
    let kept = format!("{theirs}, {{ prefix: wasmcustom.tollgate }}");
    let page = labels(&start(&kept, Vec::new()));
    assert!(page.contains(PLAIN), "{page}");

    let bootstrap = document("istio/metrics.yaml", 0);
    let bootstrap = bootstrap["data"]["custom_bootstrap.json"].as_str();
    let merged = vec![
        "--config-yaml".to_owned(),
        bootstrap.expect("JSON").to_owned(),
    ];
    let page = labels(&start(&kept, merged));
    assert!(page.contains(LABELLED), "{page}");
}

#[test]
fn the_labels_of_envoy_gateway_are_there() {
    let proxy = document("gateway/proxy.yaml", 0);
    let patch = &proxy["spec"]["bootstrap"]["jsonPatches"][0];
    assert_eq!(
        (&patch["op"], &patch["path"]),
        (&"add".into(), &"/stats_config".into())
    );
    let envoy = Envoy::start(EnvoyOptions {
        edits: vec![
            direct_response(),
            stats_config(&format!("stats_config: {}\n", patch["value"])),
        ],
        ..EnvoyOptions::default()
    });
    let page = labels(&envoy);
    assert!(page.contains(LABELLED), "{page}");
}

#[test]
fn the_clusters_that_are_patched_in_are_envoys_own() {
    let filter = document("istio/bridge-envoyfilter.yaml", 0);
    let policy = document("gateway/bridge.yaml", 1);
    for cluster in [
        &filter["spec"]["configPatches"][0]["patch"]["value"],
        &policy["spec"]["jsonPatches"][0]["operation"]["value"],
    ] {
        let with = |cluster: &Value| {
            validate(&EnvoyOptions {
                edits: vec![(
                    "  clusters:\n".to_owned(),
                    format!("  clusters:\n  - {cluster}\n"),
                )],
                ..EnvoyOptions::default()
            })
        };
        let (agreed, log) = with(cluster);
        assert!(agreed, "{log}");
        assert_eq!(cluster["name"], "tollgate_redis");
        let mut wrong = cluster.clone();
        wrong["circuit_breaker"] = wrong["circuit_breakers"].take();
        assert!(!with(&wrong).0, "any field is taken");
    }
}
