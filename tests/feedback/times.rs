//! The forms of times: rounded up, so that nobody comes back too early.

use proptest::prelude::*;
use tollgate::feedback::Feedback;
use tollgate::limit::Standings;

use crate::{feedback, limit, standing, SECOND};

const MILLI: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// The one header of this name, for a limit that is full again after `reset`.
fn told(feedback: &Feedback, name: &str, wall: Option<u64>, reset: u64) -> Option<String> {
    let standing = standing(&limit(r#""rate": "15/m""#), 0, reset);
    let standings = Standings::with(standing);
    let mut told = None;
    feedback.show(&standings, "", wall, |other, value| {
        if other == name {
            told = value.map(ToOwned::to_owned);
        }
    });
    told
}

fn go_duration(reset: u64) -> String {
    let openai = feedback(r#"{"headers": ["openai"]}"#);
    told(&openai, "x-ratelimit-reset-requests", None, reset).unwrap()
}

fn rfc3339(wall: u64, reset: u64) -> Option<String> {
    let anthropic = feedback(r#"{"headers": ["anthropic"]}"#);
    let name = "anthropic-ratelimit-requests-reset";
    told(&anthropic, name, Some(wall), reset)
}

#[test]
fn openais_durations() {
    for (reset, expected) in [
        (0, "1ms"),
        (1, "1ms"),
        (17 * MILLI, "17ms"),
        (17 * MILLI + 1, "18ms"),
        (999 * MILLI, "999ms"),
        (999 * MILLI + 1, "1s"),
        (SECOND, "1s"),
        (SECOND + 1, "2s"),
        (59 * SECOND + 1, "1m0s"),
        (6 * MINUTE, "6m0s"),
        (6 * MINUTE + 5 * SECOND, "6m5s"),
        (HOUR - 1, "1h0m0s"),
        (HOUR + 1, "1h0m1s"),
        (25 * HOUR + 61 * SECOND, "25h1m1s"),
        (u64::MAX, "5124095h34m34s"),
    ] {
        assert_eq!(go_duration(reset), expected, "{reset}");
    }
}

#[test]
fn anthropics_times() {
    let new_year = 1_767_225_600 * SECOND;
    for (wall, reset, expected) in [
        (0, 0, "1970-01-01T00:00:00Z"),
        (0, 1, "1970-01-01T00:00:01Z"),
        (new_year - 1, 1, "2026-01-01T00:00:00Z"),
        (new_year - SECOND, 1, "2026-01-01T00:00:00Z"),
        (new_year - SECOND, SECOND + 1, "2026-01-01T00:00:01Z"),
        (
            1_709_164_800 * SECOND,
            86_399 * SECOND,
            "2024-02-29T23:59:59Z",
        ),
        (u64::MAX, u64::MAX, "2554-07-21T23:34:34Z"),
    ] {
        assert_eq!(rfc3339(wall, reset).as_deref(), Some(expected));
    }
}

/// Where the clock cannot be read.
#[test]
fn a_time_that_nobody_knows_is_not_told() {
    let anthropic = feedback(r#"{"headers": ["anthropic"]}"#);
    let name = "anthropic-ratelimit-requests-reset";
    assert_eq!(told(&anthropic, name, None, SECOND), None);
    let name = "anthropic-ratelimit-requests-limit";
    assert_eq!(told(&anthropic, name, None, SECOND).as_deref(), Some("15"));
}

#[test]
fn only_anthropics_dialect_needs_the_wall_clock() {
    let others = r#"{"headers": ["ratelimit", "x-ratelimit", "openai"]}"#;
    assert!(!feedback(others).tells_wall_time());
    assert!(feedback(r#"{"headers": ["anthropic"]}"#).tells_wall_time());
}

/// The next moment counts as one second, and no `t` is 0.
#[test]
fn whole_seconds_are_at_least_one() {
    let plain = feedback(r#"{"headers": ["ratelimit", "x-ratelimit"]}"#);
    for (reset, expected) in [(0, 1), (1, 1), (SECOND, 1), (SECOND + 1, 2)] {
        let item = told(&plain, "ratelimit", None, reset).unwrap();
        assert_eq!(item, format!(r#""l";r=0;t={expected}"#));
        let x = told(&plain, "x-ratelimit-reset", None, reset).unwrap();
        assert_eq!(x, expected.to_string());
    }
}

/// Go's own reading of a duration, as far as these go.
fn parse_go(text: &str) -> u64 {
    let mut rest = text;
    let mut nanos = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap();
        let (number, unit) = rest.split_at(end);
        let end = unit.find(|c: char| c.is_ascii_digit());
        let (unit, after) = unit.split_at(end.unwrap_or(unit.len()));
        let each = match unit {
            "h" => HOUR,
            "m" => MINUTE,
            "s" => SECOND,
            "ms" => MILLI,
            other => panic!("{other}"),
        };
        nanos += number.parse::<u64>().unwrap() * each;
        rest = after;
    }
    nanos
}

proptest! {
    #[test]
    fn durations_are_never_early_and_at_most_a_second_late(reset in 0..20_000 * HOUR) {
        let told = parse_go(&go_duration(reset));
        prop_assert!(told >= reset);
        let late = told - reset;
        let most = if reset < 999 * MILLI { MILLI + 1 } else { SECOND };
        prop_assert!(late < most, "{} too late", late);
    }

    #[test]
    fn times_are_never_early_and_less_than_a_second_late(
        wall in 0..u64::MAX / 2,
        reset in 0..u64::MAX / 4,
    ) {
        let told = rfc3339(wall, reset).unwrap();
        let parsed = parse_rfc3339(&told).unwrap();
        let exact = i128::from(wall) + i128::from(reset);
        let late = i128::from(parsed) * i128::from(SECOND) - exact;
        prop_assert!((0..i128::from(SECOND)).contains(&late), "{told}: {late}");
    }
}

/// Seconds since 1970 by counting days, another way than the code's.
fn parse_rfc3339(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    for (at, separator) in [
        (4, "-"),
        (7, "-"),
        (10, "T"),
        (13, ":"),
        (16, ":"),
        (19, "Z"),
    ] {
        if text.get(at..=at)? != separator {
            return None;
        }
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut days: i64 = (1970..year)
        .map(|year| if leap(year) { 366 } else { 365 })
        .sum();
    let february = if leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    days += months[..usize::try_from(month - 1).ok()?]
        .iter()
        .sum::<i64>()
        + day
        - 1;
    let time = number(11, 13)? * 3_600 + number(14, 16)? * 60 + number(17, 19)?;
    (text.len() == 20).then_some(days * 86_400 + time)
}
