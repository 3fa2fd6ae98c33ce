//! An entry of a page, as it stands in shared data: 24 bytes, little endian.
//!
//! | kind   | `time`                                     | `rest`, below its tag         |
//! |--------|--------------------------------------------|-------------------------------|
//! | bucket | theoretical arrival time, ns               | emission interval, ns         |
//! | quota  | start of the period, s: 35 bits; length: 29 | units used                    |
//! | slots  | when those of this generation are gone, ns | timeout, s: 21 bits; current, previous: 20 bits each |
//! | denial | until when, ns                             | cost: 32 bits; said at, s: 29 |
//! | look   | until when it is fresh, ns                 | known: 1 bit; reset, s: 28; remaining: 32 |
//!
//! The tag is the top three bits of `rest`. An entry is never more than its
//! client has to say for itself: which of them is free again, and which one is
//! given up first, shows without the limit it belongs to.

use std::num::NonZeroU64;

use zerocopy::little_endian::U64;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::denial::Denial;
use super::look::Look;
use super::Fingerprint;
use crate::limit::{BucketState, Now, QuotaState, SlotState, State};

/// The bytes of an entry. Whoever changes them changes the version in the
/// pages' keys with it.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct StoredEntry {
    fingerprint: U64,
    time: U64,
    rest: U64,
}

/// What an entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// What its client has spent of the limit.
    Spent(State),
    /// Redis' last denial.
    Denial(Denial),
    /// What Redis was last seen to have.
    Look(Look),
}

/// How much is lost with an entry: the less, the sooner it is given up. What
/// Redis has said only saves calls, and a held slot would be missed until it
/// comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    Cache,
    /// Units, and not the time that brings them back: a slow limit's fresh
    /// buckets would crowd out a fast limit's empty ones.
    Units(u64),
    Slots(u32),
}

const BUCKET: u64 = 0;
const QUOTA: u64 = 1;
const SLOTS: u64 = 2;
const DENIAL: u64 = 3;
const LOOK: u64 = 4;

/// Bits of `rest` below the tag.
const REST: u32 = 61;
/// Bits of a period's length: seventeen years.
const LENGTH: u32 = 29;
/// Bits of a count of slots.
const COUNT: u32 = 20;
/// Bits of the time at which a denial was said.
pub(super) const SAID_AT: u32 = 29;
/// Bits of a number of units.
const UNITS: u32 = 32;
/// Bits of a reset: eight years.
const RESET: u32 = 28;
/// Added to a period's start, s: one that holds 1970 may begin before it.
const BEFORE_1970: i64 = 1 << LENGTH;

const NANOS: u64 = 1_000_000_000;

// === impl StoredEntry ===

impl StoredEntry {
    pub(super) fn new(fingerprint: Fingerprint, content: Content) -> Self {
        let (time, tag, rest) = encode(content);
        Self {
            fingerprint: fingerprint.get().into(),
            time: time.into(),
            rest: (tag << REST | at_most(rest, REST)).into(),
        }
    }

    pub(super) fn is(&self, fingerprint: Fingerprint) -> bool {
        self.fingerprint == U64::new(fingerprint.get())
    }

    /// `None` for what no version of this filter has written.
    pub(super) fn content(&self) -> Option<Content> {
        decode(self.time.get(), self.rest.get())
    }

    /// Whether it says no more than no entry does.
    pub(super) fn is_free(&self, now: Now) -> bool {
        match self.content() {
            None => true,
            Some(Content::Spent(State::Bucket(bucket))) => bucket.tat <= now.monotonic,
            Some(Content::Spent(State::Quota(quota))) => {
                quota.used == 0 || quota.end <= whole_seconds(now.wall)
            }
            Some(Content::Spent(State::Slots(slots))) => {
                slots.held() == 0 || slots.gone_at <= now.monotonic
            }
            Some(Content::Denial(denial)) => denial.until <= now.monotonic,
            Some(Content::Look(look)) => look.until <= now.monotonic,
        }
    }

