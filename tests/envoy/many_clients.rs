//! A table of a hundred thousand clients, on every worker of a real Envoy.

use crate::harness::{direct_response, eventually, Client, Envoy, EnvoyOptions};
use std::time::{Duration, Instant};

const CLIENTS: usize = 100_000;

/// Every other one by its hash, as whoever sells keys would list them.
fn config(clients: usize) -> String {
    let entry = |n: usize| match n % 2 {
        0 => format!(r#""key-{n}": {{"plan": "pro"}}"#),
        _ => format!(r#""sha256:{n:064x}": {{"plan": "free"}}"#),
    };
    let entries: Vec<String> = (0..clients).map(entry).collect();
    format!(
        r#"{{"client_from": [{{"header": "x-api-key", "known": true}}], "missing": "deny",
            "limits": {{"bulk": {{"rate": "100/d"}}}},
            "plans": {{"free": {{}}, "pro": {{"bulk": {{"rate": "{clients}000/d"}}}}}},
            "clients": {{{}}}}}"#,
        entries.join(", ")
    )
}

/// `docs/design.md` quotes what this prints; a test asserts no time.
#[test]
fn a_hundred_thousand_clients_are_loaded_and_told_apart() {
    let mut envoy = Envoy::start(EnvoyOptions {
        config: Some(config(2)),
        edits: vec![direct_response()],
        lds: true,
        ..EnvoyOptions::default()
    });
    for clients in [4, CLIENTS] {
        let text = config(clients);
        let began = Instant::now();
        assert!(envoy.update(&text), "{}", envoy.log());
        let policy = format!(r#""bulk";q={clients}000;w=86400"#);
        // The first worker that has it answers; each has a connection sooner or later.
        let ask = |key: &str| Client::new(envoy.address()).get("/", &[("x-api-key", key)]);
        let taken = eventually(Duration::from_secs(60), || {
            let shown = (0..8).all(|_| ask("key-0").header("ratelimit-policy") == Some(&policy));
            shown.then_some(())
        });
        assert!(taken.is_some(), "{}", envoy.log());
        println!(
            "{clients} clients: {} ms to the last worker",
            began.elapsed().as_millis()
        );
        for known in [0, clients - 2] {
            assert_eq!(ask(&format!("key-{known}")).status, 200);
        }
        for unknown in ["key-1", "key-100000", "sha256:0"] {
            assert_eq!(ask(unknown).status, 401, "{unknown}");
        }
    }
    envoy.assert_vm_lives();
}
