//! Leases, one promise at a time.

use std::num::NonZeroU64;
use std::rc::Rc;

use tollgate::limit::{Answer, Limit};
use tollgate::redis::{Consulted, KeyReply, LeaseBook, LeaseTerms, Operation, Told};

use crate::{limit, units, MILLI, SECOND};

pub(crate) const NOW: u64 = 1 << 40;
pub(crate) const TICK: u64 = 100 * MILLI;
pub(crate) const BACK_OFF: NonZeroU64 = NonZeroU64::MIN.saturating_add(SECOND - 1);
/// On Redis' clock: the middle of generation 5.
pub(crate) const REDIS_NOW: u64 = 11_000;

pub(crate) fn granted(granted: u32, generation: u64) -> KeyReply {
    let answer = Answer::Allowed {
        remaining: 0,
        reset_in: 1,
    };
    KeyReply {
        answer,
        granted,
        generation,
    }
}

/// The terms of the one call that is due.
pub(crate) fn due(book: &mut LeaseBook, now: u64) -> Option<LeaseTerms> {
    let mut due = book.due(now);
    assert!(due.len() < 2);
    let (lease, ask) = due.pop()?;
    assert_eq!(lease, 1);
    match ask.operation {
        Operation::Lease(terms) => Some(terms),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn answered(book: &mut LeaseBook, reply: &KeyReply, now: u64) {
    book.told(1, &Told::Answered(reply, REDIS_NOW), BACK_OFF, now);
}

/// Makes client 1 known.
pub(crate) fn watch(book: &mut LeaseBook, limit: &Rc<Limit>, cost: u32, now: u64) {
    book.watch(1, &"key".into(), limit, units(cost), now);
}

/// A book in which client 1 has the 40 units of generation 5 that it wants.
fn lent() -> LeaseBook {
    let mut book = LeaseBook::default();
    watch(&mut book, &small(), 6, NOW);
    let expected = LeaseTerms {
        wanted: 40,
        ..LeaseTerms::default()
    };
    assert_eq!(due(&mut book, NOW), Some(expected));
    answered(&mut book, &granted(40, 5), NOW);
    book
}

/// Whose leases are of 40 units.
fn small() -> Rc<Limit> {
    limit(240, MILLI)
}

fn big() -> Rc<Limit> {
    limit(6_000, MILLI)
}

/// What client 1 can spend, unit by unit, and at most 1,000.
pub(crate) fn balance(book: &mut LeaseBook, limit: &Rc<Limit>, now: u64) -> u32 {
    let mut units_spent = 0;
    while units_spent < 1_000 && book.consult(1, limit, units(1), now) == Consulted::Enough {
        book.spend(1, units(1)).unwrap();
        units_spent += 1;
    }
    units_spent
}

#[test]
fn what_is_lent_is_spent_and_no_more() {
    let mut book = lent();
    assert_ne!(book.consult(1, &small(), units(41), NOW), Consulted::Enough);
    assert!(book.spend(1, units(41)).is_none());
    assert_eq!(balance(&mut book, &small(), NOW), 40);
    assert!(book.spend(1, units(1)).is_none());
    // Of a client that is not watched, nothing.
    assert!(book.spend(2, units(1)).is_none());
    assert_eq!(book.consult(2, &small(), units(1), NOW), Consulted::Ask);
}

/// By Redis' clock generation 5 holds to 14,000 ms, three seconds from now. But that clock is
/// told in whole ms, and may have shown nearly one more.
#[test]
fn a_lease_ends_by_redis_clock_from_when_it_was_asked_for() {
    let limit = big();
    let mut book = LeaseBook::default();
    watch(&mut book, &limit, 100, NOW);
    due(&mut book, NOW).unwrap();
    answered(&mut book, &granted(40, 5), NOW + SECOND);
    let end = NOW + 3 * SECOND - MILLI;
    assert_eq!(
        book.consult(1, &limit, units(1), end - 1),
        Consulted::Enough
    );
    assert_ne!(book.consult(1, &limit, units(1), end), Consulted::Enough);
}

#[test]
fn idle_units_go_back_and_the_client_is_forgotten() {
    let mut book = lent();
    book.spend(1, units(15)).unwrap();
    let mut now = NOW;
    let terms = loop {
        now += TICK;
        if let Some(terms) = due(&mut book, now) {
            break terms;
        }
        assert!(now <= NOW + 1_100 * MILLI, "nothing given back");
    };
    assert!(now >= NOW + SECOND, "given back too soon");
    let expected = LeaseTerms {
        wanted: 0,
        generation: 5,
        held: 40,
        unspent: 25,
    };
    assert_eq!(terms, expected);
    // What is on its way back is nobody's.
    assert_eq!(balance(&mut book, &small(), now), 0);
    assert!(!book.is_empty());
    // `balance` asked once more; a second later its client has gone.
    answered(&mut book, &granted(0, 0), now);
    assert!(due(&mut book, now + SECOND).is_none());
    assert!(book.is_empty());
}

/// Units that came back from a refused request while the lease was on its way
/// to Redis stayed spendable, though Redis kept no room for them.
#[test]
fn what_comes_back_after_the_lease_was_given_back_is_lost() {
    let mut book = lent();
    book.spend(1, units(15)).unwrap();
    let later = NOW + SECOND;
    assert_eq!(due(&mut book, later).unwrap().wanted, 0);
    book.give_back(1, units(15), NOW);
    assert_eq!(balance(&mut book, &small(), later), 0);
    answered(&mut book, &granted(0, 0), later);
    assert_eq!(balance(&mut book, &small(), later), 0);
}

/// The call had said that they are spent: Redis takes them off its books.
#[test]
fn what_comes_back_while_the_lease_is_renewed_is_lost() {
    for answer in [true, false] {
        let mut book = lent();
        book.spend(1, units(39)).unwrap();
        let terms = due(&mut book, NOW + 1).unwrap();
        assert_eq!((terms.held, terms.unspent), (40, 1));
        book.give_back(1, units(20), NOW);
        match answer {
            true => answered(&mut book, &granted(10, 5), NOW + 2),
            false => book.told(1, &Told::Failed, BACK_OFF, NOW + 2),
        }
        assert_eq!(
            balance(&mut book, &small(), NOW + 2),
            if answer { 11 } else { 1 }
        );
    }
}

#[test]
fn what_comes_back_to_a_lease_that_holds_is_spent_again() {
    let mut book = lent();
    book.spend(1, units(30)).unwrap();
    book.give_back(1, units(30), NOW);
    assert_eq!(balance(&mut book, &small(), NOW), 40);
    // Never more than was lent.
    book.give_back(1, units(u32::MAX), NOW);
    assert_eq!(balance(&mut book, &small(), NOW), 40);
    book.give_back(2, units(1), NOW);
}

/// Redis was short of units when it last answered, and is gone now: nobody knows
/// that there are none, and the operator has chosen what decides then.
#[test]
fn a_redis_that_is_gone_denies_nobody() {
    let mut book = LeaseBook::default();
    watch(&mut book, &big(), 100, NOW);
    due(&mut book, NOW).unwrap();
    answered(&mut book, &granted(0, 5), NOW);
    let denied = book.consult(1, &big(), units(100), NOW);
    assert!(matches!(denied, Consulted::Denied(_)), "{denied:?}");
    let next = (1..)
        .map(|tick| NOW + tick * TICK)
        .find(|now| due(&mut book, *now).is_some());
    let next = next.unwrap();
    book.told(1, &Told::Failed, BACK_OFF, next);
    for later in [0, 1, MILLI, TICK, SECOND] {
        assert_eq!(
            book.consult(1, &big(), units(100), next + later),
            Consulted::Ask,
            "{later}"
        );
    }
}

/// While units are out on lease, a bucket that fills by one each 2 ms is full only when they
/// are back, seconds later. The book took those for seconds without a unit, and asked so
/// seldom that a quarter of what a client may spend was never lent.
#[test]
fn units_on_lease_do_not_make_a_bucket_seem_dry() {
    let limit = limit(500, 2 * MILLI);
    let mut book = LeaseBook::default();
    watch(&mut book, &limit, 60, NOW);
    let terms = due(&mut book, NOW + TICK).expect("the lease is due");
    let some = KeyReply {
        answer: Answer::Allowed {
            remaining: 0,
            reset_in: 4 * SECOND,
        },
        ..granted(terms.wanted / 2, 5)
    };
    answered(&mut book, &some, NOW + TICK);
    while book.consult(1, &limit, units(1), NOW + TICK) == Consulted::Enough {
        assert!(book.spend(1, units(1)).is_some());
    }
    let asked = (1..=10).any(|tick| due(&mut book, NOW + TICK + tick * TICK / 2).is_some());
    assert!(asked, "within half a second");
}

#[test]
fn after_a_failure_the_book_waits_before_it_asks_again() {
    let mut book = LeaseBook::default();
    let limit = big();
    watch(&mut book, &limit, 100, NOW);
    due(&mut book, NOW).unwrap();
    book.told(1, &Told::Failed, BACK_OFF, NOW + 50 * MILLI);
    let mut now = NOW;
    while now < NOW + SECOND + 50 * MILLI {
        book.consult(1, &limit, units(50), now);
        assert_eq!(due(&mut book, now), None, "{}", now - NOW);
        now += 10 * MILLI;
    }
    assert!(due(&mut book, now).is_some());
}

/// An outcome that nobody waits for changes nothing.
#[test]
fn an_answer_counts_once() {
    let mut book = lent();
    answered(&mut book, &granted(1_000, 5), NOW);
    book.told(1, &Told::Failed, BACK_OFF, NOW);
    book.told(
        9,
        &Told::Answered(&granted(1_000, 5), REDIS_NOW),
        BACK_OFF,
        NOW,
    );
    assert_eq!(balance(&mut book, &small(), NOW), 40);
}

/// Ids are free to invent, and each would have a place in the book for a second.
#[test]
fn a_book_has_room_for_16384_clients() {
    let mut book = LeaseBook::default();
    let (limit, key) = (big(), Rc::from("key"));
    for client in 0..20_000 {
        book.watch(client, &key, &limit, units(100), NOW);
    }
    // Not all at once, but each at its turn.
    for turn in 0..256 {
        let due: Vec<u64> = book.due(NOW).into_iter().map(|(lease, _)| lease).collect();
        let expected: Vec<u64> = (64 * turn..64 * (turn + 1)).collect();
        assert_eq!(due, expected);
    }
    assert!(book.due(NOW).is_empty());
    for client in 0..16_384 {
        book.told(client, &Told::Failed, BACK_OFF, NOW);
    }
    assert!(book.due(NOW + SECOND).is_empty());
    assert!(book.is_empty());
    book.watch(20_000, &key, &limit, units(100), NOW + SECOND);
    assert!(!book.is_empty());
}
