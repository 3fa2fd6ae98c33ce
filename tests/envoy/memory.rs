//! A million clients who come once: memory stops growing when the table is full.

use crate::harness::{direct_response, wrk_until, Client, Envoy, EnvoyOptions, Load};
use std::time::Duration;

const CONFIG: &str = r#"{
  "client_from": [{"header": "x-api-key"}],
  "limits": {"rpm": {"rate": "10/d"}},
  "max_entries": 8192
}"#;

/// Each request is a client of its own.
const SCRIPT: &str = r#"
local threads = 0
function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end
function init() sent = 0 end
function request()
  sent = sent + 1
  return wrk.format("GET", "/", {["x-api-key"] = "PREFIX-" .. id .. "-" .. sent})
end
"#;

/// A million lines of access log would be another program's memory.
const QUIET: &str = "envoy.access_loggers.stdout
            filter: { response_flag_filter: { flags: [UH] } }
";

#[test]
fn a_million_clients_add_nothing_once_the_table_is_full() {
    let quiet = ("envoy.access_loggers.stdout\n".to_owned(), QUIET.to_owned());
    let envoy = Envoy::start(EnvoyOptions {
        config: Some(CONFIG.to_owned()),
        edits: vec![direct_response(), quiet],
        ..EnvoyOptions::default()
    });
    let allowed = || envoy.stat("wasmcustom.tollgate.limit.rpm.allowed");
    let clients = |prefix: &str, count: u64| {
        let load = Load {
            connections: 32,
            threads: 2,
            limit: Duration::from_secs(200),
            script: &SCRIPT.replace("PREFIX", prefix),
            path: "/",
        };
        let report = wrk_until(envoy.address(), &load, || allowed() >= count);
        let refused = report.contains("Non-2xx");
        assert!(!refused, "a new client starts full:\n{report}");
        assert!(allowed() >= count, "too slow for this test:\n{report}");
        envoy.memory()
    };
    let full = clients("first", 100_000);
    let evictions = envoy.counter("table.evictions");
    assert!(evictions > 0, "the table is not full");
    let after = clients("then", 1_000_000);
    // One key of shared data for each client would be 90 MB.
    let grown = after.saturating_sub(full);
    println!("{grown} bytes more after 900,000 more clients");
    let grown = grown >> 20;
    assert!(grown < 6, "{grown} MiB more after 900,000 more clients");
    envoy.assert_vm_lives();

    // And the table still counts.
    let client = Client::new(envoy.address());
    let ask = || client.get("/", &[("x-api-key", "alice")]).status;
    let statuses: Vec<u16> = (0..11).map(|_| ask()).collect();
    assert_eq!(statuses, [[200; 10].as_slice(), &[429]].concat());
}
