//! tiers-jwt.yaml: what a verified token says, and nothing else, decides on the tier.

use super::{spend, start, try_it, violated};
use crate::harness::{root, Answer, Client, ModelApi};
use base64::prelude::{Engine, BASE64_URL_SAFE_NO_PAD};
use std::process::Command;
use std::time::{Duration, Instant};

const FILE: &str = "envoy/examples/tiers-jwt.yaml";
const FREE: Option<&str> = Some(r#""rpm";q=5;w=20, "daily";q=200;w=86400"#);

fn token(subject: &str, plan: &str, seconds: &str) -> String {
    let mut script = Command::new(root().join("tests/envoy/examples/token.sh"));
    let output = script
        .args([subject, plan, seconds])
        .output()
        .expect("bash runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout)
        .expect("a token")
        .trim()
        .to_owned()
}

fn for_an_hour(subject: &str, plan: &str) -> String {
    token(subject, plan, "3600")
}

/// The claims of one token under the signature of another.
fn spliced(claims: &str, signature: &str) -> String {
    let claims = claims.rsplit_once('.').expect("a token").0;
    let signature = signature.rsplit_once('.').expect("a token").1;
    format!("{claims}.{signature}")
}

/// The claims of a token, which nobody has signed.
fn unsigned(token: &str) -> String {
    let claims = token.split('.').nth(1).expect("a token");
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    format!("{header}.{claims}.")
}

fn policy(answer: &Answer) -> Option<&str> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("ratelimit-policy")
}

#[test]
fn a_tier_is_what_a_verified_claim_says() {
    let api = ModelApi::start();
    let envoy = start(FILE, api.port());
    let client = Client::new(envoy.address());
    let tried = try_it(FILE, &envoy);
    assert!(tried.contains(r#"ratelimit: "rpm";r=4;t=4"#), "{tried}");

    let free = for_an_hour("bob", "free");
    let refused = spend(5, Duration::from_secs(4), Instant::now(), || {
        client.chat(&free)
    });
    assert_eq!(violated(&refused), ["rpm"]);
    // A new token of his is no new client.
    let again = token("bob", "free", "1800");
    assert_ne!(again, free);
    assert_eq!(client.chat(&again).status, 429);

    let pro = for_an_hour("carol", "pro");
    for _ in 0..20 {
        let expected = Some(r#""rpm";q=100;w=10, "daily";q=20000;w=86400"#);
        assert_eq!(policy(&client.chat(&pro)), expected);
    }
    let enterprise = client.chat(&for_an_hour("dora", "enterprise"));
    assert_eq!(policy(&enterprise), Some(r#""rpm";q=1000;w=10"#));

    // Whatever a client writes elsewhere.
    let bearer = format!("Bearer {}", for_an_hour("erin", "free"));
    let forged = [
        ("authorization", bearer.as_str()),
        ("plan", "enterprise"),
        ("x-plan", "enterprise"),
    ];
    assert_eq!(
        policy(&client.get("/v1/models?plan=enterprise", &forged)),
        FREE
    );

    let enterprise = for_an_hour("bob", "enterprise");
    for wrong in [
        unsigned(&enterprise),
        spliced(&enterprise, &free),
        token("bob", "enterprise", "-3600"),
        "abc".to_owned(),
    ] {
        assert_eq!(client.chat(&wrong).status, 401, "{wrong}");
    }
    assert_eq!(client.get("/v1/models", &[]).status, 401);
    assert_eq!(client.get("/ratelimit", &[]).status, 401);
    assert_eq!(client.get("/healthz", &[]).status, 200);
    let log = envoy.access_log(36);
    let refused_before = log.matches(" 401 details=jwt_authn_access_denied").count();
    assert_eq!(refused_before, 6, "Tollgate need not know of these\n{log}");

    // A tier that nobody has sold yet is none, and counted.
    assert_eq!(policy(&client.chat(&for_an_hour("frank", "gold"))), FREE);
    assert_eq!(envoy.counter("plans.unknown"), 1);

    let bearer = format!("Bearer {pro}");
    let told = client
        .get("/ratelimit", &[("authorization", &bearer)])
        .json();
    assert_eq!(
        (&told["plan"], &told["limits"][1]["remaining"]),
        (&"pro".into(), &19_980.into())
    );
    envoy.assert_vm_lives();
}
