//! When Envoy is told what was counted.

use crate::host::{Gateway, Request};

const TEN: &str =
    r#"{"client_from": [{"header": "x-api-key"}], "limits": {"l": {"rate": "10/d"}}}"#;

const ALLOWED: &str = "tollgate.limit.l.allowed";
const DENIED: &str = "tollgate.limit.l.denied";

/// Each call costs a request as much as deciding on it.
#[test]
fn counts_are_told_on_the_tick_which_then_rests() {
    let gateway = Gateway::start(TEN).unwrap();
    assert!(!gateway.tick(), "nothing was counted");
    for _ in 0..12 {
        gateway.send(&Request::of("a"));
    }
    assert_eq!([ALLOWED, DENIED].map(|name| gateway.told(name)), [0, 0]);
    assert!(gateway.tick());
    assert_eq!([ALLOWED, DENIED].map(|name| gateway.told(name)), [10, 2]);
    assert!(!gateway.tick(), "all is told");

    gateway.send(&Request::of("b"));
    assert!(gateway.tick());
    assert_eq!([ALLOWED, DENIED].map(|name| gateway.told(name)), [11, 2]);
}

/// No tick comes any more to a configuration that has ended.
#[test]
fn a_configuration_tells_what_it_has_counted_before_it_ends() {
    let mut gateway = Gateway::start(TEN).unwrap();
    gateway.send(&Request::of("a"));
    gateway.update(TEN).unwrap();
    gateway.drain();
    assert_eq!((gateway.roots(), gateway.told(ALLOWED)), (1, 1));
}
