//! A client whose plan changes while it has a lease.

use std::rc::Rc;

use tollgate::limit::{Answer, Limit, Period};
use tollgate::redis::{Consulted, KeyReply, LeaseBook, LeaseTerms};

use crate::leases::{answered, balance, due, granted, watch, NOW, TICK};
use crate::{limit, limit_of, ns, quota, units, MILLI, SECOND};

/// A limit under two plans; leases of up to 40 and 400 units.
fn plans() -> [[Rc<Limit>; 2]; 2] {
    let quota = |size| limit_of(quota(size, Period::Fixed(ns(3_600)), 0));
    [
        [limit(240, MILLI), limit(2_400, MILLI)],
        [quota(800), quota(8_000)],
    ]
}

fn with(granted: u32, remaining: u32) -> KeyReply {
    KeyReply {
        answer: Answer::Allowed {
            remaining,
            reset_in: 900 * SECOND,
        },
        ..self::granted(granted, 5)
    }
}

/// A book in which client 1 was told so, when it had asked for 40 units under this plan.
fn told(plan: &Rc<Limit>, reply: &KeyReply) -> LeaseBook {
    let mut book = LeaseBook::default();
    watch(&mut book, plan, 40, NOW);
    due(&mut book, NOW).unwrap();
    answered(&mut book, reply, NOW);
    book
}

#[test]
fn what_is_lent_stays_and_the_next_lease_is_the_new_plans() {
    for [free, pro] in plans() {
        let mut book = told(&free, &with(40, 20));
        assert_eq!(book.consult(1, &pro, units(40), NOW), Consulted::Enough);
        book.spend(1, units(40)).unwrap();
        book.consult(1, &pro, units(400), NOW);
        let call = book.due(NOW).remove(0).1;
        assert_eq!(call.allowance.size(), pro.size());
        let mut book = told(&pro, &with(40, 20));
        assert_eq!(balance(&mut book, &free, NOW), 40);
        book.consult(1, &free, units(400), NOW);
        let expected = LeaseTerms {
            wanted: 40,
            generation: 5,
            held: 40,
            unspent: 0,
        };
        assert_eq!(due(&mut book, NOW), Some(expected));
    }
}

/// A request that asks Redis for itself tells the plan as well.
#[test]
fn the_plan_is_that_of_the_last_request() {
    for [free, pro] in plans() {
        let mut book = LeaseBook::default();
        watch(&mut book, &free, 400, NOW);
        watch(&mut book, &pro, 400, NOW);
        assert_eq!(due(&mut book, NOW).unwrap().wanted, 400);
    }
}

#[test]
fn a_plan_with_more_is_felt_at_once() {
    for [free, pro] in plans() {
        let mut book = told(&free, &with(0, 0));
        let under = |book: &mut LeaseBook, plan| book.consult(1, plan, units(9), NOW);
        assert!(matches!(under(&mut book, &free), Consulted::Denied(_)));
        assert_eq!(under(&mut book, &pro), Consulted::Ask);
        assert!(due(&mut book, NOW).is_some());
    }
}

/// The answer is to the plan that was asked for.
#[test]
fn what_is_said_of_one_plan_denies_nothing_of_another() {
    for [free, pro] in plans() {
        let mut book = LeaseBook::default();
        watch(&mut book, &free, 40, NOW);
        due(&mut book, NOW).unwrap();
        assert_eq!(book.consult(1, &pro, units(9), NOW), Consulted::Ask);
        answered(&mut book, &with(0, 0), NOW);
        assert_eq!(book.consult(1, &pro, units(9), NOW), Consulted::Ask);
        // Back under the plan that was asked for, it may be asked once more.
        assert_eq!(book.consult(1, &free, units(9), NOW), Consulted::Ask);
    }
}

/// What was taken stays taken, out of more or fewer.
#[test]
fn a_client_is_told_of_its_plan() {
    for [free, pro] in plans() {
        let mut book = told(&free, &with(40, 20));
        let mut remaining = |plan: &Rc<Limit>| {
            book.consult(1, plan, units(1), NOW);
            match book.spend(1, units(1)) {
                Some(Answer::Allowed { remaining, .. }) => remaining,
                other => panic!("{other:?}"),
            }
        };
        let more = pro.size() - free.size();
        assert_eq!(remaining(&free), 59);
        assert_eq!(remaining(&pro), 58 + more);
        assert_eq!(remaining(&free), 57);
    }
}

/// Who only looks brings no plan along: the lease is that of the last request.
#[test]
fn a_client_that_looks_is_told_of_its_plan() {
    for [free, pro] in plans() {
        let mut book = told(&free, &with(40, 20));
        for (plan, expected) in [(&free, 60), (&pro, 60 + pro.size() - free.size())] {
            let standing = book.standing(1, plan, NOW);
            let Some(Answer::Allowed { remaining, .. }) = standing else {
                panic!("{standing:?}");
            };
            assert_eq!(remaining, expected);
        }
        book.consult(1, &free, units(400), NOW);
        assert_eq!(due(&mut book, NOW), None, "there are enough for this plan");
        assert_eq!(book.standing(1, &free, NOW + 10 * SECOND), None, "is over");
        assert_eq!(book.standing(2, &free, NOW), None);
    }
}

#[test]
fn a_plan_with_the_same_limit_changes_nothing() {
    let plan = || limit_of(quota(800, Period::Fixed(ns(3_600)), 0));
    let mut book = told(&plan(), &with(0, 0));
    let denied = book.consult(1, &plan(), units(9), NOW);
    assert!(matches!(denied, Consulted::Denied(_)), "{denied:?}");
}

/// Carried over, a large plan's units would be spent under a small one for as long as they last.
#[test]
fn a_lease_of_another_plan_ends_and_is_not_renewed() {
    for [free, pro] in plans() {
        let mut book = told(&pro, &with(40, 20));
        let mut now = NOW;
        let terms = loop {
            book.consult(1, &free, units(1), now);
            book.spend(1, units(1)).expect("still there");
            if let Some(terms) = due(&mut book, now) {
                break terms;
            }
            now += TICK;
        };
        assert!(now > NOW + SECOND, "not before its end");
        let left = 39 - ((now - NOW) / TICK) as u32;
        let expected = LeaseTerms {
            wanted: 0,
            generation: 5,
            held: 40,
            unspent: left,
        };
        assert_eq!(terms, expected);
    }
}
