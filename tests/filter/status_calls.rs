//! A status is of the limits of all routes: of more than one call to Redis may name, and of
//! more clients. A call that Redis refuses brings its breaker closer to opening, and anybody
//! may ask for a status.

use serde_json::Value;
use tollgate::limit::Answer as Said;

use crate::host::{reply, Gateway, Pending, Request, Step};

/// Two routes with so many limits each, those of the second of this client.
fn gateway(count: usize, second: &str) -> Gateway {
    let limits = |from: usize, client: &str| -> (String, String) {
        let names = (from..from + count).map(|n| format!(r#""l{n}""#));
        let limits = names
            .clone()
            .map(|name| format!(r#"{name}: {{"rate": "6/m", "scope": "cluster"{client}}}"#));
        let join = |texts: Vec<String>| texts.join(", ");
        (join(limits.collect()), join(names.collect()))
    };
    let ((a, on_a), (b, on_b)) = (limits(0, ""), limits(count, second));
    let config = format!(
        r#"{{"client_from": [{{"header": "x-api-key"}}], "status": {{"path": "/ratelimit"}}, "limits": {{{a}, {b}}},
            "routes": [{{"match": {{"path": "/a"}}, "limits": [{on_a}]}}, {{"match": {{}}, "limits": [{on_b}]}}],
            "redis": {{"upstream": "redis", "bridge": "upstash", "on_failure": "deny"}}}}"#
    );
    Gateway::start(&config).unwrap()
}

fn begin(gateway: &Gateway) -> Step {
    gateway.begin(&Request::of("a").with(":path", "/ratelimit"))
}

fn answer(pending: Pending) -> Step {
    let said = Said::Allowed {
        remaining: 5,
        reset_in: 10_000_000_000,
    };
    let response = reply(pending.call(), &vec![said; pending.call().keys().len()]);
    pending.answer(response)
}

fn known(step: Step) -> usize {
    let document: Value = serde_json::from_str(&step.done().body).unwrap();
    let limits = document["limits"].as_array().unwrap().iter();
    limits.filter(|limit| limit["remaining"] == 5).count()
}

#[test]
fn a_call_names_no_more_limits_than_the_script_takes() {
    let gateway = gateway(20, "");
    let first = begin(&gateway).asks();
    assert_eq!(first.call().keys().len(), 32);
    let second = answer(first).asks();
    assert_eq!(second.call().keys().len(), 8);
    assert_eq!(known(answer(second)), 40);
    assert_eq!(known(begin(&gateway)), 40, "from memory");
}

/// On Redis Cluster, the keys of two clients are in two places.
#[test]
fn a_call_names_the_limits_of_one_client() {
    let gateway = gateway(2, r#", "client_from": [{"ip": {}}]"#);
    let first = begin(&gateway).asks();
    let clients = |pending: &Pending| {
        let keys = pending.call().keys();
        let clients = keys
            .iter()
            .map(|key| key.split(['{', '}']).nth(1).unwrap().to_owned());
        clients.collect::<Vec<_>>()
    };
    let of_first = clients(&first);
    let second = answer(first).asks();
    let of_second = clients(&second);
    assert_eq!((of_first.len(), of_second.len()), (2, 2));
    assert_eq!(of_first[0], of_first[1]);
    assert_eq!(of_second[0], of_second[1]);
    assert_ne!(of_first[0], of_second[0]);
    assert_eq!(known(answer(second)), 4);
}
