//! What is said to Redis: the names of keys, nonces, credentials, and what a
//! bridge has for words.

use crate::cluster::{config, RPM, UPSTASH};
use crate::host::{Gateway, Redis, Request, Response};

/// The key that Redis is asked for.
pub fn key(config: &str, request: &Request) -> String {
    let gateway = Gateway::start(config).unwrap();
    let pending = gateway.begin(request).asks();
    let call = pending.call().clone();
    let answer = pending.answer(Response::new("500", "no")).done();
    let seen = format!("{call:?} {answer:?} {:?}", gateway.logs());
    assert!(!seen.contains("alice"), "{seen}");
    call.keys().remove(0)
}

#[test]
fn a_key_names_the_limit_and_hides_the_client() {
    let plain = config(RPM, UPSTASH);
    let alice = Request::of("alice-12345");
    let name = key(&plain, &alice);
    let (client, limit) = name
        .strip_prefix("tollgate:default:{")
        .and_then(|rest| rest.split_once("}:rpm:"))
        .unwrap();
    let is_hex = |text: &str| text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    assert!(client.len() == 32 && is_hex(client), "{name}");
    assert!(limit.len() == 8 && is_hex(limit), "{name}");

    let query = Request::get("/?key=alice%2D12345");
    assert_eq!(
        key(&plain, &query),
        name,
        "the same client, however it says so"
    );
    assert_ne!(key(&plain, &Request::of("alice-12346")), name);
    let secret = |secret| plain.replacen('{', &format!(r#"{{"hash_secret": "{secret}","#), 1);
    let secrets = [secret("first"), secret("second")].map(|config| key(&config, &alice));
    assert_ne!(secrets[0], secrets[1]);
    assert!(!secrets.contains(&name));
    let elsewhere = key(&plain.replacen('{', r#"{"namespace": "other","#, 1), &alice);
    assert_eq!(elsewhere, name.replace("default", "other"));
    let faster = key(&plain.replace("60/m", "600/m"), &alice);
    assert_eq!(faster, name, "a new rate keeps the units");
    let binary = Request::of("").with("x-api-key", b"alice\xff\x80\"\\\n");
    assert_ne!(key(&plain, &binary), name);
}

#[test]
fn every_call_has_a_nonce_of_its_own() {
    let gateways = [(); 2].map(|()| Gateway::start(&config(RPM, UPSTASH)).unwrap());
    let mut nonces: Vec<u64> = (0..40)
        .map(|turn| {
            gateways[turn % 2]
                .begin(&Request::of("a"))
                .asks()
                .call()
                .nonce()
        })
        .collect();
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), 40);
    assert!(
        nonces.iter().all(|nonce| *nonce < 100_000_000_000_000),
        "exact through any bridge"
    );
}

#[test]
fn webdis_is_asked_in_its_own_words() {
    let webdis = r#""bridge": "webdis", "path": "/x", "user": "gate", "password": "pa:ss", "authority": "w.example""#;
    let gateway = Gateway::start(&config(RPM, webdis)).unwrap();
    let mut redis = Redis::default();
    let pending = gateway.begin(&Request::of("a")).asks();
    let call = pending.call();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_~-%/".contains(c);
    assert!(call.body.chars().all(is_plain), "{}", call.body);
    assert_eq!(call.body.matches("%7B").count(), 1, "the key's brace");
    assert_eq!(call.header(":path"), Some("/x"));
    assert_eq!(call.header(":authority"), Some("w.example"));
    assert_eq!(call.header("authorization"), Some("Basic Z2F0ZTpwYTpzcw=="));
    let lost = r#"{"EVALSHA":[false,"NOSCRIPT No matching script."]}"#;
    let again = pending.answer(Response::new("200", lost)).asks();
    assert_eq!(again.call().words()[0], "EVAL");
    let response = redis.answer(again.call());
    assert_eq!(
        again.answer(response).done().header("ratelimit"),
        Some(r#""rpm";r=2;t=1"#)
    );
    assert_eq!(
        gateway
            .ask(&mut redis, &Request::of("a"))
            .header("ratelimit"),
        Some(r#""rpm";r=1;t=2"#)
    );
}

fn authorized_by(redis: &str) -> Gateway {
    Gateway::start(&config(RPM, &format!("{UPSTASH}, {redis}"))).unwrap()
}

#[test]
fn a_token_is_shown_to_the_bridge() {
    let gateway = authorized_by(r#""token": "s3cret""#);
    let pending = gateway.begin(&Request::of("a")).asks();
    let shown = pending.call().header("authorization");
    assert_eq!(shown, Some("Bearer s3cret"));
    pending.answer(Response::new("401", "no")).done();
    let log = gateway.logs().join("\n");
    assert!(log.contains("the bridge refuses the credentials"), "{log}");
    assert!(!log.contains("s3cret"), "{log}");
}

#[test]
fn secrets_come_from_the_environment() {
    std::env::set_var("TOLLGATE_TEST_TOKEN", "from-outside");
    std::env::set_var("TOLLGATE_TEST_HASH", "of-the-hash");
    let gateway = authorized_by(r#""token": {"env": "TOLLGATE_TEST_TOKEN"}"#);
    let pending = gateway.begin(&Request::of("a")).asks();
    let shown = pending.call().header("authorization");
    assert_eq!(shown, Some("Bearer from-outside"));
    let alice = Request::of("alice");
    let hashed_with = |secret: &str| {
        let secret = format!(r#"{{"hash_secret": {secret},"#);
        key(&config(RPM, UPSTASH).replacen('{', &secret, 1), &alice)
    };
    let names = [r#""of-the-hash""#, r#"{"env": "TOLLGATE_TEST_HASH"}"#].map(hashed_with);
    assert_eq!(names[0], names[1]);
    assert_ne!(names[0], key(&config(RPM, UPSTASH), &alice));
}

/// Without its secret a filter would hash, or ask, in a way that nobody wants.
#[test]
fn without_a_secret_that_it_wants_it_does_not_start() {
    std::env::set_var("TOLLGATE_TEST_BROKEN", "bro\nken");
    std::env::set_var("TOLLGATE_TEST_EMPTY", "");
    let plain = config(RPM, UPSTASH);
    for name in ["ABSENT", "BROKEN", "EMPTY"] {
        let env = format!(r#"{{"env": "TOLLGATE_TEST_{name}"}}"#);
        let hash = plain.replacen('{', &format!(r#"{{"hash_secret": {env},"#), 1);
        let token = config(RPM, &format!(r#"{UPSTASH}, "token": {env}"#));
        let password = format!(r#"{UPSTASH}, "user": "u", "password": {env}"#);
        for wanting in [hash, token, config(RPM, &password)] {
            let log = Gateway::start(&wanting).map(|_| ()).unwrap_err().join("\n");
            let said =
                format!("start refused: the VM's environment has no usable TOLLGATE_TEST_{name} ");
            assert!(log.starts_with(&said), "{log}");
            assert!(!log.contains("ken"), "{log}");
            // A running gateway goes on as it was.
            let mut running = Gateway::start(&plain).unwrap();
            running.update(&wanting).unwrap_err();
            assert!(running
                .ask(&mut Redis::default(), &Request::of("a"))
                .passed());
        }
    }
}
