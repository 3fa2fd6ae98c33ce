//! A new configuration neither refills nor freezes anybody.

use std::time::Duration;

use crate::host::{Gateway, Request};

fn config(limit: &str) -> String {
    format!(r#"{{"client_from": [{{"header": "x-api-key"}}], "limits": {{"l": {limit}}}}}"#)
}

/// What a client has left of 100 after spending `spent` and a reload.
fn left_after(spent: u32, limit: &str) -> String {
    let mut gateway = Gateway::start(&config(r#"{"rate": "100/h"}"#)).unwrap();
    for _ in 0..spent {
        assert!(gateway.send(&Request::of("a")).passed());
    }
    gateway.update(&config(limit)).unwrap();
    let answer = gateway.send(&Request::of("a"));
    answer.header("ratelimit").unwrap().to_owned()
}

#[test]
fn units_spent_survive_a_new_rate_or_burst() {
    // The probe itself takes one unit.
    assert!(left_after(100, r#"{"rate": "10000/h"}"#).starts_with(r#""l";r=9899;"#));
    assert!(left_after(100, r#"{"rate": "100/h", "burst": 10000}"#).starts_with(r#""l";r=9899;"#));
    assert!(left_after(40, r#"{"rate": "7/s", "burst": 100}"#).starts_with(r#""l";r=59;"#));
    assert!(left_after(40, r#"{"rate": "100/d", "burst": 41}"#).starts_with(r#""l";r=0;"#));
    assert!(left_after(40, r#"{"rate": "100/h", "scope": "local"}"#).starts_with(r#""l";r=59;"#));
}

#[test]
fn a_smaller_bucket_freezes_nobody_beyond_its_own_size() {
    let empty = left_after(100, r#"{"rate": "10/10s"}"#);
    assert_eq!(empty, r#""l";r=0;t=1"#);
    let empty = left_after(100, r#"{"rate": "100/h", "burst": 1}"#);
    assert_eq!(empty, r#""l";r=0;t=36"#);
}

/// Told to come back in so many seconds, a client was denied again: what it had spent
/// still refilled at the old rate, and from beyond the new bucket's size.
#[test]
fn waiting_as_told_is_enough_after_a_reload() {
    for (before, after, wait) in [
        (
            r#"{"rate": "100/s"}"#,
            r#"{"rate": "100/s", "burst": 1}"#,
            1,
        ),
        (
            r#"{"rate": "10/h"}"#,
            r#"{"rate": "600/h", "burst": 10}"#,
            6,
        ),
        (
            r#"{"rate": "60/m", "burst": 90}"#,
            r#"{"rate": "60/m", "burst": 2}"#,
            1,
        ),
    ] {
        let mut gateway = Gateway::start(&config(before)).unwrap();
        while gateway.send(&Request::of("a")).passed() {}
        gateway.update(&config(after)).unwrap();
        let denied = gateway.send(&Request::of("a"));
        let told = denied.header("retry-after").map(str::to_owned);
        assert_eq!(told, Some(wait.to_string()), "{after}");
        gateway.advance(Duration::from_secs(wait));
        assert!(gateway.send(&Request::of("a")).passed(), "{after}");
    }
}

#[test]
fn the_same_configuration_again_changes_nothing() {
    assert_eq!(left_after(3, r#"{"rate": "100/h"}"#), r#""l";r=96;t=144"#);
}

#[test]
fn other_clients_sources_start_afresh() {
    let other = r#"{"rate": "100/h", "client_from": [{"header": "x-api-key"}, {"ip": {}}]}"#;
    assert!(left_after(50, other).starts_with(r#""l";r=99;"#));
    let same = r#"{"rate": "100/h", "client_from": [{"header": "x-api-key"}]}"#;
    assert!(left_after(50, same).starts_with(r#""l";r=49;"#));
}

#[test]
fn another_table_size_or_namespace_starts_afresh() {
    for change in [r#""max_entries": 1000"#, r#""namespace": "other""#] {
        let mut gateway = Gateway::start(&config(r#"{"rate": "1/d"}"#)).unwrap();
        assert!(gateway.send(&Request::of("a")).passed());
        let changed = config(r#"{"rate": "1/d"}"#).replacen('{', &format!("{{{change},"), 1);
        gateway.update(&changed).unwrap();
        assert!(gateway.send(&Request::of("a")).passed(), "{change}");
    }
}

/// A page of one size of table is none of another's, also under the same index:
/// workers that have the new size and those that still have the old one would
/// give each other's entries up.
#[test]
fn tables_of_two_sizes_share_no_page() {
    let sized = |entries: u32| {
        let size = format!(r#"{{"max_entries": {entries},"#);
        config(r#"{"rate": "1/d"}"#).replacen('{', &size, 1)
    };
    let mut gateway = Gateway::start(&sized(1)).unwrap();
    let all_pass = |gateway: &Gateway| {
        (0..64).all(|client| gateway.send(&Request::of(&client.to_string())).passed())
    };
    assert!(all_pass(&gateway));
    // Two pages, so that half of the clients have the old one's index again.
    gateway.update(&sized(129)).unwrap();
    assert!(all_pass(&gateway), "a client of the old table was found");
    assert_eq!(gateway.store().pages().len(), 1 + 2);
}

#[test]
fn a_refused_update_says_why_and_the_old_configuration_goes_on() {
    let mut gateway = Gateway::start(&config(r#"{"rate": "1/d"}"#)).unwrap();
    assert!(gateway.send(&Request::of("a")).passed());
    let log = gateway
        .update(&config(r#"{"rate": "0/d", "burst": 0}"#))
        .unwrap_err();
    assert_eq!(
        log,
        [
            "configuration refused: limits.l.rate: expected a rate, such as \"10/s\", \"100/m\", \"1000/h\", \"5000/d\" or \"100/30s\", found \"0/d\"",
            "configuration refused: limits.l.burst: expected a whole number of at least 1, found 0",
        ]
    );
    assert_eq!(gateway.send(&Request::of("a")).status, 429);
    gateway.advance(Duration::from_secs(86_400));
    assert!(gateway.send(&Request::of("a")).passed());
}

#[test]
fn no_configuration_at_all_is_refused() {
    let Err(log) = Gateway::start("") else {
        panic!("started")
    };
    assert_eq!(
        log,
        ["configuration refused: configuration: expected a JSON object, found nothing"]
    );
}
