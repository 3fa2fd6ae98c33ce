//! What limits allow and deny.

use std::time::Duration;

use crate::host::{Gateway, Request};

const KEYED: &str = r#""client_from": [{"header": "x-api-key"}]"#;

fn gateway(rest: &str) -> Gateway {
    Gateway::start(&format!("{{{KEYED}, {rest}}}")).unwrap()
}

#[test]
fn a_client_gets_its_burst_and_no_more() {
    let gateway = gateway(r#""limits": {"rpm": {"rate": "15/m", "burst": 10}}"#);
    for _ in 0..10 {
        assert!(gateway.send(&Request::of("alice")).passed());
    }
    assert_eq!(gateway.send(&Request::of("alice")).status, 429);
    assert!(gateway.send(&Request::of("bob")).passed());
    assert_eq!(gateway.counter("tollgate.limit.rpm.allowed"), 11);
    assert_eq!(gateway.counter("tollgate.limit.rpm.denied"), 1);
}

#[test]
fn the_burst_defaults_to_the_rates_amount() {
    let gateway = gateway(r#""limits": {"rpm": {"rate": "3/h"}}"#);
    let passed = (0..9).filter(|_| gateway.send(&Request::of("a")).passed());
    assert_eq!(passed.count(), 3);
}

#[test]
fn waiting_as_told_is_enough_and_a_second_less_is_not() {
    for (rate, waited) in [("15/m", 4), ("1/7s", 7), ("100/h", 36), ("7/d", 12_343)] {
        let gateway = gateway(&format!(
            r#""limits": {{"l": {{"rate": "{rate}", "burst": 1}}}}"#
        ));
        assert!(gateway.send(&Request::of("a")).passed());
        let denied = gateway.send(&Request::of("a"));
        assert_eq!(
            denied.header("retry-after").unwrap(),
            waited.to_string(),
            "{rate}"
        );
        gateway.advance(Duration::from_secs(waited - 1));
        assert!(!gateway.send(&Request::of("a")).passed(), "{rate}");
        gateway.advance(Duration::from_secs(1));
        assert!(gateway.send(&Request::of("a")).passed(), "{rate}");
    }
}

#[test]
fn waiting_the_milliseconds_told_is_enough() {
    let gateway = gateway(r#""limits": {"l": {"rate": "3/s", "burst": 1}}"#);
    assert!(gateway.send(&Request::of("a")).passed());
    gateway.advance(Duration::from_micros(100));
    let denied = gateway.send(&Request::of("a"));
    let wait: u64 = denied.header("retry-after-ms").unwrap().parse().unwrap();
    assert_eq!(wait, 334);
    gateway.advance(Duration::from_millis(wait));
    assert!(gateway.send(&Request::of("a")).passed());
}

#[test]
fn a_denied_request_is_charged_to_no_limit_and_writes_nothing() {
    let gateway = gateway(
        r#""limits": {"few": {"rate": "1/d", "burst": 2}, "many": {"rate": "1/d", "burst": 9},
                      "ip": {"rate": "1/d", "burst": 9, "client_from": [{"ip": {}}]}}"#,
    );
    let send = |key: &str| gateway.send(&Request::of(key));
    assert!(send("a").passed() && send("a").passed());
    let writes = gateway.store().writes();
    for _ in 0..100 {
        assert_eq!(send("a").details, "tollgate_few");
    }
    assert_eq!(gateway.store().writes(), writes);
    // The address has 7 left, as if the hundred had never come.
    let passed = (0..9).filter(|n| send(&n.to_string()).passed());
    assert_eq!(passed.count(), 7);
}

#[test]
fn retry_after_is_the_longest_wait_of_all_that_deny() {
    let gateway = gateway(
        r#""limits": {"s": {"rate": "1/10s"}, "h": {"rate": "1/h"},
                      "m": {"rate": "1/m", "client_from": [{"ip": {}}]}}"#,
    );
    assert!(gateway.send(&Request::of("a")).passed());
    let denied = gateway.send(&Request::of("a"));
    assert_eq!(denied.header("retry-after"), Some("3600"));
    assert_eq!(denied.details, "tollgate_h");
    assert!(
        denied.body.contains(r#""violated-policies":["s","h","m"]"#),
        "{}",
        denied.body
    );
    for limit in ["s", "h", "m"] {
        assert_eq!(
            gateway.counter(&format!("tollgate.limit.{limit}.denied")),
            1
        );
    }
}

/// Two limits with one wait: neither is the longest.
#[test]
fn of_equal_waits_the_first_in_the_routes_order_is_told() {
    let gateway = gateway(
        r#""limits": {"x": {"rate": "1/m"}, "y": {"rate": "1/m"},
                      "ip": {"rate": "1/m", "client_from": [{"ip": {}}]}},
           "routes": [{"match": {"path": "/xy"}, "limits": ["x", "y"]},
                      {"match": {"path": "/yx"}, "limits": ["y", "x"]},
                      {"match": {}, "limits": ["ip", "x"]}]"#,
    );
    for (path, told) in [("/xy", "x"), ("/yx", "y"), ("/", "ip")] {
        let request = Request::of(path).with(":path", path);
        assert!(gateway.send(&request).passed());
        let denied = gateway.send(&request);
        assert_eq!(denied.details, format!("tollgate_{told}"), "{path}");
    }
}

/// The key's entries and the address' may lie in one page.
#[test]
fn limits_of_two_clients_in_one_page_both_hold() {
    let gateway = gateway(
        r#""max_entries": 1,
           "limits": {"key": {"rate": "1/d", "burst": 2},
                      "ip": {"rate": "1/d", "burst": 3, "client_from": [{"ip": {}}]}}"#,
    );
    let denied_by = ["a", "a", "a", "b", "c"].map(|key| gateway.send(&Request::of(key)).details);
    assert_eq!(denied_by, ["", "", "tollgate_key", "", "tollgate_ip"]);
}

#[test]
fn a_route_may_cost_more_than_one() {
    let gateway = gateway(
        r#""limits": {"l": {"rate": "1/m", "burst": 10}},
           "routes": [{"match": {"prefix": "/dear"}, "limits": ["l"], "cost": 4},
                      {"match": {}, "limits": ["l"]}]"#,
    );
    let dear = Request::of("a").with(":path", "/dear");
    assert!(gateway.send(&dear).passed() && gateway.send(&dear).passed());
    let denied = gateway.send(&dear);
    assert_eq!(denied.header("ratelimit"), Some(r#""l";r=2;t=120"#));
    assert!(gateway.send(&Request::of("a")).passed());
    gateway.advance(Duration::from_secs(180));
    assert!(gateway.send(&dear).passed());
}

#[test]
fn a_gateway_has_its_share_of_a_shared_limit() {
    let gateway = gateway(
        r#""gateways": 4,
           "limits": {"l": {"rate": "40/m", "burst": 10, "scope": "share"},
                      "one": {"rate": "1000/s", "burst": 3, "scope": "share"}},
           "routes": [{"match": {"prefix": "/one"}, "limits": ["one"]},
                      {"match": {}, "limits": ["l"]}]"#,
    );
    let answer = gateway.send(&Request::of("a"));
    assert_eq!(answer.header("ratelimit-policy"), Some(r#""l";q=2;w=12"#));
    assert_eq!(answer.header("ratelimit"), Some(r#""l";r=1;t=6"#));
    let least = gateway.send(&Request::of("a").with(":path", "/one"));
    assert_eq!(least.header("ratelimit-policy"), Some(r#""one";q=1;w=1"#));
}

#[test]
fn a_limit_with_its_own_clients_skips_a_request_without_one() {
    let gateway = gateway(
        r#""limits": {"key": {"rate": "1/d", "burst": 5},
                      "user": {"rate": "1/d", "burst": 1, "client_from": [{"cookie": "user"}]}}"#,
    );
    let plain = gateway.send(&Request::of("a"));
    assert_eq!(
        plain.header("ratelimit-policy"),
        Some(r#""key";q=5;w=432000"#)
    );
    assert!(gateway.send(&Request::of("a")).passed());
    let user = Request::of("a").header("cookie", "user=u");
    assert!(gateway.send(&user).passed());
    assert_eq!(gateway.send(&user).details, "tollgate_user");
}

/// An interval rounded up made a minute of 7 at 7/m 61 seconds.
#[test]
fn a_rate_that_does_not_divide_takes_no_second_longer() {
    for (rate, cost, seconds) in [
        ("7/m", 7, 60),
        ("3/s", 3, 1),
        ("7/h", 7, 3600),
        ("11/m", 11, 60),
    ] {
        let gateway = gateway(&format!(
            r#""limits": {{"l": {{"rate": "{rate}"}}}},
               "routes": [{{"match": {{}}, "limits": ["l"], "cost": {cost}}}]"#
        ));
        let first = gateway.send(&Request::of("a"));
        let policy = format!(r#""l";q={cost};w={seconds}"#);
        assert_eq!(first.header("ratelimit-policy"), Some(policy.as_str()));
        let denied = gateway.send(&Request::of("a"));
        assert_eq!(
            denied.header("retry-after"),
            Some(seconds.to_string().as_str())
        );
        gateway.advance(Duration::from_secs(seconds));
        assert!(gateway.send(&Request::of("a")).passed(), "{rate}");
    }
}