    pub(super) fn weight(&self, now: Now) -> Weight {
        match self.content() {
            None | Some(Content::Denial(_) | Content::Look(_)) => Weight::Cache,
            Some(Content::Spent(State::Bucket(bucket))) => {
                let ahead = bucket.tat.saturating_sub(now.monotonic);
                Weight::Units(ahead / bucket.interval)
            }
            // No limit of this configuration: an earlier one's, and nobody reads the
            // clock that ends its period.
            Some(Content::Spent(State::Quota(_))) if now.wall == 0 => Weight::Cache,
            Some(Content::Spent(State::Quota(quota))) => Weight::Units(quota.used),
            Some(Content::Spent(State::Slots(slots))) => Weight::Slots(slots.held()),
        }
    }
}

/// Time, tag and rest.
fn encode(content: Content) -> (u64, u64, u64) {
    match content {
        Content::Spent(State::Bucket(bucket)) => (bucket.tat, BUCKET, bucket.interval.get()),
        Content::Spent(State::Quota(quota)) => {
            let start = quota.start.saturating_add(BEFORE_1970);
            let length = quota.end.saturating_sub(quota.start);
            let time = pair(natural(start), natural(length), LENGTH);
            (time, QUOTA, quota.used)
        }
        Content::Spent(State::Slots(slots)) => {
            let counts = pair(
                at_most(slots.current.into(), COUNT),
                slots.previous.into(),
                COUNT,
            );
            let rest = pair(slots.timeout.into(), counts, 2 * COUNT);
            (slots.gone_at, SLOTS, rest)
        }
        Content::Denial(denial) => {
            let rest = pair(denial.cost.get().into(), denial.said_at.into(), SAID_AT);
            (denial.until, DENIAL, rest)
        }
        Content::Look(look) => {
            let (remaining, reset) = look.seen.unwrap_or_default();
            let reset = pair(look.seen.is_some().into(), reset, RESET);
            (look.until, LOOK, pair(reset, remaining.into(), UNITS))
        }
    }
}

fn decode(time: u64, rest: u64) -> Option<Content> {
    let (tag, rest) = (rest >> REST, rest & mask(REST));
    Some(match tag {
        BUCKET => Content::Spent(State::Bucket(BucketState {
            tat: time,
            interval: NonZeroU64::new(rest)?,
        })),
        QUOTA => {
            let (start, length) = unpair(time, LENGTH);
            let start = i64::try_from(start).ok()?.saturating_sub(BEFORE_1970);
            Content::Spent(State::Quota(QuotaState {
                start,
                end: start.saturating_add_unsigned(length),
                used: rest,
            }))
        }
        SLOTS => {
            let (timeout, counts) = unpair(rest, 2 * COUNT);
            let (current, previous) = unpair(counts, COUNT);
            Content::Spent(State::Slots(SlotState {
                gone_at: time,
                timeout: u32::try_from(timeout).ok()?,
                current: u32::try_from(current).ok()?,
                previous: u32::try_from(previous).ok()?,
            }))
        }
        DENIAL => {
            let (cost, said_at) = unpair(rest, SAID_AT);
            Content::Denial(Denial {
                until: time,
                cost: u32::try_from(cost).ok()?.try_into().ok()?,
                said_at: u32::try_from(said_at).ok()?,
            })
        }
        LOOK => {
            let (reset, remaining) = unpair(rest, UNITS);
            let (is_known, reset) = unpair(reset, RESET);
            let remaining = u32::try_from(remaining).ok()?;
            Content::Look(Look {
                until: time,
                seen: (is_known == 1).then_some((remaining, reset)),
            })
        }
        _ => return None,
    })
}

/// Two numbers in one, the second in the lower bits.
fn pair(high: u64, low: u64, bits: u32) -> u64 {
    let room = u64::BITS.saturating_sub(bits);
    at_most(high, room) << bits | at_most(low, bits)
}

fn unpair(number: u64, bits: u32) -> (u64, u64) {
    (number >> bits, number & mask(bits))
}

/// What does not fit is as much as fits.
fn at_most(number: u64, bits: u32) -> u64 {
    number.min(mask(bits))
}

const fn mask(bits: u32) -> u64 {
    !u64::MAX.wrapping_shl(bits)
}

/// Those of ns since 1970.
fn whole_seconds(nanos: u64) -> i64 {
    i64::try_from(nanos / NANOS).unwrap_or(i64::MAX)
}

fn natural(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
