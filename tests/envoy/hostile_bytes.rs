//! Any byte at any place: the VM lives, and the client is still limited.
//!
//! Each request is a client of its own with a burst of one, sent twice: the filter must
//! let the first pass and refuse the second, or Envoy must refuse both. A byte that ends
//! an id early, splits it, or makes the filter give up would show as another pair.

use crate::harness::{direct_response, raw, Client, Envoy, EnvoyOptions};
use std::net::SocketAddr;
use std::thread;

const CONFIG: &str = r#"{
  "client_from": [
    {"header": "x-api-key"}, {"header": "authorization", "strip": "Bearer "}, {"query": "api_key"}, {"cookie": "session"},
    {"constant": "nobody"}
  ],
  "limits": {"one": {"rate": "1/d"}},
  "routes": [
    {"name": "tier", "match": {"headers": {"x-tier": "free"}}, "limits": ["one"]},
    {"name": "host", "match": {"host": "*.example.com"}, "limits": ["one"]},
    {"name": "model", "match": {"path": "/models/{model}/infer"}, "limits": ["one"]},
    {"name": "wing", "match": {"prefix": "/wing/", "methods": ["GET", "POST"]}, "limits": ["one"]},
    {"name": "free", "match": {"path": "/free"}, "limits": []},
    {"name": "rest", "match": {}, "limits": ["one"]}
  ]
}"#;

/// Method, path, host and further lines of a request; `BYTE` is the byte, `ID` names the
/// client after place and byte, `HEX` is the byte in two digits.
const PLACES: &[(&str, &str, &str, &str)] = &[
    ("GET", "/", "x", "x-api-key: ID-aBYTEz"),
    ("GET", "/", "x", "authorization: bearer ID-aBYTEz"),
    ("GET", "/", "x", "x-api-key: ID\r\nx-tier: aBYTEz"),
    ("GET", "/", "x", "x-api-key: ID\r\nx-aBYTEz: free"),
    ("GET", "/?api_key=IDBYTEz", "x", "a: b"),
    ("GET", "/?api_key=ID%HEXz", "x", "a: b"),
    ("GET", "/?aBYTEz=1&api_key=ID", "x", "a: b"),
    ("GET", "/models/aBYTEz/infer", "x", "x-api-key: ID"),
    ("GET", "/models/a%HEXz/infer", "x", "x-api-key: ID"),
    ("GET", "/wing/BYTE", "x", "x-api-key: ID"),
    ("GET", "/BYTEfree", "x", "x-api-key: ID"),
    ("GET", "/free%HEX", "x", "x-api-key: ID"),
    ("GET", "/", "x", "cookie: session=IDBYTEz"),
    ("GET", "/", "x", "cookie: aBYTEz=1; session=ID"),
    ("GET", "/", "aBYTEz.example.com", "x-api-key: ID"),
    ("GBYTET", "/wing/a", "x", "x-api-key: ID"),
];

/// Whole requests that are odd as such.
fn shapes() -> Vec<Vec<u8>> {
    let head = |path: &str, lines: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{lines}\r\n").into_bytes()
    };
    let many = |line: &str, count| line.repeat(count);
    vec![
        head("/", "x-api-key:\r\n"),
        head("/", "authorization: Bearer \r\n"),
        head("/", "authorization: Bearer\r\n"),
        head("/", "cookie: ;;;===; session\r\n"),
        head("/", "cookie: session=\"\r\n"),
        head("/", &many("x-tier: \u{fffd}\r\n", 90)),
        head("/", &format!("cookie: {}\r\n", many("session=;", 5000))),
        head("/", &format!("x-api-key: {}\r\n", many("k", 50_000))),
        head(&many("/.", 20_000), ""),
        head(&format!("{}/..", many("/a/..", 9_000)), ""),
        head(&format!("/{}", many("%2e%2E/", 7_000)), ""),
        head(&format!("/?{}", many("api_key=%&", 5_000)), ""),
        head("/%", ""),
        head("/%4", ""),
        head("/%zz?api_key=%", ""),
        head("*", ""),
        b"OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_vec(),
        b"GET http://a.example.com:80/models//infer HTTP/1.1\r\nhost: y\r\nconnection: close\r\n\r\n".to_vec(),
    ]
}

#[test]
fn any_byte_anywhere_leaves_the_vm_alive_and_the_client_limited() {
    // As the filter sees it at its worst: whatever Envoy can be told to let through, and
    // no upstream with ideas of its own.
    let bare = [
        ("normalize_path: true", "normalize_path: false"),
        ("merge_slashes: true", "merge_slashes: false"),
        ("UNESCAPE_AND_REDIRECT", "KEEP_UNCHANGED"),
        ("action: REJECT_REQUEST", "action: ALLOW"),
    ];
    let mut edits = bare
        .map(|(from, to)| (from.to_owned(), to.to_owned()))
        .to_vec();
    edits.push(direct_response());
    let envoy = Envoy::start(EnvoyOptions {
        config: Some(CONFIG.to_owned()),
        edits,
        ..EnvoyOptions::default()
    });
    let address = envoy.address();
    let (low, high) = thread::scope(|scope| {
        let low = scope.spawn(move || every_place(address, 0..=127));
        (every_place(address, 128..=255), low.join().unwrap())
    });
    let wrong: Vec<String> = [low, high].concat();
    for shape in shapes() {
        let status = raw(address, &shape).map(|answer| answer.status);
        let shown = String::from_utf8_lossy(&shape[..shape.len().min(60)]);
        assert!(
            matches!(status, Some(200 | 400 | 404 | 429 | 431)),
            "{status:?} for {shown}"
        );
    }
    envoy.assert_vm_lives();
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );

    let reached = envoy.counter("limit.one.allowed");
    assert!(reached > 2000, "only {reached} reached the filter");

    let client = Client::new(address);
    let again = ["after", "after"].map(|key| client.get("/", &[("x-api-key", key)]).status);
    assert_eq!(again, [200, 429], "the next client is limited too");
}

/// What does not hold, in words.
fn every_place(address: SocketAddr, bytes: std::ops::RangeInclusive<u8>) -> Vec<String> {
    let mut wrong = Vec::new();
    for byte in bytes {
        for (number, place) in PLACES.iter().enumerate() {
            let request = request(place, number, byte);
            let seen = [(); 2].map(|()| raw(address, &request).map(|answer| answer.status));
            let fine = match seen {
                [Some(200), Some(429)] => true,
                // Envoy's own refusal; 426 where the byte cut HTTP/1.1 off the first line.
                [Some(first), Some(second)] => first == second && matches!(first, 400 | 404 | 426),
                _ => false,
            };
            if !fine {
                let shown = request.escape_ascii();
                wrong.push(format!("{seen:?} for {shown}"));
            }
        }
    }
    wrong
}

fn request(place: &(&str, &str, &str, &str), number: usize, byte: u8) -> Vec<u8> {
    let (method, path, host, lines) = place;
    let text =
        format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n{lines}\r\nconnection: close\r\n\r\n");
    let text = text.replace("ID", &format!("k{number}-{byte:02x}"));
    let text = text.replace("HEX", &format!("{byte:02x}"));
    let mut parts = text.split("BYTE");
    let mut request = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        request.push(byte);
        request.extend(part.as_bytes());
    }
    request
}
