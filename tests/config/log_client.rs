//! Whether the access log is told who calls.

use tollgate::config::Config;

use crate::errors::only;
use crate::{errors, with_top};

const OWN: &str = r#""limits": {"rpm": {"rate": "9/s", "client_from": [{"ip": {}}]}}"#;

#[test]
fn it_is_asked_for() {
    for (fields, expected) in [
        (r#""max_entries": 1"#, false),
        (r#""log_client": false"#, false),
        (r#""log_client": true"#, true),
    ] {
        let config = Config::parse(with_top(fields).as_bytes()).unwrap();
        assert_eq!(config.log_client, expected, "{fields}");
        assert_eq!(config.warnings, []);
    }
    let without = format!(r#"{{{OWN}, "log_client": false}}"#);
    assert!(!Config::parse(without.as_bytes()).unwrap().log_client);
}

#[test]
fn wrong_values() {
    for found in ["5", "null", "\"yes\"", "\"true\""] {
        let expected = format!("log_client: expected true or false, found {found}");
        only(&with_top(&format!(r#""log_client": {found}"#)), &expected);
    }
}

/// The sources of single limits say whom these count, and nobody who calls.
#[test]
fn without_sources_at_the_top_there_is_nobody_to_log() {
    only(
        &format!(r#"{{{OWN}, "log_client": true}}"#),
        "log_client: expected \"client_from\" at the top, which says who the client is, found true",
    );
    // What is wrong already is said once.
    for wrong in [
        r#"{"limits": {"rpm": {"rate": "9/s"}}, "log_client": true}"#,
        r#"{"client_from": 5, "limits": {"rpm": {"rate": "9/s"}}, "log_client": true}"#,
        r#"{"client_from": [{"ip": {}}], "log_client": true}"#,
    ] {
        let found = errors(wrong);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(!found[0].starts_with("log_client"), "{found:?}");
    }
}
