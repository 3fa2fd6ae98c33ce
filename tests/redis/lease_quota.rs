//! Leases of calendar quotas: nothing comes back before the period's end, and
//! nothing of one period is spent in the next.

use std::rc::Rc;

use tollgate::limit::{Answer, Limit, Period};
use tollgate::redis::{least_to_lend, Consulted, KeyReply, LeaseBook, Told};

use crate::leases::{balance, due, watch, BACK_OFF, NOW, REDIS_NOW, TICK};
use crate::{bucket, limit_of, ns, quota, units, MILLI, SECOND};

const HOUR: u64 = 3_600 * SECOND;

/// Leases of up to 100 units.
fn hourly() -> Rc<Limit> {
    limit_of(quota(2_000, Period::Fixed(ns(3_600)), 0))
}

fn granted(granted: u32, remaining: u32, reset_in: u64) -> KeyReply {
    KeyReply {
        answer: Answer::Allowed {
            remaining,
            reset_in,
        },
        granted,
        generation: 5,
    }
}

/// Redis answers so long after [`REDIS_NOW`], by its clock.
fn answered(book: &mut LeaseBook, reply: &KeyReply, redis_ms: u64, now: u64) {
    book.told(
        1,
        &Told::Answered(reply, REDIS_NOW + redis_ms),
        BACK_OFF,
        now,
    );
}

/// A book that was told so when it asked for 100 units.
fn told(reply: &KeyReply) -> LeaseBook {
    let mut book = LeaseBook::default();
    watch(&mut book, &hourly(), 100, NOW);
    assert_eq!(due(&mut book, NOW).unwrap().wanted, 100);
    answered(&mut book, reply, 0, NOW);
    book
}

fn denied(remaining: u32, wait: u64) -> Consulted {
    Consulted::Denied(Answer::Denied {
        remaining,
        retry_after: Some(ns(wait)),
    })
}

#[test]
fn a_lease_is_at_most_a_twentieth() {
    for (size, wanted) in [(79, None), (80, Some(4)), (1_000, Some(50))] {
        let limit = limit_of(quota(size, Period::Month, 0));
        let mut book = LeaseBook::default();
        watch(&mut book, &limit, 900, NOW);
        let terms = due(&mut book, NOW);
        assert_eq!(terms.map(|terms| terms.wanted), wanted, "{size}");
    }
    assert_eq!(least_to_lend(&quota(1, Period::Month, 0)), 80);
    assert_eq!(least_to_lend(&bucket(1, SECOND)), 24);
}

/// The lease itself would hold for three seconds.
#[test]
fn what_is_lent_is_spent_in_its_period() {
    let end = NOW + 1_500 * MILLI - MILLI;
    for (now, there) in [(end - 1, 40), (end, 0), (end + SECOND, 0)] {
        let mut book = told(&granted(40, 500, 1_500 * MILLI));
        assert_eq!(balance(&mut book, &hourly(), now), there);
    }
    // Then the lease is nothing that could be given back or carried over.
    let mut book = told(&granted(40, 500, 1_500 * MILLI));
    book.consult(1, &hourly(), units(100), end);
    let terms = due(&mut book, end).unwrap();
    assert_eq!((terms.generation, terms.held, terms.unspent), (0, 0, 0));
}

/// The call was sent in one period and carried out in the next, where Redis has no books of the
/// one before.
#[test]
fn nothing_is_carried_over_into_the_next_period() {
    for (reset_in, there) in [(1_500 * MILLI, 2 + 60), (HOUR - 500 * MILLI, 60)] {
        let mut book = told(&granted(40, 500, 2_000 * MILLI));
        book.spend(1, units(38)).unwrap();
        let later = NOW + 500 * MILLI;
        book.consult(1, &hourly(), units(100), later);
        let terms = due(&mut book, later).unwrap();
        assert_eq!((terms.generation, terms.held, terms.unspent), (5, 40, 2));
        answered(&mut book, &granted(60, 500, reset_in), 500, later);
        assert_eq!(balance(&mut book, &hourly(), later), there, "{reset_in}");
    }
}

/// Renewed, it would have the same end again: a call each tick.
#[test]
fn the_end_of_a_period_is_no_reason_to_renew() {
    let mut book = told(&granted(100, 500, 300 * MILLI));
    for later in [0, 10, 100, 290] {
        book.consult(1, &hourly(), units(10), NOW + later * MILLI);
        assert_eq!(due(&mut book, NOW + later * MILLI), None, "{later}");
    }
}

#[test]
fn an_empty_quota_waits_for_its_next_period_and_no_longer() {
    for (some, cost) in [(0, 1), (0, 7), (30, 31), (30, 90)] {
        let mut book = told(&granted(some, 0, 10 * SECOND));
        let (end, limit) = (NOW + 10 * SECOND, hourly());
        for (now, left) in [(NOW, some), (NOW + SECOND, some), (end - 1, 0)] {
            let wait = denied(left, end - now);
            assert_eq!(book.consult(1, &limit, units(cost), now), wait);
            assert!(due(&mut book, now).is_none_or(|terms| terms.wanted == 0));
            answered(&mut book, &granted(0, 0, end - now), 0, now);
        }
        assert_eq!(book.consult(1, &limit, units(cost), end), Consulted::Ask);
        // `due` counts what was asked for within half a second.
        book.consult(1, &limit, units(100), end);
        assert_eq!(due(&mut book, end).unwrap().wanted, 100);
        // And while that is under way, nobody is denied for what was.
        assert_eq!(book.consult(1, &limit, units(cost), end), Consulted::Ask);
    }
}

/// Others may have given some back by then.
#[test]
fn an_empty_quota_is_asked_again_after_a_minute() {
    let (mut book, limit) = (told(&granted(0, 0, HOUR)), hourly());
    let mut now = NOW;
    while now < NOW + 60 * SECOND {
        let wait = denied(0, NOW + HOUR - now);
        assert_eq!(book.consult(1, &limit, units(100), now), wait);
        assert_eq!(due(&mut book, now), None, "{}", now - NOW);
        now += TICK;
    }
    assert_eq!(due(&mut book, now).unwrap().wanted, 100);
    let some = KeyReply {
        generation: 35,
        ..granted(25, 0, HOUR - 60 * SECOND)
    };
    answered(&mut book, &some, 60_000, now);
    assert_eq!(balance(&mut book, &limit, now), 25);
    let wait = denied(0, HOUR - 60 * SECOND);
    assert_eq!(book.consult(1, &limit, units(1), now), wait);
}

/// All that was wanted was there, though nothing is left: the next call says more.
#[test]
fn a_quota_that_gave_all_that_was_wanted_is_not_empty() {
    let mut book = told(&granted(100, 0, HOUR));
    book.spend(1, units(100)).unwrap();
    assert_eq!(book.consult(1, &hourly(), units(1), NOW), Consulted::Ask);
    assert!(due(&mut book, NOW).is_some());
}

#[test]
fn a_client_is_told_of_its_period() {
    let mut book = told(&granted(40, 500, HOUR));
    book.consult(1, &hourly(), units(3), NOW + SECOND);
    let standing = Answer::Allowed {
        remaining: 537,
        reset_in: HOUR - SECOND,
    };
    assert_eq!(book.spend(1, units(3)), Some(standing));
}
