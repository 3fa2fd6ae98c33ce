//! A listener, and a filter alone, from a file that changes while Envoy runs.

use super::{ask, policy};
use crate::harness::{eventually, Envoy, ModelApi};
use std::time::Duration;

const SECONDS: Duration = Duration::from_secs(20);

/// Another burst where a file has one, and a limit by address that all clients of a test
/// together do not meet.
fn with_burst(burst: &'static str) -> impl Fn(&str) -> String {
    move |text| {
        text.replace(r#""burst": 10"#, &format!(r#""burst": {burst}"#))
            .replace(r#""20/s""#, r#""20000/s""#)
    }
}

/// An update is taken before the last worker has it: asks as others until all answers show it.
fn applied(envoy: &Envoy, quota: &str) {
    let mut others = 0;
    let shown = eventually(SECONDS, || {
        let all = (0..8).all(|_| {
            others += 1;
            let answer = ask(envoy, "/v1/models", &format!("other-{quota}-{others}"));
            policy(&answer).is_some_and(|policy| policy.contains(quota))
        });
        all.then_some(())
    });
    assert!(shown.is_some(), "{quota} never shows\n{}", envoy.log());
}

/// The rest of what a client had when others have asked meanwhile.
fn remaining(envoy: &Envoy) -> u64 {
    let answer = ask(envoy, "/v1/models", "alice");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let item = answer.header("ratelimit").expect("a RateLimit header");
    let rest = item.split_once(r#""rpm";r="#).expect("rpm").1;
    let digits = rest.split(';').next().expect("a field");
    digits.parse().expect("a number")
}

/// Spends six of a bucket that regains one in four seconds; a new burst keeps them spent, and
/// a broken file changes nothing.
fn changes(envoy: &Envoy, file: &str, refused: &str, upstream: u16) {
    for _ in 0..6 {
        assert_eq!(ask(envoy, "/v1/models", "alice").status, 200);
    }
    envoy.replace_file(file, upstream, with_burst("30"));
    applied(envoy, r#""rpm";q=30"#);
    let left = remaining(envoy);
    assert!(
        (23..29).contains(&left),
        "{left} left of 30, though 7 were spent"
    );

    envoy.replace_file(file, upstream, with_burst("0"));
    envoy.until(refused, 1);
    let reason = "limits.rpm.burst: expected a whole number of at least 1, found 0";
    assert!(envoy.log().contains(reason), "{}", envoy.log());
    let old = ask(envoy, "/v1/models", "bob");
    let old = policy(&old).is_some_and(|policy| policy.contains(r#""rpm";q=30"#));
    assert!(old, "the one of before is gone");

    envoy.replace_file(file, upstream, with_burst("40"));
    applied(envoy, r#""rpm";q=40"#);
    envoy.assert_vm_lives();
}

#[test]
fn a_listener_from_a_file_changes_with_it() {
    let api = ModelApi::start();
    let files = ["lds.yaml", "lds-listener.yaml"];
    let envoy = Envoy::start_files(&files, api.port(), with_burst("10"));
    let refused = "listener_manager.lds.update_rejected";
    changes(&envoy, files[1], refused, api.port());
}

#[test]
fn a_filter_from_a_file_changes_with_it_and_no_connection_ends() {
    let api = ModelApi::start();
    let files = ["ecds.yaml", "ecds-filter.yaml"];
    let envoy = Envoy::start_files(&files, api.port(), with_burst("10"));
    let of_filter = "extension_config_discovery.http_filter.tollgate.";
    changes(
        &envoy,
        files[1],
        &format!("{of_filter}update_rejected"),
        api.port(),
    );
    assert_eq!(envoy.stat(&format!("{of_filter}update_success")), 3);
    assert_eq!(envoy.stat("listener_manager.listener_modified"), 0);
}

/// The trap of extension discovery, which the file warns of.
#[test]
fn a_first_filter_that_is_broken_answers_500_until_a_sound_one_comes() {
    let api = ModelApi::start();
    let files = ["ecds.yaml", "ecds-filter.yaml"];
    let envoy = Envoy::start_files(&files, api.port(), with_burst("0"));
    assert_eq!(ask(&envoy, "/v1/models", "alice").status, 500);
    envoy.replace_file(files[1], api.port(), with_burst("10"));
    applied(&envoy, r#""rpm";q=10"#);
}
