//! A limit in shadow mode: clients see nothing of it, and its counters say what enforcing
//! it would have done.

use crate::harness::{eventually, raw, Envoy, EnvoyOptions, Exchange, Filter, ModelApi, Upstream};
use std::time::Duration;

/// Two limits under trial, each on a route of its own, and one that is not.
const CONFIG: &str = r#"{
  "client_from": [{"header": "x-api-key"}],
  "limits": {
    "other": {"rate": "1000/365d"},
    "rpd": {"rate": "12/d", "mode": "MODE"},
    "in-all": {"quota": 9, "per": "3650d", "mode": "MODE"}
  },
  "routes": [
    {"match": {"prefix": "/v1/"}, "limits": ["other", "rpd"]},
    {"match": {"prefix": "/alone/"}, "limits": ["in-all"]},
    {"match": {}, "limits": ["in-all", "other"]}
  ],
  "feedback": {"headers": ["ratelimit", "x-ratelimit"]}
}"#;
/// The same as if nothing were tried.
const WITHOUT: &str = r#"{
  "client_from": [{"header": "x-api-key"}],
  "limits": {"other": {"rate": "1000/365d"}},
  "routes": [{"match": {"prefix": "/alone/"}, "limits": []}, {"match": {}, "limits": ["other"]}],
  "feedback": {"headers": ["ratelimit", "x-ratelimit"]}
}"#;

