//! Concurrency on a real Envoy: a request holds its slot to its end, whatever that is.

mod denied;
mod endings;
mod mixed;
mod reload;

use crate::harness::{eventually, Client, Envoy, EnvoyOptions, Exchange, Upstream};
use std::time::Duration;

/// Slots are given up for lost after an hour: what is free in a test has come back.
fn config(slots: u32) -> String {
    format!(
        r#"{{"client_from": [{{"header": "x-api-key"}}],
  "limits": {{"at-once": {{"concurrency": {slots}, "timeout": "1h"}}}}}}"#
    )
}

/// Envoy with the filter, before an upstream that waits to be told.
struct Gate {
    envoy: Envoy,
    upstream: Upstream,
}

impl Gate {
    /// With `edits` of the shipped file and the routes and filters of [`edits`].
    fn start(config: &str, options: EnvoyOptions) -> Self {
        let upstream = Upstream::start();
        let envoy = Envoy::start(EnvoyOptions {
            config: Some(config.to_owned()),
            upstream: upstream.port(),
            edits: [edits(), options.edits].concat(),
            ..options
        });
        Self { envoy, upstream }
    }

    /// A request that ends at once.
    fn ask(&self, key: &str) -> u16 {
        let client = Client::new(self.envoy.address());
        client.get("/now/answer", &[("x-api-key", key)]).status
    }

    /// Sends one, and reads nothing.
    fn begin(&self, path: &str, key: &str) -> Exchange {
        self.begin_with("GET", path, key, "connection: close\r\n")
    }

    fn begin_with(&self, method: &str, path: &str, key: &str, lines: &str) -> Exchange {
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\n{lines}\r\n");
        Exchange::begin(self.envoy.address(), head.as_bytes()).expect("a connection")
    }

    /// The same, once it waits at the upstream.
    fn hold(&self, path: &str, key: &str) -> Exchange {
        let before = self.upstream.waiting();
        let exchange = self.begin(path, key);
        self.until_waiting(before + 1);
        exchange
    }

    fn until_waiting(&self, count: usize) {
        let reached = eventually(PATIENCE, || {
            (self.upstream.waiting() == count).then_some(())
        });
        let waiting = self.upstream.waiting();
        assert!(reached.is_some(), "{waiting} wait, not {count}");
    }

    /// How many slots are free: takes them all, and gives them back.
    fn free(&self, key: &str) -> usize {
        let mut held = Vec::new();
        loop {
            let mut exchange = self.begin("/later/stream", key);
            let answer = exchange.begun().expect("an answer");
            if answer.status == 429 {
                break;
            }
            assert_eq!(answer.status, 200);
            held.push(exchange);
        }
        self.upstream.go_on();
        let free = held.len();
        for exchange in held {
            let body = exchange.answer().expect("the rest").text();
            assert!(body.contains("[DONE]"), "{body}");
        }
        free
    }

    /// Waits until exactly so many are free, and never more.
    fn until_free(&self, key: &str, count: usize) {
        let reached = eventually(PATIENCE, || {
            let free = self.free(key);
            assert!(free <= count, "{free} slots are free, of {count}");
            (free == count).then_some(())
        });
        let log = self.envoy.log();
        assert!(reached.is_some(), "{key}: not {count} slots free\n{log}");
    }
}

/// Far below the timeout of a slot, and enough for a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(30);

/// Filters behind Tollgate and routes that end a request before it reaches the upstream,
/// or whatever that does.
fn edits() -> Vec<(String, String)> {
    let upgrades = "stat_prefix: tollgate
          upgrade_configs: [{ upgrade_type: websocket }, { upgrade_type: CONNECT }]";
    let edits = [
        ("stat_prefix: tollgate", upgrades),
        ("          - name: envoy.filters.http.router\n", FILTERS),
        ("              - match: { prefix: / }\n", ROUTES),
        ("\n  clusters:\n", CLUSTERS),
    ];
    edits
        .map(|(from, to)| (from.to_owned(), to.to_owned()))
        .to_vec()
}

const FILTERS: &str = r#"          - name: envoy.filters.http.rbac
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
              rules:
                action: DENY
                policies:
                  denied:
                    permissions: [{ header: { name: x-end, string_match: { exact: rbac } } }]
                    principals: [{ any: true }]
          - name: envoy.filters.http.fault
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault
              abort: { header_abort: {}, percentage: { numerator: 100 } }
              delay: { header_delay: {}, percentage: { numerator: 100 } }
          - name: envoy.filters.http.lua
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
              default_source_code:
                inline_string: |
                  function envoy_on_request(handle)
                    local ending = handle:headers():get("x-end")
                    if ending == "lua-later" then
                      local call = {[":method"] = "GET", [":path"] = "/later/answer", [":authority"] = "x"}
                      handle:httpCall("model_api", call, "", 3600000)
                    end
                    if ending == "lua" or ending == "lua-later" then
                      handle:respond({[":status"] = "418"}, "no")
                    end
                  end
          - name: envoy.filters.http.router
"#;

const ROUTES: &str = r"              - match: { connect_matcher: {} }
                route:
                  cluster: model_api
                  timeout: 0s
                  upgrade_configs: [{ upgrade_type: CONNECT, connect_config: {} }]
              - match: { path: /dead }
                route: { cluster: dead }
              - match: { path: /nowhere }
                route: { cluster_header: x-no-such-header }
              - match: { path: /itself }
                direct_response: { status: 200, body: { inline_string: ok } }
              - match: { prefix: /later/answer/timeout }
                route: { cluster: model_api, timeout: 0.05s }
              - match: { prefix: /later/stream/idle }
                route: { cluster: model_api, timeout: 0s, idle_timeout: 0.05s }
              - match: { prefix: /now/reset/retried }
                route:
                  cluster: model_api
                  retry_policy: { retry_on: reset, num_retries: 3, retry_back_off: { base_interval: 0.001s } }
              - match: { prefix: /now/redirect }
                route:
                  cluster: model_api
                  internal_redirect_policy: { max_internal_redirects: 1 }
              - match: { prefix: / }
";

const CLUSTERS: &str = r"
  clusters:
  - name: dead
    type: STATIC
    connect_timeout: 1s
    load_assignment:
      cluster_name: dead
      endpoints:
      - lb_endpoints:
        - endpoint:
            address: { socket_address: { address: 127.0.0.1, port_value: 9 } }
";
