//! The page table against a map that never forgets.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::rc::Rc;

use proptest::prelude::*;
use tollgate::limit::{
    Allowance, Answer, BucketState, Decision, Kind, Limit, Mode, Now, Scope, TokenBucket,
};
use tollgate::table::{Charge, Decided, Entry, Layout, Page, TableKey, Which, ENTRIES_PER_PAGE};

const SECOND: u64 = 1_000_000_000;

fn bucket(burst: u32, interval: u64) -> TokenBucket {
    let interval = NonZeroU64::new(interval).unwrap();
    TokenBucket::new(NonZeroU32::new(burst).unwrap(), interval).unwrap()
}

fn limit(index: usize, burst: u32, interval: u64) -> Rc<Limit> {
    Rc::new(Limit {
        name: format!("l{index}").into(),
        index,
        tag: index as u64,
        mode: Mode::Enforce,
        kind: Kind::Metered {
            tokens: None,
            allowance: Allowance::Bucket(bucket(burst, interval)),
            scope: Scope::Gateway,
        },
    })
}

fn at(monotonic: u64) -> Now {
    Now { monotonic, wall: 0 }
}

fn charges(key: &TableKey, client: u32, limits: &[Rc<Limit>]) -> Vec<Charge> {
    let client = key.client(&client.to_le_bytes());
    let charge = |limit: &Rc<Limit>| Charge {
        fingerprint: client.fingerprint(limit.tag),
        limit: limit.clone(),
        cost: NonZeroU32::MIN,
        entry: Entry::Spent,
    };
    limits.iter().map(charge).collect()
}

/// Decides, and commits where all allow.
fn request(page: &mut Page, charges: &[Charge], now: u64) -> (Vec<Answer>, u32) {
    let decided = page.decide(charges, at(now));
    let which = match decided.iter().any(Decided::is_enforced_denial) {
        true => Which::Alone,
        false => Which::All,
    };
    let evictions = page.commit(charges, &decided, which, at(now));
    let answers = decided.into_iter().flat_map(|decided| decided.outcome);
    (answers.map(|outcome| outcome.answer).collect(), evictions)
}

fn denied(answers: &[Answer]) -> bool {
    answers.iter().any(Answer::is_denial)
}

proptest! {
    /// With room for all, a page answers as a map of buckets would.
    #[test]
    fn a_page_with_room_is_a_map(
        steps in prop::collection::vec((0_u32..40, 0_u64..5 * SECOND), 1..300),
    ) {
        let key = TableKey::new([7; 16]);
        let buckets = [bucket(3, SECOND), bucket(5, 7 * SECOND), bucket(90, SECOND / 3)];
        let limits = [limit(0, 3, SECOND), limit(1, 5, 7 * SECOND), limit(2, 90, SECOND / 3)];
        let mut map: BTreeMap<(u32, usize), BucketState> = BTreeMap::new();
        let (mut page, mut now) = (Page::empty(), 1 << 40);
        for (client, since) in steps {
            now += since;
            let (answers, evictions) = request(&mut page, &charges(&key, client, &limits), now);
            page = Page::from_bytes(page.as_bytes().to_vec());
            prop_assert_eq!(evictions, 0);
            let expected: Vec<Decision> = buckets
                .iter()
                .enumerate()
                .map(|(index, bucket)| bucket.decide(map.get(&(client, index)).copied(), NonZeroU32::MIN, now))
                .collect();
            let said: Vec<Answer> = expected.iter().map(Decision::answer).collect();
            prop_assert_eq!(&answers, &said);
            if !denied(&answers) {
                for (limit, decision) in limits.iter().zip(expected) {
                    let Decision::Allowed { next, .. } = decision else { continue };
                    map.insert((client, limit.index), next);
                }
            }
        }
    }

    /// Whoever crowds a page, nobody gets units that he had not waited for as
    /// long as a fuller bucket is there to give up.
    #[test]
    fn crowding_a_page_refills_no_emptier_bucket(newcomers in 1_u32..2_000, burst in 2_u32..20) {
        let key = TableKey::new([7; 16]);
        let limits = [limit(0, burst, 3600 * SECOND)];
        let spent = charges(&key, 0, &limits);
        let (mut page, now) = (Page::empty(), 1 << 40);
        for _ in 0..burst {
            request(&mut page, &spent, now);
        }
        let mut evicted = 0;
        for newcomer in 1..=newcomers {
            evicted += request(&mut page, &charges(&key, newcomer, &limits), now).1;
        }
        prop_assert!(denied(&request(&mut page, &spent, now).0));
        prop_assert_eq!(evicted, (newcomers + 1).saturating_sub(ENTRIES_PER_PAGE as u32));
    }

    /// Or who has a Tollgate of his own could find ids that crowd another's page.
    #[test]
    fn clients_that_share_a_page_under_one_key_part_under_another(a in any::<[u8; 16]>(), b in any::<[u8; 16]>()) {
        prop_assume!(a != b);
        let layout = Layout::for_entries(NonZeroU32::new(16 * ENTRIES_PER_PAGE as u32).unwrap());
        let pages = |key| -> Vec<u32> {
            let key = TableKey::new(key);
            (0_u32..64).map(|client| layout.page_of(&key.client(&client.to_le_bytes())).get()).collect()
        };
        let (under_a, under_b) = (pages(a), pages(b));
        let part = (0..64).any(|i| (0..i).any(|j| under_a[i] == under_a[j] && under_b[i] != under_b[j]));
        prop_assert!(part);
    }
}

