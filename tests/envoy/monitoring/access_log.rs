//! The shipped access log in JSON: what was decided, by which limit, and for whom.

use super::read;
use crate::harness::{
    cluster_config, cluster_options, Bridge, Client, Envoy, EnvoyOptions, Redis, PATIENT,
};
use serde_json::Value;

const LIMITS: &str = r#"{
  "shared": {"rate": "2/d", "scope": "cluster"},
  "tried": {"rate": "1/d", "mode": "shadow"}
}"#;

/// The shipped Envoy with the shipped log in place of its own.
fn options(log_client: bool, bridge: &Bridge) -> EnvoyOptions {
    let more = format!(r#"{PATIENT}}}, "hash_secret": "pepper", "log_client": {log_client}"#);
    let mut config = cluster_config(LIMITS, bridge.token(), &more);
    // `more` has closed `redis`.
    config.pop();
    let shipped = read("envoy/envoy.yaml");
    let start = shipped
        .find("          access_log:\n")
        .expect("its own log");
    let end = shipped
        .find("          http_filters:\n")
        .expect("what follows");
    let snippet = read("envoy/access-log.yaml");
    let lines = snippet.lines().skip_while(|line| *line != "access_log:");
    let log: String = lines.map(|line| format!("          {line}\n")).collect();
    let mut options = cluster_options(&config, bridge.address());
    options.edits.push((shipped[start..end].to_owned(), log));
    options
}

fn lines(envoy: &Envoy, count: usize) -> Vec<Value> {
    let log = envoy.access_log(count);
    let lines = log
        .lines()
        .map(|line| serde_json::from_str(line).expect(line));
    lines.collect()
}

#[test]
fn a_line_has_the_decision_the_limit_and_the_clients_pseudonym() {
    let redis = Redis::start();
    let bridge = Bridge::start(redis.port());
    let envoy = Envoy::start(options(true, &bridge));
    let client = Client::new(envoy.address());
    let statuses = [(); 3].map(|()| client.chat("sk-alice").status);
    assert_eq!(statuses, [200, 200, 429]);
    let key = redis.command(&["keys", "*"]);
    let alice = key
        .strip_prefix("tollgate:default:{")
        .and_then(|rest| rest.split_once("}:shared:"));
    let (alice, _) = alice.unwrap_or_else(|| panic!("alice's key alone: {key}"));
    client.chat("sk-bob");

    let seen = lines(&envoy, 4);
    for (line, (status, decision, details)) in seen.iter().zip([
        (200, "allowed", "direct_response"),
        (200, "shadow:tried", "direct_response"),
        (429, "denied:shared", "tollgate_shared"),
        (200, "allowed", "direct_response"),
    ]) {
        assert_eq!(line["status"], status, "{line}");
        assert_eq!(line["decision"], decision, "{line}");
        assert_eq!(line["details"], details, "{line}");
        assert_eq!(
            (&line["method"], &line["path"]),
            (&"POST".into(), &"/v1/chat/completions".into())
        );
        for field in ["time", "request_id"] {
            assert!(line[field].is_string(), "{field} in {line}");
        }
        assert!(line["duration_ms"].is_number(), "{line}");
        assert_eq!(
            line.as_object().map(serde_json::Map::len),
            Some(9),
            "{line}"
        );
    }
    for line in &seen[..3] {
        assert_eq!(line["client"], alice);
    }
    let bob = seen[3]["client"].as_str().expect("bob");
    assert!(bob.len() == 32 && bob != alice, "{bob}");
    let all = format!("{}{}", envoy.access_log(4), envoy.log());
    assert!(!all.contains("sk-alice"), "a raw id has left the filter");
    envoy.assert_vm_lives();
}

#[test]
fn nobody_is_logged_unless_it_is_asked_for() {
    let redis = Redis::start();
    let bridge = Bridge::start(redis.port());
    let envoy = Envoy::start(options(false, &bridge));
    assert_eq!(Client::new(envoy.address()).chat("sk-alice").status, 200);
    let line = &lines(&envoy, 1)[0];
    assert_eq!(
        (&line["decision"], &line["client"]),
        (&"allowed".into(), &Value::Null)
    );
}
