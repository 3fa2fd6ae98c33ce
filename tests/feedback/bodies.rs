//! The bodies, as the clients of each kind read them.

use serde_json::{json, Value};
use tollgate::feedback::Refusal;

use crate::{blocked, denial, feedback, header, limit, reply, SECOND};

const PLEASE: &str = "Client exceeded sending requests. Please try again after 20 seconds.";

/// Every refusal, by a name.
fn refusals() -> Vec<(&'static str, Refusal)> {
    let wait = Some(20 * SECOND);
    vec![
        ("bucket", denial(&limit(r#""rate": "15/m""#), wait)),
        ("quota", denial(&limit(r#""quota": 5, "per": "day""#), wait)),
        ("slots", denial(&limit(r#""concurrency": 4"#), Some(SECOND))),
        ("blocked", denial(&blocked(), None)),
        ("uncounted", Refusal::Uncounted),
        ("unavailable", Refusal::Unavailable),
        (
            "missing",
            Refusal::MissingClient {
                scheme: "Bearer".to_owned(),
            },
        ),
        ("ambiguous", Refusal::AmbiguousClient),
    ]
}

fn body_of(body: &str, refusal: &Refusal) -> (String, u32, Value) {
    let reply = reply(&feedback(&format!(r#"{{"body": "{body}"}}"#)), refusal);
    let kind = header(&reply, "content-type").unwrap().to_owned();
    (
        kind,
        reply.status,
        serde_json::from_str(&reply.body).unwrap(),
    )
}

#[test]
fn the_sentences() {
    let text = feedback(r#"{"body": "text"}"#);
    let sentences: Vec<_> = refusals()
        .iter()
        .map(|(name, refusal)| (*name, reply(&text, refusal).body))
        .collect();
    let expected = [
        ("bucket", PLEASE),
        ("quota", PLEASE),
        (
            "slots",
            "Too many requests at a time. Please try again after 1 second.",
        ),
        (
            "blocked",
            "Client exceeded sending requests. The client's plan does not allow any.",
        ),
        (
            "uncounted",
            "The request could not be counted. Please try again after 1 second.",
        ),
        (
            "unavailable",
            "Requests cannot be counted for the moment. Please try again after 1 second.",
        ),
        (
            "missing",
            "The request names no client, or none that is known here.",
        ),
        (
            "ambiguous",
            "The request names two different clients in one place.",
        ),
    ];
    assert_eq!(
        sentences,
        expected.map(|(name, text)| (name, text.to_owned()))
    );
}

#[test]
fn openais_errors() {
    for (name, refusal) in refusals() {
        let (status, kind, code) = match name {
            "bucket" | "slots" | "uncounted" => (429, "requests", Some("rate_limit_exceeded")),
            "quota" | "blocked" => (429, "insufficient_quota", Some("insufficient_quota")),
            "missing" => (401, "invalid_request_error", Some("invalid_api_key")),
            "ambiguous" => (400, "invalid_request_error", None),
            _ => (503, "server_error", None),
        };
        let text = reply(&feedback(r#"{"body": "text"}"#), &refusal).body;
        let error = json!({"message": text, "type": kind, "param": null, "code": code});
        let expected = ("application/json".into(), status, json!({ "error": error }));
        assert_eq!(body_of("openai", &refusal), expected, "{name}");
    }
}

#[test]
fn anthropics_errors() {
    for (name, refusal) in refusals() {
        let (status, kind) = match name {
            "missing" => (401, "authentication_error"),
            "ambiguous" => (400, "invalid_request_error"),
            "unavailable" => (503, "overloaded_error"),
            _ => (429, "rate_limit_error"),
        };
        let text = reply(&feedback(r#"{"body": "text"}"#), &refusal).body;
        let error = json!({"type": "error", "error": {"type": kind, "message": text}});
        let expected = ("application/json".into(), status, error);
        assert_eq!(body_of("anthropic", &refusal), expected, "{name}");
    }
}

#[test]
fn problems() {
    const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";
    for (name, refusal) in refusals() {
        let (kind, status, problem) = body_of("problem", &refusal);
        assert_eq!(kind, "application/problem+json");
        let (violated, expected) = match name {
            "bucket" | "quota" | "slots" | "blocked" => (json!(["l"]), QUOTA_EXCEEDED),
            _ => (Value::Null, "about:blank"),
        };
        assert_eq!(problem["type"], expected, "{name}");
        assert_eq!(problem["violated-policies"], violated, "{name}");
        assert_eq!(problem["status"], status);
        let title = match status {
            429 => "Too Many Requests",
            503 => "Service Unavailable",
            401 => "Unauthorized",
            _ => "Bad Request",
        };
        assert_eq!(problem["title"], title);
    }
}

/// Of a denial, and of what could not be counted: the rest is no matter of
/// limits.
#[test]
fn the_operators_status() {
    for body in ["problem", "text", "openai", "anthropic"] {
        let chosen = feedback(&format!(r#"{{"status": 529, "body": "{body}"}}"#));
        for (name, refusal) in refusals() {
            let expected = match name {
                "missing" => 401,
                "ambiguous" => 400,
                "unavailable" => 503,
                _ => 529,
            };
            let reply = reply(&chosen, &refusal);
            assert_eq!(reply.status, expected, "{name}");
            if body == "problem" {
                let problem: Value = serde_json::from_str(&reply.body).unwrap();
                assert_eq!(problem["status"], expected, "{name}");
                // The phrase of 529 is nobody's; the type's own title stays.
                let title = match name {
                    "uncounted" => Value::Null,
                    "missing" => json!("Unauthorized"),
                    "ambiguous" => json!("Bad Request"),
                    "unavailable" => json!("Service Unavailable"),
                    _ => json!("Too Many Requests"),
                };
                assert_eq!(problem["title"], title, "{name}");
            }
        }
    }
}
