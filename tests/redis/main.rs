//! The pure half of what is said to Redis, and of what its answers mean.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod binding;
mod breaker;
mod complaints;
mod decode;
mod denials;
mod encode;
mod failures;
mod lease_account;
mod lease_numbers;
mod lease_plans;
mod lease_quota;
mod lease_steps;
mod lease_world;
mod leases;
mod lender;
mod names;
mod sha1;
mod signatures;

use std::num::{NonZeroU32, NonZeroU64};
use std::rc::Rc;

use tollgate::limit::{
    Allowance, CalendarQuota, Cluster, Consistency, Kind, Limit, Mode, Now, Period, Scope,
    TokenBucket,
};
use tollgate::redis::{Ask, Call, LeaseTerms, Operation};

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLI;

fn units(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap()
}

fn ns(count: u64) -> NonZeroU64 {
    NonZeroU64::new(count).unwrap()
}

fn bucket(burst: u32, interval: u64) -> Allowance {
    Allowance::Bucket(TokenBucket::new(units(burst), ns(interval)).unwrap())
}

fn quota(units_per_period: u32, period: Period, offset: i64) -> Allowance {
    Allowance::Quota(CalendarQuota::new(units(units_per_period), period, offset).unwrap())
}

/// A time where only the monotonic clock is asked.
fn at(monotonic: u64) -> Now {
    Now { monotonic, wall: 0 }
}

fn cluster(key: &str) -> Cluster {
    Cluster {
        consistency: Consistency::Lease,
        share: None,
        key: key.into(),
        denials: 7,
        looks: 8,
    }
}

fn limit(burst: u32, interval: u64) -> Rc<Limit> {
    limit_of(bucket(burst, interval))
}

fn limit_of(allowance: Allowance) -> Rc<Limit> {
    Rc::new(Limit {
        name: "rpm".into(),
        index: 0,
        tag: 5,
        mode: Mode::Enforce,
        kind: Kind::Metered {
            tokens: None,
            allowance,
            scope: Scope::Cluster(cluster("rpm:5f1c09ab")),
        },
    })
}

/// A call about so many keys.
fn call(nonce: u64, keys: usize) -> Call {
    let ask = |key: usize| Ask {
        key: format!("tollgate:default:{{00}}:l{key}").into(),
        allowance: bucket(10, SECOND),
        operation: Operation::Lease(LeaseTerms {
            wanted: 40,
            ..LeaseTerms::default()
        }),
    };
    Call {
        nonce,
        asks: (0..keys).map(ask).collect(),
    }
}
