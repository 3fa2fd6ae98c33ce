//! What the script should answer, by `tollgate::limit`.

use crate::ask::{Ask, Key};
use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};
use tollgate::limit::{
    BucketState, CalendarQuota, Decision, Period, QuotaDecision, QuotaState, TokenBucket,
};

/// What Redis should hold under a key.
#[derive(Debug, Clone, Copy)]
enum State {
    Bucket(BucketState),
    /// With the period it was counted by.
    Quota(Period, QuotaState),
}

#[derive(Default)]
pub struct Model {
    states: BTreeMap<String, State>,
}

fn millis(nanos: u64) -> i64 {
    nanos.div_ceil(1_000_000) as i64
}

/// An answer, and the state that it leaves if every key allows.
type Answer = (Key, Option<State>);

impl Model {
    /// The same call at `now`, µs since 1970.
    pub fn call(&mut self, now: u64, asks: &[Ask]) -> (bool, Vec<Key>) {
        let now = now * 1_000;
        let answer = |ask: &Ask| match ask.kind {
            "bucket" => self.bucket(ask, now),
            _ => self.quota(ask, now),
        };
        let answers: Vec<Answer> = asks.iter().map(answer).collect();
        let refuses = |(ask, (key, _)): (&Ask, &Answer)| {
            let binds = !matches!(ask.op, "try" | "peek");
            binds && !key.allowed
        };
        let allowed = !asks.iter().zip(&answers).any(refuses);
        let mut keys = Vec::new();
        for (ask, (key, next)) in asks.iter().zip(answers) {
            let moves = match ask.op {
                "try" => key.allowed,
                "peek" => false,
                _ => allowed,
            };
            if moves {
                match next {
                    Some(next) => self.states.insert(ask.key.clone(), next),
                    None => self.states.remove(&ask.key),
                };
                keys.push(key);
            } else {
                if let Some(rebased) = self.rebased(ask, now) {
                    self.states.insert(ask.key.clone(), rebased);
                }
                // Nothing was charged: where the client stands is where it stood.
                let before = match ask.kind {
                    "bucket" => self.bucket(&ask.op("peek", 0), now).0,
                    _ => self.quota(&ask.op("settle", 0), now).0,
                };
                keys.push(Key {
                    allowed: key.allowed,
                    retry: key.retry,
                    ..before
                });
            }
        }
        (allowed, keys)
    }

    /// The state of a key whose charge is refused, where other parameters left it.
    fn rebased(&self, ask: &Ask, now: u64) -> Option<State> {
        if ask.kind != "bucket" || !matches!(ask.op, "charge" | "try") {
            return None;
        }
        let (bucket, state) = self.bucket_of(ask);
        let amount = NonZeroU32::new(ask.amount as u32).unwrap();
        match bucket.decide(state, amount, now) {
            Decision::Denied { rebased, .. } => rebased.map(State::Bucket),
            Decision::Allowed { .. } => None,
        }
    }

    fn bucket_of(&self, ask: &Ask) -> (TokenBucket, Option<BucketState>) {
        let burst = NonZeroU32::new(ask.size).unwrap();
        let interval = NonZeroU64::new(ask.period).unwrap();
        let bucket = TokenBucket::new(burst, interval).unwrap();
        let state = match self.states.get(&ask.key) {
            Some(State::Bucket(state)) => Some(*state),
            _ => None,
        };
        let bucket = bucket.with_debt(ask.offset as u32);
        (bucket.shared_by_plans(ask.fill), state)
    }

    fn bucket(&self, ask: &Ask, now: u64) -> Answer {
        let (bucket, state) = self.bucket_of(ask);
        let interval = bucket.emission_interval();
        let unchanged = state.unwrap_or(BucketState { tat: now, interval });
        let (next, forgiven, retry) = match (ask.op, u32::try_from(ask.amount)) {
            ("settle", Err(_)) if ask.held > 0 => {
                let cost = NonZeroU32::new(ask.amount.unsigned_abs() as u32).unwrap();
                let charged = now - ask.held * 1_000_000;
                let back = state.map(|state| bucket.give_back(state, cost, charged, now));
                (back.unwrap_or(unchanged), 0, 0)
            }
            ("settle", _) => {
                let settled = bucket.settle(state, ask.amount, 0, now);
                (settled.next, settled.forgiven, 0)
            }
            (_, Ok(0)) => (unchanged, 0, 0),
            (_, Ok(amount)) => match bucket.decide(state, NonZeroU32::new(amount).unwrap(), now) {
                Decision::Allowed { next, .. } => (next, 0, 0),
                Decision::Denied { .. } if amount > ask.size => (unchanged, 0, -1),
                Decision::Denied { retry_after, .. } => (unchanged, 0, millis(retry_after.get())),
            },
            (_, Err(_)) => panic!("{ask:?}"),
        };
        let (left, ahead) = bucket.look(Some(next), now);
        let key = Key {
            allowed: retry == 0,
            remaining: left.into(),
            retry,
            reset: millis(ahead),
            granted: forgiven as i64,
            generation: 0,
        };
        // A full bucket is none.
        (key, (ahead > 0).then_some(State::Bucket(next)))
    }

    fn quota(&self, ask: &Ask, now: u64) -> Answer {
        let size = NonZeroU32::new(ask.size).unwrap();
        let period = NonZeroU64::new(ask.period).map_or(Period::Month, Period::Fixed);
        let quota = CalendarQuota::new(size, period, ask.offset).unwrap();
        let state = match self.states.get(&ask.key) {
            Some(State::Quota(by, state)) if *by == period => Some(*state),
            _ => None,
        };
        let unchanged = quota.settle(state, 0, now, now);
        let (next, retry) = match (ask.op, u32::try_from(ask.amount)) {
            ("settle", Err(_)) if ask.held > 0 => {
                let cost = NonZeroU32::new(ask.amount.unsigned_abs() as u32).unwrap();
                let charged = now - ask.held * 1_000_000;
                (quota.give_back(state, cost, charged, now), 0)
            }
            ("settle", _) => (quota.settle(state, ask.amount, now, now), 0),
            (_, Ok(0)) => (unchanged, 0),
            (_, Ok(amount)) => match quota.decide(state, NonZeroU32::new(amount).unwrap(), now) {
                QuotaDecision::Allowed { next, .. } => (next, 0),
                QuotaDecision::Denied { .. } if amount > ask.size => (unchanged, -1),
                QuotaDecision::Denied { retry_after, .. } => (unchanged, millis(retry_after.get())),
            },
            (_, Err(_)) => panic!("{ask:?}"),
        };
        // A whole quota is allowed to nobody who has used some, and so tells the reset.
        let used_up = QuotaState {
            used: u64::MAX,
            ..next
        };
        let QuotaDecision::Denied { retry_after, .. } = quota.decide(Some(used_up), size, now)
        else {
            panic!("used up")
        };
        let key = Key {
            allowed: retry == 0,
            remaining: i64::from(ask.size).saturating_sub(next.used as i64).max(0),
            retry,
            reset: millis(retry_after.get()),
            granted: 0,
            generation: 0,
        };
        (key, Some(State::Quota(period, next)))
    }
}
