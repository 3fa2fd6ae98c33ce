//! What does not pass holds nothing: neither the slot of a limit that would have let it
//! pass, nor one for the time that Redis was asked.

use super::{Gate, PATIENCE};
use crate::harness::{eventually, EnvoyOptions, Exchange, Upstream};

/// The slots' page is alice's, that of `per-ip` another.
#[test]
fn a_request_that_another_limit_denies_leaves_no_slot_taken() {
    let config = r#"{
      "client_from": [{"header": "x-api-key"}],
      "limits": {
        "rpd": {"rate": "3/d"}, "per-ip": {"rate": "3/d", "client_from": [{"ip": {}}]},
        "at-once": {"concurrency": 4, "timeout": "1h"}
      },
      "routes": [
        {"match": {"prefix": "/now/answer/key"}, "limits": ["rpd", "at-once"]},
        {"match": {"prefix": "/now/answer/ip"}, "limits": ["at-once", "per-ip"]},
        {"match": {}, "limits": ["at-once"]}
      ]
    }"#;
    let gate = Gate::start(config, EnvoyOptions::default());
    for (path, key, limit) in [
        ("/now/answer/key", "alice", "rpd"),
        ("/now/answer/ip", "bob", "per-ip"),
    ] {
        let answers = (0..53).map(|_| gate.begin(path, key).answer().expect("HTTP"));
        let denied: Vec<_> = answers.filter(|answer| answer.status == 429).collect();
        assert_eq!(denied.len(), 50, "{limit}");
        for answer in denied {
            let violated = &answer.json()["violated-policies"];
            assert_eq!(*violated, serde_json::json!([limit]));
        }
        gate.until_free(key, 4);
    }

    // And the other way round: who finds no slot is not charged.
    let held: Vec<Exchange> = (0..4)
        .map(|_| gate.hold("/later/answer", "carol"))
        .collect();
    for _ in 0..5 {
        let answer = gate.begin("/now/answer/key", "carol").answer();
        assert_eq!(answer.expect("HTTP").status, 429);
    }
    drop(held);
    gate.until_free("carol", 4);
    let answer = gate.begin("/now/answer/key", "carol").answer();
    let answer = answer.expect("HTTP");
    // Of three, the first.
    assert_eq!(answer.status, 200);
    assert!(answer
        .header("ratelimit")
        .is_some_and(|item| item.starts_with(r#""rpd";r=2;"#)));
}

/// The bridge says nothing until it is told to.
#[test]
fn a_request_that_is_held_for_redis_gives_its_slot_back() {
    let bridge = Upstream::start();
    let config = r#"{
      "client_from": [{"header": "x-api-key"}],
      "limits": {
        "far": {"rate": "1000/d", "scope": "cluster"},
        "at-once": {"concurrency": 4, "timeout": "1h"}
      },
      "routes": [
        {"match": {"prefix": "/now/answer/far"}, "limits": ["far", "at-once"]},
        {"match": {}, "limits": ["at-once"]}
      ],
      "redis": {
        "upstream": "tollgate_redis", "bridge": "upstash", "path": "/later/answer", "token": "any",
        "timeout": "20s", "on_failure": "deny", "breaker": {"failures": 1000000}
      }
    }"#;
    let cluster = format!(
        "  - name: tollgate_redis
    type: STATIC
    connect_timeout: 5s
    load_assignment:
      cluster_name: tollgate_redis
      endpoints:
      - lb_endpoints:
        - endpoint:
            address: {{ socket_address: {{ address: 127.0.0.1, port_value: {} }} }}
  - name: dead\n",
        bridge.port()
    );
    let gate = Gate::start(
        config,
        EnvoyOptions {
            edits: vec![("  - name: dead\n".to_owned(), cluster)],
            ..EnvoyOptions::default()
        },
    );
    let hold = || {
        let held: Vec<_> = (0..4)
            .map(|_| gate.begin("/now/answer/far", "alice"))
            .collect();
        let asked = eventually(PATIENCE, || (bridge.waiting() == 4).then_some(()));
        assert!(asked.is_some(), "{} calls", bridge.waiting());
        assert_eq!(gate.ask("alice"), 429, "all slots are taken");
        held
    };
    // Hung up while they wait.
    drop(hold());
    gate.until_free("alice", 4);
    bridge.go_on();
    let forgotten = eventually(PATIENCE, || (bridge.waiting() == 0).then_some(()));
    assert!(forgotten.is_some(), "{} calls", bridge.waiting());

    // Answered with what is no answer of Redis': 503.
    let held = hold();
    bridge.go_on();
    for exchange in held {
        assert_eq!(exchange.answer().expect("HTTP").status, 503);
    }
    gate.until_free("alice", 4);
    gate.envoy.assert_vm_lives();
}