/// A page with one bucket that is full in a second and 127 that are full in two.
fn full_page(key: &TableKey, now: u64) -> Page {
    let (one, two) = ([limit(0, 1, SECOND)], [limit(0, 1, 2 * SECOND)]);
    let mut page = Page::empty();
    for client in 0..ENTRIES_PER_PAGE as u32 {
        let limits = if client == 0 { &one } else { &two };
        assert_eq!(request(&mut page, &charges(key, client, limits), now).1, 0);
    }
    page
}

/// A bucket that is full again just now loses nothing.
#[test]
fn each_bucket_that_is_given_up_before_it_is_full_is_counted() {
    let (key, now) = (TableKey::new([7; 16]), 1 << 40);
    let newcomer = charges(&key, 1_000, &[limit(1, 9, SECOND), limit(2, 9, SECOND)]);
    for (later, evictions) in [
        (SECOND - 1, 2),
        (SECOND, 1),
        (2 * SECOND - 1, 1),
        (2 * SECOND, 0),
    ] {
        let counted = request(&mut full_page(&key, now), &newcomer, now + later).1;
        assert_eq!(counted, evictions, "{later} ns later");
    }
}

#[test]
fn the_tables_size_is_rounded_up_to_whole_pages() {
    for (entries, pages) in [(1, 1), (128, 1), (129, 2), (65_536, 512)] {
        let layout = Layout::for_entries(NonZeroU32::new(entries).unwrap());
        assert_eq!(layout.pages().get(), pages);
    }
}

/// The share of new clients that cost another one its place, at several loads.
/// `docs/design.md` quotes what this prints.
#[test]
fn evictions_are_rare_at_70_percent_load() {
    let limits = [limit(0, 10, 3600 * SECOND)];
    let layout = Layout::for_entries(NonZeroU32::new(65_536).unwrap());
    let mut worst = 0.0;
    for load in [60, 70, 80, 90] {
        let clients = 65_536 * load / 100;
        let (mut evictions, mut inserted) = (0, 0);
        for table in 0..4 {
            let key = TableKey::new([table; 16]);
            let mut pages = vec![Page::empty(); 512];
            for client in 0_u32..clients {
                let hash = key.client(&client.to_le_bytes());
                let page = layout.page_of(&hash).get() as usize;
                evictions += request(&mut pages[page], &charges(&key, client, &limits), 1 << 40).1;
                inserted += 1;
            }
        }
        let share = f64::from(evictions) / f64::from(inserted);
        println!("load {load} %: {evictions} of {inserted} clients evicted another ({share:.1e})");
        if load <= 70 {
            worst = share.max(worst);
        }
    }
    assert!(worst < 1e-4, "{worst}");
}
