//! Leases with numbers that no clock shows and no script says.

use proptest::prelude::*;
use tollgate::limit::{Answer, Period};
use tollgate::redis::{Consulted, KeyReply, LeaseBook, Told};

use crate::leases::{due, watch};
use crate::{limit, limit_of, ns, quota, units, SECOND};

const NOW: u64 = 1 << 40;

#[derive(Debug, Clone)]
enum Odd {
    Consult(u32),
    Watch(u32),
    GiveBack(u32),
    Due,
    Told(Option<(KeyReply, u64)>),
}

fn odd() -> impl Strategy<Value = Odd> {
    let number = || {
        prop_oneof![
            any::<u64>(),
            Just(0),
            Just(u64::MAX),
            0_u64..20,
            4_000_u64..8_000
        ]
    };
    let cost =
        || prop_oneof![any::<u32>(), Just(u32::MAX), 1_u32..200].prop_map(|cost| cost.max(1));
    let units = || prop_oneof![any::<u32>(), Just(u32::MAX), 0_u32..200];
    let times = (number(), number());
    let reply = (any::<bool>(), units(), units(), number(), times).prop_map(
        |(allowed, remaining, granted, generation, (redis_now, reset_in))| {
            let answer = match allowed {
                true => Answer::Allowed {
                    remaining,
                    reset_in,
                },
                false => Answer::Denied {
                    remaining,
                    retry_after: Some(ns(1)),
                },
            };
            (
                KeyReply {
                    answer,
                    granted,
                    generation,
                },
                redis_now,
            )
        },
    );
    prop_oneof![
        1 => cost().prop_map(Odd::Consult),
        1 => cost().prop_map(Odd::Watch),
        1 => cost().prop_map(Odd::GiveBack),
        2 => Just(Odd::Due),
        2 => prop::option::weighted(0.8, reply).prop_map(Odd::Told),
    ]
}

proptest! {
    /// Whatever a bridge may answer and a clock show, nothing wraps around.
    #[test]
    fn no_number_is_too_odd(
        steps in prop::collection::vec(
            (odd(), prop_oneof![any::<u64>(), Just(u64::MAX), Just(0), NOW..NOW + SECOND]),
            1..80,
        ),
        burst in prop_oneof![1_u32..300, Just(u32::MAX)],
        interval in prop_oneof![Just(1_u64), Just(73_000_000)],
        back_off in prop_oneof![Just(1_u64), Just(u64::MAX)],
        is_quota in any::<bool>(),
    ) {
        let limit = match is_quota {
            true => limit_of(quota(burst, Period::Month, 0)),
            false => limit(burst, interval),
        };
        let mut book = LeaseBook::default();
        for (step, now) in steps {
            match step {
                Odd::Consult(cost) => {
                    if book.consult(1, &limit, units(cost), now) == Consulted::Enough {
                        prop_assert!(book.spend(1, units(cost)).is_some());
                    }
                }
                Odd::Watch(cost) => watch(&mut book, &limit, cost, now),
                Odd::GiveBack(cost) => book.give_back(1, units(cost), now),
                Odd::Due => {
                    let terms = due(&mut book, now);
                    prop_assert!(terms.is_none_or(|terms| terms.unspent <= terms.held && terms.wanted <= burst));
                }
                Odd::Told(None) => book.told(1, &Told::Failed, ns(back_off), now),
                Odd::Told(Some((reply, redis_now))) => {
                    book.told(1, &Told::Answered(&reply, redis_now), ns(back_off), now);
                }
            }
        }
    }
}
