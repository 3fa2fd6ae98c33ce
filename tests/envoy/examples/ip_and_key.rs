//! ip-and-key.yaml: a key, a key at an address, and an address, each with a limit of its own.

use super::{spend, start, try_it, violated};
use crate::harness::{Answer, Client, Envoy, ModelApi};
use std::process::Command;
use std::time::{Duration, Instant};

const FILE: &str = "envoy/examples/ip-and-key.yaml";

/// A request from one of this machine's own addresses, of which Linux has 127.0.0.0/8.
fn from(ip: &str, key: &str, envoy: &Envoy) -> Answer {
    let mut curl = Command::new("curl");
    curl.args([
        "-s",
        "--noproxy",
        "*",
        "--interface",
        ip,
        "-w",
        "\n%{http_code}",
    ]);
    curl.args(["-H", &format!("x-api-key: {key}")]);
    let output = curl
        .arg(format!("http://{}/v1/models", envoy.address()))
        .output();
    let said = output.expect("curl runs").stdout;
    let said = String::from_utf8(said).expect("an answer");
    let (body, status) = said.rsplit_once('\n').expect("both");
    Answer {
        status: status.parse().expect("a status"),
        body: body.into(),
        ..Answer::default()
    }
}

#[test]
fn three_limits_hold_together() {
    let api = ModelApi::start();
    let envoy = start(FILE, api.port());
    let tried = try_it(FILE, &envoy);
    let policy =
        r#"ratelimit-policy: "per-key";q=15;w=30, "key-at-ip";q=10;w=40, "per-ip";q=25;w=25"#;
    assert!(tried.contains(policy), "{tried}");

    let begun = Instant::now();
    let seconds = Duration::from_secs;
    // Alice's first machine may have two thirds of what she has, her second the rest.
    let refused = spend(10, seconds(4), begun, || {
        from("127.0.0.2", "alice2", &envoy)
    });
    assert_eq!(violated(&refused), ["key-at-ip"]);
    let refused = spend(5, seconds(2), begun, || from("127.0.0.3", "alice2", &envoy));
    assert_eq!(violated(&refused), ["per-key"]);

    // Keys that somebody makes up, each with a full bucket, at an address that has spent 10.
    let mut made_up = 0;
    let refused = spend(15, seconds(1), begun, || {
        made_up += 1;
        from("127.0.0.2", &format!("made-up-{made_up}"), &envoy)
    });
    assert_eq!(violated(&refused), ["per-ip"]);
    assert_eq!(from("127.0.0.4", "bob", &envoy).status, 200);

    // Without a key, only the address counts, and nobody chooses that.
    let client = Client::new(envoy.address());
    let mut alone = Vec::new();
    let refused = spend(24, seconds(1), begun, || {
        let invented = format!("192.0.2.{}", alone.len());
        let answer = client.get("/v1/models", &[("x-forwarded-for", &invented)]);
        alone.push(answer.clone());
        answer
    });
    assert_eq!(violated(&refused), ["per-ip"]);
    let policy = Some(r#""per-ip";q=25;w=25"#);
    assert_eq!(alone[0].header("ratelimit-policy"), policy);
    envoy.assert_vm_lives();
}
