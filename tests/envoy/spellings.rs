//! No spelling of a path leaves a limited route for a freer one.
//!
//! Each route has a limit of its own name, so the policy in the answer tells which route
//! the filter chose. The table is asked twice: with Envoy's normalisation as shipped, and
//! without any, since the filter must hold by itself.

use crate::harness::{raw, Answer, Envoy, EnvoyOptions, ModelApi};

const CONFIG: &str = r#"{
  "client_from": [{"constant": "everyone"}],
  "limits": {
    "chat": {"rate": "1000/s"}, "models": {"rate": "1000/s"}, "infer": {"rate": "1000/s"},
    "wing": {"rate": "1000/s"}, "host": {"rate": "1000/s"}, "tier": {"rate": "1000/s"},
    "rest": {"rate": "1000/s"}
  },
  "routes": [
    {"name": "tier", "match": {"headers": {"x-tier": "free"}}, "limits": ["tier"]},
    {"name": "host", "match": {"host": "api.example.com"}, "limits": ["host"]},
    {"name": "wild", "match": {"host": "*.wild.example.com"}, "limits": ["host"]},
    {"name": "chat", "match": {"path": "/v1/chat/completions"}, "limits": ["chat"]},
    {"name": "models", "match": {"path": "/v1/models", "methods": ["GET"]}, "limits": ["models"]},
    {"name": "infer", "match": {"path": "/v1/models/{model}/infer"}, "limits": ["infer"]},
    {"name": "wing", "match": {"prefix": "/wing/"}, "limits": ["wing"]},
    {"name": "health", "match": {"path": "/healthz"}, "limits": []},
    {"name": "rest", "match": {}, "limits": ["rest"]}
  ]
}"#;

/// Request line, host, a header line, the route with Envoy's normalisation, and without.
/// `-` is a route without limits; `redirect` and `refused` are Envoy's own answers.
type Spelling = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const TABLE: &[Spelling] = &[
    ("POST /v1/chat/completions", "x", "a: b", "chat", "chat"),
    ("GET /v1/chat/completions", "x", "a: b", "chat", "chat"),
    ("POST //v1//chat///completions", "x", "a: b", "chat", "chat"),
    ("POST /v1/chat/completions/", "x", "a: b", "chat", "chat"),
    ("POST /v1/chat/completions//", "x", "a: b", "chat", "chat"),
    ("POST /v1/./chat/completions", "x", "a: b", "chat", "chat"),
    ("POST /./v1/chat/completions/.", "x", "a: b", "chat", "chat"),
    (
        "POST /v1/x/../chat/completions",
        "x",
        "a: b",
        "chat",
        "chat",
    ),
    (
        "POST /v1/chat/completions/x/..",
        "x",
        "a: b",
        "chat",
        "chat",
    ),
    (
        "POST /../../v1/chat/completions",
        "x",
        "a: b",
        "chat",
        "chat",
    ),
    ("POST /v1/%63hat/completions", "x", "a: b", "chat", "chat"),
    (
        "POST /%76%31/chat/complet%69ons",
        "x",
        "a: b",
        "chat",
        "chat",
    ),
    ("POST /v1/%2e/chat/completions", "x", "a: b", "chat", "chat"),
    (
        "POST /v1/x/%2e%2e/chat/completions",
        "x",
        "a: b",
        "chat",
        "chat",
    ),
    (
        "POST /v1/x/.%2E/chat/completions",
        "x",
        "a: b",
        "chat",
        "chat",
    ),
    (
        "POST /healthz/../v1/chat/completions",
        "x",
        "a: b",
        "chat",
        "chat",
    ),
    ("POST /v1/chat/completions?", "x", "a: b", "chat", "chat"),
    (
        "POST /v1/chat/completions?x=/../healthz",
        "x",
        "a: b",
        "chat",
        "chat",
    ),
    (
        "POST /v1/chat/completions/?x=y",
        "x",
        "a: b",
        "chat",
        "chat",
    ),
    (
        "POST http://x/v1/chat/completions",
        "x",
        "a: b",
        "chat",
        "chat",
    ),
    // Another resource, or no one's: the last route.
    ("POST /v1/chat/completions/x", "x", "a: b", "rest", "rest"),
    ("POST /v1/chat/completions;v=1", "x", "a: b", "rest", "rest"),
    ("POST /v1/Chat/completions", "x", "a: b", "rest", "rest"),
    ("POST /v1/chat%20/completions", "x", "a: b", "rest", "rest"),
    // Escaped slashes: Envoy sends the client to the plain spelling.
    (
        "POST /v1%2Fchat/completions",
        "x",
        "a: b",
        "redirect",
        "rest",
    ),
    (
        "POST /v1%5cchat/completions",
        "x",
        "a: b",
        "redirect",
        "rest",
    ),
    ("POST /v1\\chat/completions", "x", "a: b", "chat", "rest"),
    (
        "POST /v1/chat/completions%00",
        "x",
        "a: b",
        "refused",
        "rest",
    ),
    ("GET /healthz%2f..%2fv1", "x", "a: b", "redirect", "rest"),
    // HEAD is a GET without a body, OPTIONS is not.
    ("GET /v1/models", "x", "a: b", "models", "models"),
    ("HEAD /v1/models", "x", "a: b", "models", "models"),
    ("HEAD //v1/models/", "x", "a: b", "models", "models"),
    ("OPTIONS /v1/models", "x", "a: b", "rest", "rest"),
    // A variable is one segment, not empty.
    ("POST /v1/models/a/infer", "x", "a: b", "infer", "infer"),
    ("POST /v1/models/%61//infer/", "x", "a: b", "infer", "infer"),
    ("POST /v1/models/a/b/infer", "x", "a: b", "rest", "rest"),
    ("POST /v1/models//infer", "x", "a: b", "rest", "rest"),
    // A prefix takes its own folder too.
    ("GET /wing/a/b", "x", "a: b", "wing", "wing"),
    ("GET /wing/", "x", "a: b", "wing", "wing"),
    ("GET /wing", "x", "a: b", "wing", "wing"),
    ("GET /x/../wing/./a", "x", "a: b", "wing", "wing"),
    ("GET /wing/../healthz", "x", "a: b", "-", "rest"),
    ("GET /wings", "x", "a: b", "rest", "rest"),
    // Free only as it is written.
    ("GET /healthz", "x", "a: b", "-", "-"),
    ("GET /healthz?deep=1", "x", "a: b", "-", "-"),
    ("GET /healthz/", "x", "a: b", "rest", "rest"),
    ("GET //healthz", "x", "a: b", "-", "rest"),
    ("GET /%68ealthz", "x", "a: b", "-", "rest"),
    (
        "GET /v1/chat/completions/../../../healthz",
        "x",
        "a: b",
        "-",
        "rest",
    ),
    // A host: any case, any port.
    ("GET /", "api.example.com", "a: b", "host", "host"),
    ("GET /", "API.Example.COM", "a: b", "host", "host"),
    ("GET /", "api.example.com:8443", "a: b", "host", "host"),
    ("GET http://api.example.com/", "x", "a: b", "host", "host"),
    ("GET /", "a.b.wild.example.com:80", "a: b", "host", "host"),
    ("GET /", "api.example.com.", "a: b", "host", "host"),
    ("GET /", "api.example.com.:80", "a: b", "host", "host"),
    ("GET /", "xapi.example.com", "a: b", "rest", "rest"),
    // A header's name in another case is the same; its value is not.
    ("GET /", "x", "x-tier: free", "tier", "tier"),
    ("GET /healthz", "x", "X-TIER: free", "tier", "tier"),
    ("GET /", "x", "X-Tier:    free  ", "tier", "tier"),
    ("GET /", "x", "x-tier: FREE", "rest", "rest"),
];

