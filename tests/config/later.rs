//! What later versions bring is refused, never ignored.

use crate::{errors, with_limit, with_routes, with_source, with_top};

#[track_caller]
fn not_yet(json: &str, path: &str) {
    let expected = format!("{path}: not supported yet");
    assert!(
        errors(json).contains(&expected),
        "{json}: {:?}",
        errors(json)
    );
}

#[test]
fn fields_of_later_versions_are_refused() {
    for unit in ["tokens", "input_tokens", "output_tokens"] {
        let json = with_limit(&format!(r#""rate": "1/m", "unit": "{unit}""#));
        not_yet(&json, &format!(r#"limits.rpm.unit = "{unit}""#));
    }
    not_yet(&with_source(r#"{"body": "model"}"#), "client_from[0].body");
    let tokens = r#"[{"match": {}, "limits": [], "tokens": {}}]"#;
    not_yet(&with_routes(tokens), "routes[0].tokens");
    let model = r#"[{"match": {"model": "gpt-*"}, "limits": []}, {"match": {}, "limits": []}]"#;
    not_yet(&with_routes(model), "routes[0].match.model");
    not_yet(
        &with_top(r#""clients": {"body:gpt": {}}"#),
        "clients (entry 1)",
    );
}

#[test]
fn what_is_the_default_may_be_said() {
    let said = r#""rate": "1/m", "unit": "requests", "mode": "enforce", "scope": "local""#;
    assert_eq!(errors(&with_limit(said)), [""; 0]);
}
