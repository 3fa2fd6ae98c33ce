//! What a new user gets: envoy.yaml, the demo API, the client and `make run`, as shipped.

use crate::harness::{
    eventually, promptly, root, target, Client, Envoy, EnvoyOptions, ModelApi, Process,
};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

#[test]
fn the_demo_lets_pass_refuses_and_tells() {
    let api = ModelApi::start();
    let envoy = Envoy::start(EnvoyOptions {
        upstream: api.port(),
        ..EnvoyOptions::default()
    });
    let client = Client::new(envoy.address());
    let policy = Some(r#""rpm";q=10;w=40, "per-ip";q=20;w=1"#);
    let (key, answers) = promptly(|key| {
        (
            key.to_owned(),
            (1..=11).map(|_| client.chat(key)).collect::<Vec<_>>(),
        )
    });
    let (denied, allowed) = answers.split_last().unwrap();
    for (answer, left) in allowed.iter().zip((0..10).rev()) {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), policy);
        let told = format!(r#""rpm";r={left};t={}"#, 4 * (10 - left));
        assert_eq!(answer.header("ratelimit"), Some(told.as_str()));
        assert_eq!(answer.json()["object"], "chat.completion");
    }
    assert_eq!(
        (denied.status, denied.header("retry-after")),
        (429, Some("4"))
    );
    assert_eq!(denied.json()["violated-policies"][0], "rpm");
    let key = format!("Bearer {key}");
    let key = [("authorization", key.as_str())];
    let embeddings = client.post("/v1/embeddings", &key, r#"{"input": "a"}"#);
    assert_eq!(embeddings.status, 429, "the same limit by another route");
    for _ in 0..30 {
        let health = client.get("/healthz", &key);
        assert_eq!(
            (health.status, health.header("ratelimit-policy")),
            (200, None)
        );
    }

    // bob is not alice, and a stream passes as it is.
    thread::sleep(Duration::from_millis(600));
    let body = r#"{"stream": true, "stream_options": {"include_usage": true}}"#;
    let bob = client.post(
        "/v1/chat/completions",
        &[("authorization", "Bearer bob")],
        body,
    );
    assert_eq!(bob.header("ratelimit"), Some(r#""rpm";r=9;t=4"#));
    assert!(bob.text().ends_with("data: [DONE]\n\n") && bob.text().contains("\"usage\""));
    assert_eq!(
        client.get("/v1/models", &[]).header("ratelimit-policy"),
        Some(r#""per-ip";q=20;w=1"#)
    );
    envoy.assert_vm_lives();
    let log = envoy.log();
    assert!(
        !log.contains("[error]") && !log.contains("[critical]"),
        "{log}"
    );
}

#[test]
fn the_client_waits_as_it_is_told() {
    let api = ModelApi::start();
    let envoy = Envoy::start(EnvoyOptions {
        upstream: api.port(),
        ..EnvoyOptions::default()
    });
    let output = Command::new("python3")
        .arg(root().join("examples/client.py"))
        .args([
            "--requests",
            "11",
            "--url",
            &format!("http://{}", envoy.address()),
        ])
        .output()
        .expect("python3 runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("200 You can send 5 more requests in the next "),
        "{said}"
    );
    assert!(said.contains("429: waiting "), "{said}");
    assert!(
        said.ends_with("11 of 11 requests were answered.\n"),
        "{said}"
    );
}

/// `make run` on ports of its own: up, answering, and gone with everything that it started.
#[test]
fn run_starts_the_demo_and_leaves_nothing_behind() {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let ports: Vec<u16> = {
        let listeners: Vec<_> = (0..3)
            .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
            .collect();
        listeners
            .iter()
            .map(|listener| listener.local_addr().unwrap().port())
            .collect()
    };
    let mut command = Command::new(root().join("scripts/run.sh"));
    command.env("CARGO_TARGET_DIR", target());
    for (name, port) in ["TOLLGATE_PORT", "ADMIN_PORT", "API_PORT"]
        .iter()
        .zip(&ports)
    {
        command.env(name, port.to_string());
    }
    let mut script = Process::script("run", folder.path(), &command);
    let up = eventually(Duration::from_secs(120), || {
        script.ended().is_none().then_some(())?;
        script.out().contains("Tollgate is up").then_some(())
    });
    assert!(up.is_some(), "{}{}", script.out(), script.err());
    let address = SocketAddr::from(([127, 0, 0, 1], ports[0]));
    assert_eq!(
        Client::new(address).chat("alice").header("ratelimit"),
        Some(r#""rpm";r=9;t=4"#)
    );

    // A second one says which port is taken.
    let second = command.current_dir(root()).output().expect("bash runs");
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(
        !second.status.success() && said.contains(&format!("port {} is taken", ports[0])),
        "{said}"
    );

    script.stop();
    for port in ports {
        assert!(
            TcpStream::connect(("127.0.0.1", port)).is_err(),
            "{port} still answers"
        );
    }
}