#[test]
fn no_spelling_leaves_a_limited_route() {
    let api = ModelApi::start();
    let bare = [
        ("normalize_path: true", "normalize_path: false"),
        ("merge_slashes: true", "merge_slashes: false"),
        ("UNESCAPE_AND_REDIRECT", "KEEP_UNCHANGED"),
    ];
    let options = |edits: &[(&str, &str)]| EnvoyOptions {
        config: Some(CONFIG.to_owned()),
        upstream: api.port(),
        concurrency: 1,
        edits: edits
            .iter()
            .map(|(from, to)| (from.to_string(), to.to_string()))
            .collect(),
        ..EnvoyOptions::default()
    };
    let mut wrong = Vec::new();
    for (shipped, envoy) in [
        (true, Envoy::start(options(&[]))),
        (false, Envoy::start(options(&bare))),
    ] {
        for (line, host, header, normalised, plain) in TABLE {
            let expected = if shipped { normalised } else { plain };
            let request = format!("{line} HTTP/1.1\r\nhost: {host}\r\n{header}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            let route = raw(envoy.address(), request.as_bytes()).map(|answer| route(&answer));
            if route.as_deref() != Some(*expected) {
                let setting = if shipped {
                    "as shipped"
                } else {
                    "without normalisation"
                };
                wrong.push(format!(
                    "{setting}, {line}, host {host}, {header}: {route:?}, not {expected}"
                ));
            }
        }
        envoy.assert_vm_lives();
    }
    assert!(
        wrong.is_empty(),
        "{} of the table:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn route(answer: &Answer) -> String {
    match (answer.status, answer.header("ratelimit-policy")) {
        (307, _) => "redirect".to_owned(),
        (400, None) => "refused".to_owned(),
        (_, Some(policy)) => policy.split('"').nth(1).unwrap_or(policy).to_owned(),
        (_, None) => "-".to_owned(),
    }
}
