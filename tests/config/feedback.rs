//! `feedback`, at the top and on a route.

use std::num::NonZeroU64;

use tollgate::config::Config;
use tollgate::feedback::{Body, Dialect, Feedback};

use crate::errors::only;
use crate::{errors, with_routes, with_top};

const DURATION: &str = r#"a duration, such as "30s" or "5m""#;

/// What is wrong with these fields, at the top and on a route alike.
#[test]
fn errors_say_what_is_allowed() {
    for (fields, expected) in [
        (r#""headers": ["ratelimt"]"#, ".headers[0]: expected \"ratelimit\", \"x-ratelimit\", \"openai\" or \"anthropic\", found \"ratelimt\""),
        (r#""headers": ["openai", "openai"]"#, ".headers[1]: expected each dialect once, found \"openai\""),
        (r#""headers": "openai""#, ".headers: expected a list of header dialects, or [] for none, found \"openai\""),
        (r#""body": "html""#, ".body: expected \"problem\", \"text\", \"openai\" or \"anthropic\", found \"html\""),
        (r#""body": null"#, ".body: expected \"problem\", \"text\", \"openai\" or \"anthropic\", found null"),
        (r#""status": 399"#, ".status: expected a whole number from 400 to 599, found 399"),
        (r#""status": 600"#, ".status: expected a whole number from 400 to 599, found 600"),
        (r#""status": "429""#, ".status: expected a whole number from 400 to 599, found \"429\""),
        (r#""long_wait": "0s""#, &format!(".long_wait: expected {DURATION}, found \"0s\"")),
        (r#""long_wait": 60"#, &format!(".long_wait: expected {DURATION}, found 60")),
        (r#""long_wait": "99999999999999d""#, &format!(".long_wait: expected {DURATION}, found \"99999999999999d\"")),
        (r#""header": []"#, ": expected only the fields \"headers\", \"body\", \"status\", \"long_wait\", found an unknown field \"header\""),
    ] {
        only(
            &with_top(&format!(r#""feedback": {{{fields}}}"#)),
            &format!("feedback{expected}"),
        );
        let routes = format!(r#"[{{"match": {{}}, "limits": [], "feedback": {{{fields}}}}}]"#);
        only(&with_routes(&routes), &format!("routes[0].feedback{expected}"));
    }
    let expected = "feedback: expected an object, such as {\"headers\": [\"ratelimit\"]}, found []";
    only(
        &with_top(r#""feedback": []"#),
        &expected.replace("[]", "a list"),
    );
}

/// A route is read to its end although what it is laid over is wrong.
#[test]
fn errors_at_the_top_hide_none_of_a_route() {
    let found = errors(&with_top(
        r#""feedback": {"status": 1, "body": 2},
           "routes": [{"match": {"prefix": "/a"}, "limits": [], "feedback": {"long_wait": 3}},
                      {"match": {}, "limits": ["rmp"]}]"#,
    ));
    let paths: Vec<&str> = found
        .iter()
        .map(|error| error.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        paths,
        [
            "feedback.body",
            "feedback.status",
            "routes[0].feedback.long_wait",
            "routes[1].limits[0]"
        ]
    );
}

fn parse(json: &str) -> Config {
    Config::parse(json.as_bytes()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

#[test]
fn the_defaults() {
    let default = Feedback {
        dialects: vec![Dialect::RateLimit],
        body: Body::Problem,
        status: 429,
        long_wait: NonZeroU64::new(60_000_000_000).unwrap(),
    };
    for fields in [r#""max_entries": 1"#, r#""feedback": {}"#] {
        let config = parse(&with_top(fields));
        assert_eq!(*config.feedback, default);
        assert_eq!(*config.routes.last().feedback, default);
    }
}

#[test]
fn a_routes_fields_are_laid_over_those_at_the_top() {
    let config = parse(&with_top(
        r#""feedback": {"headers": ["openai"], "body": "openai", "status": 503, "long_wait": "5m"},
           "routes": [
             {"match": {"prefix": "/a"}, "limits": [], "feedback": {"headers": [], "status": 4.3e2}},
             {"match": {"prefix": "/b"}, "limits": [], "feedback": {"body": "anthropic", "long_wait": "1s"}},
             {"match": {}, "limits": []}]"#,
    ));
    let top = &*config.feedback;
    assert_eq!(
        *top,
        Feedback {
            dialects: vec![Dialect::OpenAi],
            body: Body::OpenAi,
            status: 503,
            long_wait: NonZeroU64::new(300_000_000_000).unwrap(),
        }
    );
    let routes: Vec<&Feedback> = config.routes.iter().map(|route| &*route.feedback).collect();
    let expected = [
        Feedback {
            dialects: vec![],
            status: 430,
            ..top.clone()
        },
        Feedback {
            body: Body::Anthropic,
            long_wait: NonZeroU64::new(1_000_000_000).unwrap(),
            ..top.clone()
        },
        top.clone(),
    ];
    assert_eq!(routes, expected.iter().collect::<Vec<_>>());
}
