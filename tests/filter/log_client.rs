//! The access log's second note: who calls, by the pseudonym that Redis' keys have.

use crate::cluster::{config, RPM, UPSTASH};
use crate::host::{Gateway, Redis, Request};
use crate::redis_calls::key;

const LOG: &str = r#"{"log_client": true,"#;

/// A configuration with these members, and clients by their key.
fn gateway(members: &str) -> Gateway {
    let json = format!(
        r#"{LOG} "client_from": [{{"header": "x-api-key"}}, {{"query": "key"}}], {members}}}"#
    );
    Gateway::start(&json).unwrap()
}

/// What stands in the braces of the key that this request's client has in Redis.
fn in_redis(config: &str, request: &Request) -> Option<String> {
    let key = key(config, request);
    let client = key.split(['{', '}']).nth(1);
    client.map(str::to_owned)
}

#[test]
fn it_is_the_pseudonym_of_redis_keys() {
    let binary = Request::of("").with("x-api-key", b"alice\xff\x80\"\\\n");
    let requests = [Request::of("alice"), Request::get("/"), binary];
    let mut seen = Vec::new();
    for secret in ["", r#""hash_secret": "pepper","#] {
        let top = format!("{LOG} {secret}");
        let shared = config(RPM, UPSTASH).replacen('{', &top, 1);
        // The same without Redis: the secret is needed for the log alone.
        let alone = gateway(&format!(r#"{secret} "limits": {{"l": {{"rate": "9/s"}}}}"#));
        for request in &requests {
            let client = in_redis(&shared, request);
            assert_eq!(alone.send(request).client, client);
            let answer = Gateway::start(&shared).unwrap();
            let answer = answer.ask(&mut Redis::default(), request);
            assert_eq!(answer.client, client);
            let client = client.unwrap();
            let is_hex = client.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
            assert!(client.len() == 32 && is_hex, "{client}");
            seen.push(client);
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 6, "another for each client and secret");
}

/// Also where plans have it known.
#[test]
fn nobody_is_logged_unless_it_is_asked_for() {
    let plans =
        r#"{"plans": {"pro": {"rpm": "unlimited"}}, "clients": {"alice": {"plan": "pro"}},"#;
    let plain = config(RPM, UPSTASH);
    for json in [plain.replacen('{', plans, 1), plain] {
        let gateway = Gateway::start(&json).unwrap();
        let answer = gateway.ask(&mut Redis::default(), &Request::of("alice"));
        assert_eq!(answer.client, None);
    }
}

/// On every way that a request can go, and once: the double refuses a second.
#[test]
fn whatever_becomes_of_the_request() {
    let gateway = gateway(
        r#""limits": {"l": {"rate": "1/d"}, "ip": {"rate": "9/s", "client_from": [{"ip": {}}]}},
           "routes": [{"match": {"path": "/free"}, "limits": []},
                      {"match": {"path": "/ip"}, "limits": ["ip"]}, {"match": {}, "limits": ["l"]}],
           "status": {"path": "/status"}"#,
    );
    let alice = Request::of("alice");
    let of = |path: &str, state: &str| {
        let answer = gateway.send(&alice.clone().with(":path", path));
        assert_eq!(answer.state, state);
        answer.client.unwrap()
    };
    let seen = [
        of("/", "allowed"),
        of("/", "denied:l"),
        of("/free", "allowed"),
        of("/ip", "allowed"),
        of("/status", "answered:status"),
    ];
    assert!(seen.iter().all(|client| *client == seen[0]), "{seen:?}");
    let bob = gateway.send(&Request::of("bob")).client;
    assert!(bob.is_some_and(|bob| bob != seen[0]));
}

/// It tells of a decision, and takes no part in it.
#[test]
fn it_decides_nothing() {
    let routes = r#""limits": {"l": {"rate": "9/s"}, "ip": {"rate": "9/s", "client_from": [{"ip": {}}]}},
        "routes": [{"match": {"path": "/ip"}, "limits": ["ip"]}, {"match": {}, "limits": ["l"]}]"#;
    let plans = format!(
        r#"{routes}, "plans": {{"pro": {{"l": "unlimited"}}}}, "clients": {{"a": {{"plan": "pro"}}}}"#
    );
    // Two keys: ambiguous only where somebody has to know which.
    for (members, path, status) in [
        (routes, "/ip", 200),
        (routes, "/", 400),
        (plans.as_str(), "/ip", 400),
    ] {
        let twice = Request::of("a")
            .header("x-api-key", "b")
            .with(":path", path);
        let answer = gateway(members).send(&twice);
        assert_eq!((answer.status, answer.client), (status, None), "{path}");
    }
    // Nobody, and all requests of nobody are not one client.
    for (missing, status) in [("deny", 401), ("unlimited", 200)] {
        let gateway = gateway(&format!(r#""missing": "{missing}", {routes}"#));
        let answer = gateway.send(&Request::get("/"));
        assert_eq!((answer.status, answer.client), (status, None), "{missing}");
    }
    let on_plan = gateway(&plans);
    assert!(on_plan.send(&Request::of("a")).client.is_some());
    assert_eq!(on_plan.counter("tollgate.plan.pro.allowed"), 1);
}

/// Ids under a hash that nobody wanted are not to be logged.
#[test]
fn without_its_secret_it_does_not_start() {
    let json = format!(
        r#"{LOG} "hash_secret": {{"env": "TOLLGATE_TEST_NOWHERE"}}, "client_from": [{{"ip": {{}}}}],
            "limits": {{"l": {{"rate": "9/s"}}}}}}"#
    );
    let log = Gateway::start(&json).map(|_| ()).unwrap_err().join("\n");
    assert!(log.starts_with("start refused: "), "{log}");
    let unused = json.replacen(LOG, "{", 1);
    assert!(Gateway::start(&unused).is_ok());
}
