//! What a denial says of the wait, which is what the libraries of clients act
//! on.

use tollgate::feedback::{Refusal, Reply};

use crate::{blocked, denial, feedback, header, limit, reply, SECOND};

fn told(reply: &Reply) -> [Option<&str>; 3] {
    ["retry-after", "retry-after-ms", "x-should-retry"].map(|name| header(reply, name))
}

fn denied(fields: &str, wait: Option<u64>) -> Reply {
    let limit = limit(r#""rate": "15/m""#);
    reply(&feedback(fields), &denial(&limit, wait))
}

#[test]
fn waits_are_rounded_up_and_long_ones_not_to_be_sat_out() {
    for (wait, expected) in [
        (1, [Some("1"), Some("1"), None]),
        (1_500_000_000, [Some("2"), Some("1500"), None]),
        (60 * SECOND, [Some("60"), Some("60000"), None]),
        (60 * SECOND + 1, [Some("61"), None, Some("false")]),
        (86_400 * SECOND, [Some("86400"), None, Some("false")]),
    ] {
        assert_eq!(told(&denied("{}", Some(wait))), expected, "{wait}");
    }
}

#[test]
fn the_operator_says_what_is_long() {
    let short = r#"{"long_wait": "500ms"}"#;
    assert_eq!(
        told(&denied(short, Some(500_000_000))),
        [Some("1"), Some("500"), None]
    );
    assert_eq!(
        told(&denied(short, Some(500_000_001))),
        [Some("1"), Some("501"), Some("false")]
    );
    assert_eq!(
        told(&reply(&feedback(short), &Refusal::Uncounted)),
        [Some("1"), Some("1000"), Some("false")]
    );
    let hour = r#"{"long_wait": "1h"}"#;
    assert_eq!(
        told(&denied(hour, Some(3_600 * SECOND))),
        [Some("3600"), None, None]
    );
}

/// No time will come at which the request passes.
#[test]
fn a_plan_that_allows_nothing_is_not_waited_for() {
    for fields in ["{}", r#"{"long_wait": "1d"}"#] {
        let denied = reply(&feedback(fields), &denial(&blocked(), None));
        assert_eq!(told(&denied), [None, None, Some("false")]);
        assert_eq!(header(&denied, "x-envoy-ratelimited"), Some("true"));
        assert_eq!((denied.status, &*denied.state), (429, "denied:l"));
    }
}

#[test]
fn a_slot_may_be_free_in_a_second() {
    let at_once = limit(r#""concurrency": 4"#);
    let denied = reply(&feedback("{}"), &denial(&at_once, Some(SECOND)));
    assert_eq!(told(&denied), [Some("1"), Some("1000"), None]);
}

#[test]
fn only_what_may_pass_later_says_when() {
    let scheme = "Bearer".to_owned();
    for refusal in [Refusal::MissingClient { scheme }, Refusal::AmbiguousClient] {
        let reply = reply(&feedback("{}"), &refusal);
        assert_eq!(told(&reply), [None; 3]);
        assert_eq!(header(&reply, "x-envoy-ratelimited"), None);
    }
    let unavailable = reply(&feedback("{}"), &Refusal::Unavailable);
    assert_eq!(told(&unavailable), [Some("1"), Some("1000"), None]);
    assert_eq!(header(&unavailable, "x-envoy-ratelimited"), None);
}
