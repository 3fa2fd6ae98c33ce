//! The header dialects, each as its readers know it.

use crate::{blocked, denial, feedback, header, limit, reply, shown, standing, SECOND};

/// As `shown`, with every header set.
fn set(shown: Vec<(&'static str, Option<String>)>) -> Vec<(&'static str, String)> {
    let set = |(name, value): (_, Option<String>)| (name, value.expect(name));
    shown.into_iter().map(set).collect()
}

#[track_caller]
fn assert_set(shown: Vec<(&'static str, Option<String>)>, expected: &[(&'static str, &str)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    assert_eq!(set(shown), expected);
}

#[test]
fn all_four_at_once() {
    let all = feedback(r#"{"headers": ["ratelimit", "x-ratelimit", "openai", "anthropic"]}"#);
    let rpm = standing(&limit(r#""rate": "15/m", "burst": 10"#), 5, 50 * SECOND + 1);
    assert_set(
        shown(&all, &rpm, Some(&rpm)),
        &[
            ("ratelimit-policy", "policy"),
            ("ratelimit", r#""l";r=5;t=51"#),
            ("x-ratelimit-limit", "10"),
            ("x-ratelimit-remaining", "5"),
            ("x-ratelimit-reset", "51"),
            ("x-ratelimit-limit-requests", "10"),
            ("x-ratelimit-remaining-requests", "5"),
            ("x-ratelimit-reset-requests", "51s"),
            ("anthropic-ratelimit-requests-limit", "10"),
            ("anthropic-ratelimit-requests-remaining", "5"),
            ("anthropic-ratelimit-requests-reset", "2026-03-01T00:00:01Z"),
        ],
    );
}

/// Their names say *requests*: a limit on requests at one time, or later on
/// tokens, is another matter.
#[test]
fn the_providers_dialects_show_the_tightest_limit_in_requests() {
    let some = feedback(r#"{"headers": ["openai", "x-ratelimit", "anthropic"]}"#);
    let at_once = standing(&limit(r#""concurrency": 4"#), 1, 0);
    let rpm = standing(&limit(r#""rate": "15/m", "burst": 10"#), 5, SECOND);
    let (limit, left) = ("x-ratelimit-limit", "x-ratelimit-remaining");
    let tightest = [
        (limit, Some("4".to_owned())),
        (left, Some("1".to_owned())),
        ("x-ratelimit-reset", None),
    ];
    let mut shown_of_both = shown(&some, &at_once, Some(&rpm));
    let between: Vec<_> = shown_of_both.drain(3..6).collect();
    assert_eq!(between, tightest);
    assert_set(
        shown_of_both,
        &[
            ("x-ratelimit-limit-requests", "10"),
            ("x-ratelimit-remaining-requests", "5"),
            ("x-ratelimit-reset-requests", "1s"),
            ("anthropic-ratelimit-requests-limit", "10"),
            ("anthropic-ratelimit-requests-remaining", "5"),
            ("anthropic-ratelimit-requests-reset", "2026-02-28T23:59:11Z"),
        ],
    );
    assert_eq!(shown(&some, &at_once, None), tightest);
}

/// An upstream's own reset would belong to the operator's account.
#[test]
fn a_reset_that_there_is_not_is_removed() {
    let x = feedback(r#"{"headers": ["x-ratelimit"]}"#);
    let at_once = standing(&limit(r#""concurrency": 4"#), 1, 0);
    assert_eq!(
        shown(&x, &at_once, None),
        [
            ("x-ratelimit-limit", Some("4".to_owned())),
            ("x-ratelimit-remaining", Some("1".to_owned())),
            ("x-ratelimit-reset", None),
        ]
    );
}

#[test]
fn a_denial_shows_the_limit_that_denied_if_it_is_in_requests() {
    let all = feedback(r#"{"headers": ["ratelimit", "x-ratelimit", "openai", "anthropic"]}"#);
    let denied = reply(&all, &denial(&limit(r#""rate": "1/m""#), Some(30 * SECOND)));
    for (name, value) in [
        ("ratelimit-policy", r#""l";q=1;w=60"#),
        ("ratelimit", r#""l";r=0;t=30"#),
        ("x-ratelimit-reset", "30"),
        ("x-ratelimit-limit-requests", "1"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "30s"),
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "2026-02-28T23:59:40Z"),
    ] {
        assert_eq!(header(&denied, name), Some(value), "{name}");
    }
    let denied = reply(&all, &denial(&limit(r#""concurrency": 4"#), Some(SECOND)));
    for (name, value) in [
        (
            "ratelimit-policy",
            Some(r#""l";q=4;qu="concurrent-requests""#),
        ),
        ("ratelimit", Some(r#""l";r=0"#)),
        ("x-ratelimit-limit", Some("4")),
        ("x-ratelimit-reset", None),
        ("x-ratelimit-limit-requests", None),
        ("x-ratelimit-remaining-requests", None),
        ("x-ratelimit-reset-requests", None),
        ("anthropic-ratelimit-requests-limit", None),
        ("anthropic-ratelimit-requests-remaining", None),
        ("anthropic-ratelimit-requests-reset", None),
    ] {
        assert_eq!(header(&denied, name), value, "{name}");
    }
    let denied = reply(&all, &denial(&blocked(), None));
    for (name, value) in [
        ("ratelimit-policy", Some(r#""l";q=0"#)),
        ("ratelimit", Some(r#""l";r=0"#)),
        ("x-ratelimit-limit", Some("0")),
        ("x-ratelimit-limit-requests", Some("0")),
        ("x-ratelimit-reset-requests", None),
        ("anthropic-ratelimit-requests-remaining", Some("0")),
        ("anthropic-ratelimit-requests-reset", None),
    ] {
        assert_eq!(header(&denied, name), value, "{name}");
    }
}
