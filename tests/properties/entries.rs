//! What a page says of a client is what was written into it, for every kind of limit.

use std::num::{NonZeroU32, NonZeroU64};
use std::rc::Rc;

use proptest::prelude::*;
use tollgate::limit::{
    Allowance, CalendarQuota, Concurrency, Kind, Limit, Mode, Now, Period, Scope, State,
    TokenBucket,
};
use tollgate::table::{Charge, Decided, Entry, Page, TableKey, Which};

const SECOND: u64 = 1_000_000_000;

fn metered(allowance: Allowance) -> Kind {
    Kind::Metered {
        tokens: None,
        allowance,
        scope: Scope::Gateway,
    }
}

fn any_kind() -> impl Strategy<Value = Kind> {
    let some = |number| NonZeroU32::new(number).unwrap();
    let bucket = (1_u32..9, 1_u64..9 * SECOND).prop_map(move |(burst, interval)| {
        let interval = NonZeroU64::new(interval).unwrap();
        metered(Allowance::Bucket(
            TokenBucket::new(some(burst), interval).unwrap(),
        ))
    });
    let fixed = (1_u64..315_360_000).prop_map(|s| Period::Fixed(NonZeroU64::new(s).unwrap()));
    let period = prop_oneof![Just(Period::Month), fixed];
    let quota = (1_u32..9, period, -200_000_000_i64..200_000_000).prop_map(
        move |(quota, period, offset)| {
            metered(Allowance::Quota(
                CalendarQuota::new(some(quota), period, offset).unwrap(),
            ))
        },
    );
    let slots = (1_u32..9, 1_u32..24 * 86_400).prop_map(move |(slots, timeout)| {
        Kind::Concurrency(Concurrency::new(some(slots), some(timeout)).unwrap())
    });
    let blocked = Just(()).prop_map(|()| Kind::Blocked);
    prop_oneof![bucket, quota, slots, blocked]
}

fn any_mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Enforce), Just(Mode::Shadow), Just(Mode::Tag)]
}

proptest! {
    /// Several limits in one page, each with a state of its own, against the same limits
    /// asked one by one.
    #[test]
    fn a_page_is_a_list_of_states(
        kinds in prop::collection::vec((any_kind(), any_mode()), 1..6),
        steps in prop::collection::vec((0_u64..20 * SECOND, any::<bool>()), 1..60),
        started in 0_u64..2_000_000_000,
    ) {
        let key = TableKey::new([7; 16]);
        let client = key.client(b"a");
        let charges: Vec<Charge> = kinds.into_iter().enumerate().map(|(index, (kind, mode))| Charge {
            fingerprint: client.fingerprint(index as u64),
            limit: Rc::new(Limit { name: "l".into(), index, tag: index as u64, mode, kind }),
            cost: NonZeroU32::MIN,
            entry: Entry::Spent,
        }).collect();
        let mut states: Vec<Option<State>> = vec![None; charges.len()];
        let mut now = Now { monotonic: 1 << 50, wall: started * SECOND };
        let mut page = Page::empty();
        let mut taken: Option<Now> = None;
        for (wait, gives_back) in steps {
            now = Now { monotonic: now.monotonic + wait, wall: now.wall + wait };
            if let Some(at) = taken.take().filter(|_| gives_back) {
                page.give_back(&charges, at, now);
                for (charge, state) in charges.iter().zip(&mut states) {
                    *state = state.map(|state| charge.limit.kind.give_back(state, charge.cost, at, now));
                }
            }
            let decided = page.decide(&charges, now);
            let denied = decided.iter().any(Decided::is_enforced_denial);
            let rulings: Vec<_> = charges.iter().zip(&states)
                .map(|(charge, state)| charge.limit.kind.decide(*state, charge.cost, now)).collect();
            for (decided, ruling) in decided.iter().zip(&rulings) {
                prop_assert_eq!(decided.outcome.as_ref().unwrap().answer, ruling.answer);
            }
            let which = if denied { Which::Alone } else { Which::All };
            prop_assert_eq!(page.commit(&charges, &decided, which, now), 0);
            for ((charge, state), ruling) in charges.iter().zip(&mut states).zip(rulings) {
                let is_charged = !ruling.answer.is_denial() && (!denied || charge.limit.is_alone());
                if is_charged && ruling.next.is_some() {
                    *state = ruling.next;
                }
            }
            taken = (!denied).then_some(now);
            page = Page::from_bytes(page.as_bytes().to_vec());
        }
    }

    #[test]
    fn any_bytes_are_a_page(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in any_kind(), wall in any::<u64>(), monotonic in any::<u64>()) {
        let key = TableKey::new([7; 16]);
        let mut bytes = bytes;
        bytes.truncate(bytes.len() / 24 * 24);
        let fingerprint = key.client(b"a").fingerprint(0);
        if let Some(first) = bytes.first_chunk_mut::<8>() {
            *first = fingerprint.get().to_le_bytes();
        }
        let mut page = Page::from_bytes(bytes);
        let limit = Rc::new(Limit { name: "l".into(), index: 0, tag: 0, mode: Mode::Enforce, kind });
        let charges = [Charge { fingerprint, limit, cost: NonZeroU32::MIN, entry: Entry::Spent }];
        let now = Now { monotonic, wall };
        let decided = page.decide(&charges, now);
        page.commit(&charges, &decided, Which::All, now);
        page.give_back(&charges, now, now);
    }
}