/// What each client sends in turn: the first line, one more line, a body.
const REQUESTS: [(&str, &str, &str); 8] = [
    ("POST /v1/chat/completions", "a: b", r#"{"messages": []}"#),
    ("POST /v1/chat/completions", "a: b", "no JSON"),
    ("GET /v1/models", "x-demo-operator-limits: 1", ""),
    ("HEAD /v1/models", "a: b", ""),
    ("GET /other", "x-demo-operator-limits: 1", ""),
    ("GET /other?a=b", "x-tollgate-over: rpd", ""),
    ("GET /alone/1", "a: b", ""),
    ("GET /alone/2", "accept: text/plain", ""),
];
const CLIENTS: [&str; 3] = ["alice", "bob", "carol"];
const ROUNDS: usize = 5;

#[test]
fn shadow_changes_no_answer_and_counts_what_enforcing_does() {
    let api = ModelApi::start();
    let start = |filter, config: &str| {
        Envoy::start(EnvoyOptions {
            filter,
            config: Some(config.to_owned()),
            upstream: api.port(),
            ..EnvoyOptions::default()
        })
    };
    let shadow = start(Filter::Tollgate, &CONFIG.replace("MODE", "shadow"));
    let enforced = start(Filter::Tollgate, &CONFIG.replace("MODE", "enforce"));
    let without = start(Filter::Tollgate, WITHOUT);
    let none = start(Filter::None, WITHOUT);
    let mut notes = Vec::new();
    for _ in 0..ROUNDS {
        for (first, line, body) in REQUESTS {
            for key in CLIENTS {
                let length = body.len();
                let request = format!(
                    "{first} HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\n{line}\r\ncontent-length: {length}\r\n\r\n{body}"
                );
                let seen = |envoy: &Envoy| seen(envoy, &request);
                let answer = seen(&shadow);
                assert_eq!(answer, seen(&without), "{request}");
                if first.contains("/alone/") {
                    assert_eq!(answer, seen(&none), "{request}");
                }
                let over = seen(&enforced).status == 429;
                let limit = if first.contains("/v1/") {
                    "rpd"
                } else {
                    "in-all"
                };
                notes.push(if over {
                    format!("shadow:{limit}")
                } else {
                    "allowed".to_owned()
                });
            }
        }
    }

    let count = |envoy: &Envoy, name: &str| {
        usize::try_from(envoy.counter(&format!("limit.{name}"))).expect("a few")
    };
    let of_each = ROUNDS * CLIENTS.len() * 4;
    for (limit, allowed) in [("rpd", 12), ("in-all", 9)] {
        let of = |envoy, counter: &str| count(envoy, &format!("{limit}.{counter}"));
        let allowed = allowed * CLIENTS.len();
        assert_eq!(of(&enforced, "allowed"), allowed, "{limit}");
        assert_eq!(of(&shadow, "allowed"), allowed, "{limit}");
        assert_eq!(of(&enforced, "denied"), of_each - allowed, "{limit}");
        assert_eq!(of(&shadow, "shadow_denied"), of_each - allowed, "{limit}");
        assert_eq!(
            of(&shadow, "denied") + of(&enforced, "shadow_denied"),
            0,
            "{limit}"
        );
    }
    // Where the request passes, the other limit is charged, as if there were no trial.
    assert_eq!(
        count(&shadow, "other.allowed"),
        count(&without, "other.allowed")
    );
    assert_eq!(count(&shadow, "other.denied"), 0);

    let log = shadow.access_log(notes.len());
    for (line, note) in log.lines().zip(&notes) {
        let found = line.contains(&format!(" details=via_upstream tollgate={note} "));
        assert!(found, "not {note}: {line}");
    }
    shadow.assert_vm_lives();
}

/// An answer without what differs from one time to the next.
fn seen(envoy: &Envoy, request: &str) -> Seen {
    let answer = raw(envoy.address(), request.as_bytes()).expect("HTTP");
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| {
        !["date", "x-envoy-upstream-service-time", "x-ratelimit-reset"].contains(&name.as_str())
    });
    for (name, value) in &mut headers {
        if name == "ratelimit" {
            // Seconds until it is full.
            let end = value.find(";t=").expect("t");
            value.truncate(end);
        }
    }
    let mut body = answer.text();
    // The upstream shows what it was sent, with a random number of Envoy's.
    if let Some(start) = body.find("\"x-request-id\":\"") {
        body.replace_range(start..start + 53, "");
    }
    Seen {
        status: answer.status,
        headers,
        body,
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Seen {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// Slots in shadow mode: those that are over hold none, and are not held up.
#[test]
fn slots_in_shadow_count_as_if_they_were_enforced() {
    let upstream = Upstream::start();
    let start = |mode: &str| {
        let config = format!(
            r#"{{"client_from": [{{"header": "x-api-key"}}],
              "limits": {{"at-once": {{"concurrency": 4, "timeout": "1h", "mode": "{mode}"}}}}}}"#
        );
        Envoy::start(EnvoyOptions {
            config: Some(config),
            upstream: upstream.port(),
            ..EnvoyOptions::default()
        })
    };
    let request =
        "GET /later/answer HTTP/1.1\r\nhost: x\r\nx-api-key: alice\r\nconnection: close\r\n\r\n";
    let until_waiting = |count| {
        let reached = eventually(Duration::from_secs(30), || {
            (upstream.waiting() == count).then_some(())
        });
        assert!(
            reached.is_some(),
            "{} wait, not {count}",
            upstream.waiting()
        );
    };
    for (mode, passed, counter) in [("enforce", 4, "denied"), ("shadow", 7, "shadow_denied")] {
        let envoy = start(mode);
        let count = |name: &str| envoy.counter(&format!("limit.at-once.{name}"));
        for round in 1..=3 {
            let mut held = Vec::new();
            for number in 1..=7 {
                let exchange = Exchange::begin(envoy.address(), request.as_bytes());
                held.push(exchange.expect("a connection"));
                // One after the other, or the log would not be in order.
                until_waiting(number.min(passed));
            }
            let reached = eventually(Duration::from_secs(30), || {
                (count("allowed") + count(counter) == 7 * round).then_some(())
            });
            assert!(reached.is_some(), "{mode}");
            upstream.go_on();
            let statuses = held
                .into_iter()
                .map(|held| held.answer().expect("HTTP").status);
            let passes = statuses.filter(|status| *status == 200).count();
            assert_eq!(passes, passed, "{mode}");
            until_waiting(0);
            assert_eq!(
                (count("allowed"), count(counter)),
                (4 * round, 3 * round),
                "{mode}"
            );
        }
        envoy.assert_vm_lives();
    }
}
