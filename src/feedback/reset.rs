//! The forms in which dialects tell when units come back. Every one is rounded
//! up, and none says *now*: a client would read 0 as no answer.

use time::UtcDateTime;

use super::{millis, seconds};

/// Whole seconds: `20`.
pub(super) fn in_seconds(reset: u64) -> u64 {
    seconds(reset).max(1)
}

/// A duration as Go prints it and OpenAI sends it: `17ms`, `1s`, `6m0s`,
/// `1h0m0s`. From a second on, in whole seconds.
pub(super) fn go_duration(reset: u64) -> String {
    let mut text = String::with_capacity(LONGEST);
    let millis = millis(reset).max(1);
    if millis < 1_000 {
        push(&mut text, millis);
        text.push_str("ms");
        return text;
    }
    let seconds = seconds(reset);
    if seconds >= 3_600 {
        push(&mut text, seconds / 3_600);
        text.push('h');
    }
    if seconds >= 60 {
        push(&mut text, seconds / 60 % 60);
        text.push('m');
    }
    push(&mut text, seconds % 60);
    text.push('s');
    text
}

/// The time, so long after `wall`, as RFC 3339 writes it and Anthropic sends it:
/// `2026-01-31T23:59:59Z`. `None` after the year 9999, which no clock of
/// nanoseconds in 64 bits shows.
pub(super) fn rfc3339(wall: u64, reset: u64) -> Option<String> {
    let at = i64::try_from(seconds(wall.saturating_add(reset))).ok()?;
    let at = UtcDateTime::from_unix_timestamp(at).ok()?;
    let mut text = String::with_capacity(LONGEST);
    push(&mut text, u64::try_from(at.year()).ok()?);
    for (separator, part) in [
        ('-', u8::from(at.month())),
        ('-', at.day()),
        ('T', at.hour()),
        (':', at.minute()),
        (':', at.second()),
    ] {
        text.push(separator);
        if part < 10 {
            text.push('0');
        }
        push(&mut text, part.into());
    }
    text.push('Z');
    Some(text)
}

/// Numbers are put into text by hand: this is done for every response, and
/// `format!` takes longer than the decision did.
pub(super) fn push(text: &mut String, number: u64) {
    text.push_str(itoa::Buffer::new().format(number));
}

/// Enough for a time of the calendar, and for as many hours as there are.
const LONGEST: usize = 24;
