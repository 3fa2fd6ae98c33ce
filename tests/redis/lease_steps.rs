//! What may happen to a lease book, in any order.

use proptest::prelude::*;

use crate::lender::Fate;
use crate::{MILLI, SECOND};

/// Each of a limit of its own.
pub(crate) const CLIENTS: u64 = 3;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// A client asks, and is perhaps refused by another limit later.
    Request {
        client: u64,
        cost: u32,
        undone: bool,
    },
    /// A client asks, and takes so many in the end.
    Reserve { client: u64, cost: u32, used: u32 },
    /// The oldest request that has units set aside has ended.
    Settle,
    /// The oldest request that is to be undone is.
    Undo,
    /// The book is asked what is due; the lender has so many quarters of what is
    /// wanted.
    Tick { quarters: u32, fate: Fate },
    /// The oldest call has its outcome.
    Deliver,
    /// Time passes until so many ns after the millisecond before Redis' next
    /// whole second, where leases and periods end; a call that is under way then
    /// is perhaps answered. A client asks for as long as it has units.
    Exhaust {
        client: u64,
        after: u64,
        answered: bool,
    },
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let fate = prop::sample::select(vec![
        Fate::AnsweredAtOnce,
        Fate::AnsweredAtOnce,
        Fate::AnsweredLate,
        Fate::AnsweredLate,
        Fate::AnswerLost,
        Fate::Lost,
    ]);
    prop_oneof![
        8 => (0..CLIENTS, prop_oneof![3 => 1_u32..8, 1 => 8_u32..60], prop::bool::weighted(0.3))
            .prop_map(|(client, cost, undone)| Step::Request { client, cost, undone }),
        4 => (0..CLIENTS, 1_u32..12, 0_u32..20)
            .prop_map(|(client, cost, used)| Step::Reserve { client, cost, used }),
        3 => Just(Step::Settle),
        2 => Just(Step::Undo),
        4 => (prop::sample::select(vec![0, 1, 2, 3, 4, 4, 4, 4]), fate)
            .prop_map(|(quarters, fate)| Step::Tick { quarters, fate }),
        4 => Just(Step::Deliver),
        1 => (0..CLIENTS, 0..2 * MILLI, any::<bool>())
            .prop_map(|(client, after, answered)| Step::Exhaust { client, after, answered }),
    ]
}

pub(crate) fn since() -> impl Strategy<Value = u64> {
    prop_oneof![20 => 0..20 * MILLI, 4 => 0..200 * MILLI, 1 => 0..5 * SECOND]
}
