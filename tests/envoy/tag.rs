//! Spill-over: what is over a limit in tag mode passes with its name in a header, and an
//! Envoy route that matches on it takes over, with a cheaper model.

use crate::harness::{raw, Answer, Client, Envoy, EnvoyOptions, ModelApi};
use serde_json::Value;

const CONFIG: &str = r#"{
  "client_from": [{"header": "x-api-key"}],
  "limits": {
    "best": {"rate": "2/d", "mode": "tag"},
    "fast": {"rate": "3/d", "mode": "tag"},
    "all": {"rate": "6/d"},
    "tried": {"rate": "1/d", "mode": "shadow"}
  },
  "routes": [
    {"match": {"path": "/both"}, "limits": ["best", "tried", "fast"]},
    {"match": {"path": "/tried"}, "limits": ["tried"]},
    {"match": {"path": "/free"}, "limits": []},
    {"match": {}, "limits": ["best", "all"]}
  ]
}"#;

/// The model that is asked for, and the one that takes over. Each shows what it was sent.
struct Models {
    envoy: Envoy,
    _apis: [ModelApi; 2],
}

impl Models {
    fn start(config: &str) -> Self {
        let apis = [(); 2].map(|()| ModelApi::start());
        let route = "              - match: { prefix: / }\n";
        let over = "              - match:
                  prefix: /
                  headers: [{ name: x-tollgate-over, present_match: true }]
                route:
                  cluster: cheaper
                  timeout: 0s
                request_headers_to_add:
                - header: { key: x-model, value: cheaper }
              - match: { prefix: / }\n";
        let cluster = format!(
            "
  clusters:
  - name: cheaper
    type: STATIC
    connect_timeout: 1s
    load_assignment:
      cluster_name: cheaper
      endpoints:
      - lb_endpoints:
        - endpoint:
            address: {{ socket_address: {{ address: 127.0.0.1, port_value: {} }} }}
",
            apis[1].port()
        );
        let edits = [(route, over), ("\n  clusters:\n", &cluster)];
        let edits = edits.map(|(from, to)| (from.to_owned(), to.to_owned()));
        let envoy = Envoy::start(EnvoyOptions {
            config: Some(config.to_owned()),
            upstream: apis[0].port(),
            edits: edits.to_vec(),
            ..EnvoyOptions::default()
        });
        Self { envoy, _apis: apis }
    }

    /// Which limits the upstream was told of, and that it is the right one of the two.
    fn over(&self, path: &str, headers: &[(&str, &str)]) -> Option<String> {
        over(&Client::new(self.envoy.address()).get(path, headers))
    }
}

fn over(answer: &Answer) -> Option<String> {
    assert_eq!(answer.status, 200);
    let seen = &answer.json()["headers"];
    let over = seen.get("x-tollgate-over").and_then(Value::as_str);
    let model = seen.get("x-model").and_then(Value::as_str);
    assert_eq!(model, over.map(|_| "cheaper"), "{seen}");
    over.map(str::to_owned)
}

#[test]
fn what_is_over_its_limit_goes_to_the_cheaper_model() {
    let models = Models::start(CONFIG);
    let alice = [("x-api-key", "alice")];
    let seen = [(); 4].map(|()| models.over("/echo", &alice));
    let best = Some("best".to_owned());
    assert_eq!(seen, [None, None, best.clone(), best]);

    // The clients of the header may read it as a list. One that is in shadow is none of it.
    let bob = [("x-api-key", "bob")];
    let seen = [(); 4].map(|()| models.over("/both", &bob));
    let both = "best, fast".to_owned();
    assert_eq!(seen, [None, None, Some("best".to_owned()), Some(both)]);

    let log = models.envoy.access_log(8);
    for (note, count) in [
        ("/echo 200 details=via_upstream tollgate=allowed", 2),
        ("/echo 200 details=via_upstream tollgate=tagged:best", 2),
        ("/both 200 details=via_upstream tollgate=allowed", 1),
        ("/both 200 details=via_upstream tollgate=shadow:tried", 1),
        ("/both 200 details=via_upstream tollgate=tagged:best", 2),
    ] {
        assert_eq!(log.matches(note).count(), count, "{note} in\n{log}");
    }
    for (name, count) in [
        ("best.allowed", 4),
        ("best.tagged", 4),
        ("best.denied", 0),
        ("best.shadow_denied", 0),
        ("fast.allowed", 3),
        ("fast.tagged", 1),
        ("tried.shadow_denied", 3),
        ("tried.tagged", 0),
        ("all.allowed", 4),
    ] {
        let counted = models.envoy.counter(&format!("limit.{name}"));
        assert_eq!(counted, count, "{name}");
    }

    // A limit that is enforced still is; its headers never show the one in tag mode.
    let client = Client::new(models.envoy.address());
    let answers = [(); 3].map(|()| client.get("/echo", &alice));
    assert_eq!(
        answers.each_ref().map(|answer| answer.status),
        [200, 200, 429]
    );
    let policy = Some(r#""all";q=6;w=86400"#);
    assert_eq!(answers[0].header("ratelimit-policy"), policy);
    assert_eq!(answers[2].header("ratelimit-policy"), policy);
    let log = models.envoy.access_log(11);
    assert_eq!(
        log.matches("429 details=tollgate_all tollgate=denied:all")
            .count(),
        1,
        "{log}"
    );
    models.envoy.assert_vm_lives();
}

/// The header decides what a request costs: no client may write it.
#[test]
fn a_clients_own_header_is_removed() {
    let models = Models::start(CONFIG);
    for (number, line) in [
        "x-tollgate-over: best",
        "X-Tollgate-OVER: best",
        "x-tollgate-over:",
        "x-tollgate-over: best\r\nX-tollgate-over: fast",
        "x-tollgate-over: \u{ff}",
        "connection: x-tollgate-over\r\nx-tollgate-over: best",
    ]
    .into_iter()
    .enumerate()
    {
        // Those who are under the limit, those whom none applies to, and those who are over it.
        for (path, over_it) in [
            ("/echo", None),
            ("/tried", None),
            ("/free", None),
            ("/echo", None),
            ("/echo", Some("best".to_owned())),
        ] {
            let request =
                format!("GET {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {number}\r\n{line}\r\n\r\n");
            let answer = raw(models.envoy.address(), request.as_bytes()).expect("HTTP");
            assert_eq!(over(&answer), over_it, "{line} to {path}");
        }
    }
    // As an underscored twin, Envoy as shipped refuses it.
    let twin =
        b"GET /echo HTTP/1.1\r\nhost: x\r\nx_tollgate_over: best\r\nconnection: close\r\n\r\n";
    let answer = raw(models.envoy.address(), twin).expect("HTTP");
    assert_eq!(answer.status, 400);
    models.envoy.assert_vm_lives();
}
