//! Redis' denials, remembered in the page table.

use proptest::prelude::*;
use tollgate::limit::{Answer, Now, Period};
use tollgate::table::{Charge, Decided, Entry, Fingerprint, Page, Said, TableKey, Which};

use crate::{at, limit, limit_of, ns, quota, units, MILLI, SECOND};

const NOW: u64 = 1 << 40;
const CLAIM: u64 = 50 * MILLI;

fn fingerprint(client: u64) -> Fingerprint {
    let key = TableKey::new([7; 16]);
    key.client(&client.to_le_bytes()).fingerprint(1)
}

fn charge(client: u64, cost: u32) -> Charge {
    Charge {
        fingerprint: fingerprint(client),
        limit: limit(100, SECOND),
        cost: units(cost),
        entry: Entry::Denial {
            claim: CLAIM,
            held: 0,
        },
    }
}

fn denied(cost: u32, wait: u64) -> Said {
    Said::Denied {
        cost: units(cost),
        retry_after: ns(wait),
    }
}

/// A page that remembers one denial, of client 0.
fn page(said: Said) -> Page {
    let mut page = Page::empty();
    page.remember(fingerprint(0), said, at(NOW));
    page
}

fn decide(page: &Page, cost: u32, now: u64) -> Decided {
    page.decide(&[charge(0, cost)], at(now)).remove(0)
}

fn answer(page: &Page, cost: u32, now: u64) -> Option<Answer> {
    decide(page, cost, now)
        .outcome
        .map(|outcome| outcome.answer)
}

/// Decides, and keeps what is to be kept. Whether the request claims.
fn claims(page: &mut Page, cost: u32, now: u64) -> bool {
    let charges = [charge(0, cost)];
    let decided = page.decide(&charges, at(now));
    page.commit(&charges, &decided, Which::All, at(now));
    decided[0].is_claim()
}

#[test]
fn equal_and_dearer_requests_are_denied_and_cheaper_ones_ask() {
    let page = page(denied(10, SECOND));
    for (cost, now, wait) in [
        (10, NOW, SECOND),
        // What it takes besides comes back after that, and after the leases that
        // may bind it.
        (11, NOW + 1, SECOND - 1 + SECOND + 4 * SECOND),
        (30, NOW + SECOND - 1, 1 + 20 * SECOND + 4 * SECOND),
    ] {
        let expected = Answer::Denied {
            remaining: 9,
            retry_after: Some(ns(wait)),
        };
        assert_eq!(answer(&page, cost, now), Some(expected));
        assert!(decide(&page, cost, now).is_enforced_denial());
        assert!(!decide(&page, cost, now).changes(Which::All));
    }
    for cost in [1, 9] {
        let cheaper = decide(&page, cost, NOW + 1);
        assert!(cheaper.outcome.is_none() && !cheaper.changes(Which::All) && !cheaper.is_claim());
    }
    // Another client's.
    assert!(page.decide(&[charge(1, 10)], at(NOW))[0].outcome.is_none());
}

/// All units come back together: until then there are fewer than were asked for, and a dearer
/// request waits no longer. A lease ends with the period, too.
#[test]
fn a_quotas_denial_lasts_to_the_end_of_its_period_for_all() {
    let quota = |cost| Charge {
        limit: limit_of(quota(100, Period::Month, 0)),
        ..charge(0, cost)
    };
    let page = page(denied(10, 30 * SECOND));
    for (cost, now) in [(10, NOW), (11, NOW), (100, NOW + 29 * SECOND)] {
        let said = page.decide(&[quota(cost)], at(now)).remove(0);
        let expected = Answer::Denied {
            remaining: 0,
            retry_after: Some(ns(NOW + 30 * SECOND - now)),
        };
        assert_eq!(said.outcome.unwrap().answer, expected, "{cost}");
    }
    assert!(page.decide(&[quota(9)], at(NOW))[0].outcome.is_none());
}

#[test]
fn the_first_after_the_lapse_asks_and_the_others_wait_for_it() {
    let mut page = page(denied(10, SECOND));
    let lapse = NOW + SECOND;
    assert!(claims(&mut page, 10, lapse));
    for now in [lapse, lapse + 1, lapse + CLAIM - 1] {
        let expected = Answer::Denied {
            remaining: 9,
            retry_after: Some(ns(lapse + CLAIM - now)),
        };
        assert_eq!(answer(&page, 10, now), Some(expected));
        assert!(!claims(&mut page, 10, now));
    }
    // It had no answer in time: the next one asks.
    assert!(claims(&mut page, 10, lapse + CLAIM));
    assert!(!claims(&mut page, 10, lapse + CLAIM));
}

/// A client that comes back later has a bucket that may hold more than one
/// request: its requests are not denied for the sake of the first.
#[test]
fn only_just_after_the_lapse_is_there_a_claim() {
    let lapse = NOW + SECOND;
    for (since, expected) in [
        (0, true),
        (20 * MILLI - 1, true),
        (20 * MILLI, false),
        (SECOND, false),
    ] {
        let mut page = page(denied(10, SECOND));
        assert_eq!(claims(&mut page, 10, lapse + since), expected, "{since}");
        assert_eq!(
            answer(&page, 10, lapse + since).is_some(),
            expected,
            "{since}"
        );
    }
}

