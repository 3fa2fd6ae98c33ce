//! What a client is told, as a function of where it stands.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod bodies;
mod dialects;
mod foreign;
mod grpc;
mod times;
mod waits;

use std::num::NonZeroU64;
use std::rc::Rc;

use tollgate::config::Config;
use tollgate::feedback::{Feedback, Protocol, Refusal, Reply};
use tollgate::limit::{Denial, Kind, Limit, Mode, Standing, Standings, Unit};

const SECOND: u64 = 1_000_000_000;

/// 2026-02-28 23:59:10 UTC, ns.
const WALL: u64 = 1_772_323_150 * SECOND;

/// A configuration with these limits and this feedback.
fn config(limits: &str, feedback: &str) -> Config {
    let json = format!(
        r#"{{"client_from": [{{"constant": "a"}}], "limits": {limits}, "feedback": {feedback}}}"#
    );
    Config::parse(json.as_bytes()).unwrap_or_else(|errors| panic!("{json}: {errors:?}"))
}

fn feedback(json: &str) -> Rc<Feedback> {
    config(r#"{"rpm": {"rate": "15/m"}}"#, json).feedback
}

/// A limit with these fields, under the name `l`.
fn limit(fields: &str) -> Rc<Limit> {
    let config = config(&format!(r#"{{"l": {{{fields}}}}}"#), "{}");
    config.limits[0].clone()
}

/// The limit of a plan that allows nothing.
fn blocked() -> Rc<Limit> {
    Rc::new(Limit {
        name: "l".into(),
        index: 0,
        tag: 0,
        mode: Mode::Enforce,
        kind: Kind::Blocked,
    })
}

fn standing(limit: &Rc<Limit>, remaining: u32, reset: u64) -> Standing {
    Standing {
        limit: limit.clone(),
        remaining,
        reset: limit.window().map(|_| reset),
    }
}

/// The denial of one limit that has nothing left.
fn denial(limit: &Rc<Limit>, wait: Option<u64>) -> Refusal {
    let wait = wait.and_then(NonZeroU64::new);
    Refusal::Denied(Box::new(Denial {
        longest: Standing {
            limit: limit.clone(),
            remaining: 0,
            reset: limit.window().and(wait).map(NonZeroU64::get),
        },
        retry_after: wait,
        violated: vec![limit.clone()],
    }))
}

fn reply(feedback: &Feedback, refusal: &Refusal) -> Reply {
    refusal.reply(feedback, Protocol::Http, Some(WALL))
}

fn header<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    let mut values = reply.headers.iter().filter(|(other, _)| *other == name);
    let value = values.next().map(|(_, value)| value.as_str());
    assert!(values.next().is_none(), "{name} is there twice");
    value
}

/// What the response to an allowed request is to show.
fn shown(
    feedback: &Feedback,
    tightest: &Standing,
    requests: Option<&Standing>,
) -> Vec<(&'static str, Option<String>)> {
    let mut standings = Standings::with(tightest.clone());
    requests
        .into_iter()
        .for_each(|other| standings.add(other.clone()));
    let mut shown = Vec::new();
    feedback.show(&standings, "policy", Some(WALL), |name, value| {
        shown.push((name, value.map(ToOwned::to_owned)));
    });
    shown
}

#[test]
fn the_helpers_make_what_they_say() {
    assert_eq!(
        limit(r#""concurrency": 4"#).unit(),
        Unit::ConcurrentRequests
    );
    assert!(limit(r#""quota": 4, "per": "day""#).is_quota());
    assert_eq!(blocked().size(), 0);
}