/// Units may have been given back elsewhere by then. What the client is told is
/// the whole wait nevertheless.
#[test]
fn a_denial_is_believed_for_a_minute_at_most() {
    for wait in [60 * SECOND, 3600 * SECOND, 86_400 * SECOND] {
        let mut page = page(denied(1, wait));
        let believed = Answer::Denied {
            remaining: 0,
            retry_after: Some(ns(wait - 59 * SECOND)),
        };
        assert_eq!(answer(&page, 1, NOW + 59 * SECOND), Some(believed));
        // Then the first asks, and the others are still denied for a second.
        let later = NOW + 60 * SECOND;
        assert!(claims(&mut page, 1, later), "{wait}");
        assert!(answer(&page, 1, later).is_some());
        assert!(!claims(&mut page, 1, later));
    }
    // Near the end of time, too.
    let mut page = Page::empty();
    page.remember(fingerprint(0), denied(1, SECOND), at(u64::MAX - 1));
    assert!(answer(&page, 1, u64::MAX - 1).is_some());
}

#[test]
fn what_is_left_follows_from_the_wait() {
    // A unit a second: 10 in 3.2 s are 6 now, and 9 half a second before.
    for (cost, wait, remaining) in [
        (10, 3_200 * MILLI, 6),
        (10, 500 * MILLI, 9),
        (1, SECOND, 0),
        (2, 9 * SECOND, 0),
        (u32::MAX - 20, SECOND, u32::MAX - 21),
    ] {
        let expected = Answer::Denied {
            remaining,
            retry_after: Some(ns(wait)),
        };
        assert_eq!(answer(&page(denied(cost, wait)), cost, NOW), Some(expected));
    }
}

#[test]
fn what_redis_allows_ends_a_denial() {
    let mut page = page(denied(10, 30 * SECOND));
    assert!(page.remember(fingerprint(0), Said::Allowed, at(NOW + 1)));
    assert_eq!(answer(&page, 10, NOW + 1), None);
    assert!(!claims(&mut page, 10, NOW + 1));
    // And leaves no trace where there was none.
    let mut empty = Page::empty();
    assert!(!empty.remember(fingerprint(0), Said::Allowed, at(NOW)));
    assert_eq!(empty.as_bytes(), Page::empty().as_bytes());
}

/// A bucket says who has spent what; a denial only saves a call.
#[test]
fn a_denial_gives_its_place_up_before_any_bucket() {
    let bucket = |client: u64| Charge {
        entry: Entry::Spent,
        ..charge(client, 1)
    };
    let mut page = page(denied(1, 60 * SECOND));
    let mut spend = |client| {
        let charges = [bucket(client)];
        let decided = page.decide(&charges, at(NOW));
        page.commit(&charges, &decided, Which::All, at(NOW))
    };
    for client in 1..128 {
        assert_eq!(spend(client), 0);
    }
    assert_eq!(spend(128), 1);
    assert_eq!(answer(&page, 1, NOW), None);
    let all_there = (1..=128).all(|client| {
        let decided = page.decide(&[bucket(client)], at(NOW)).remove(0);
        matches!(
            decided.outcome.unwrap().answer,
            Answer::Allowed { remaining: 98, .. }
        )
    });
    assert!(all_there);
}

proptest! {
    /// Shared data is anyone's to write in the same process.
    #[test]
    fn no_bytes_in_a_page_are_too_odd(
        words in prop::collection::vec(prop_oneof![any::<u64>(), Just(0), Just(u64::MAX), NOW - 9..NOW + 9], 384..385),
        cost in 1_u32..,
        now in prop_oneof![Just(0), Just(NOW), Just(u64::MAX), any::<u64>()],
        claim in any::<u64>(),
        wall in any::<u64>(),
    ) {
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        // Some place is client 0's.
        bytes[72..80].copy_from_slice(&fingerprint(0).get().to_le_bytes());
        let mut page = Page::from_bytes(bytes);
        let denial = Charge { entry: Entry::Denial { claim, held: 0 }, ..charge(0, cost) };
        let bucket = Charge { entry: Entry::Spent, ..charge(1, cost) };
        let charges = [denial, bucket];
        let now = Now { monotonic: now, wall };
        let decided = page.decide(&charges, now);
        if let Some(outcome) = &decided[0].outcome {
            prop_assert!(outcome.answer.is_denial());
        }
        page.commit(&charges, &decided, Which::All, now);
        page.give_back(&charges, now, now);
        page.remember(fingerprint(0), denied(cost, claim.max(1)), now);
        page.remember(fingerprint(2), denied(cost, claim.max(1)), now);
        page.remember(fingerprint(0), Said::Allowed, now);
        prop_assert!(page.decide(&charges, now)[0].outcome.is_none());
    }

    /// A wrong length is an empty page.
    #[test]
    fn bytes_that_are_no_page_deny_nobody(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert_eq!(answer(&Page::from_bytes(bytes), 1, NOW), None);
    }
}
