//! A lease book against an account of its own: whatever is lost or late, nothing is
//! spent that was not lent.

use proptest::prelude::*;

use crate::lease_steps::{since, step};
use crate::lease_world::{World, QUOTA};
use crate::lender::Fate;
use crate::MILLI;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Whatever is lost or late, nothing is spent that was not lent, or that was
    /// given back, or whose lease has ended; and when the clients have gone, so
    /// have their leases.
    #[test]
    fn nothing_is_spent_that_is_not_on_the_books(
        steps in prop::collection::vec((step(), since()), 1..300),
    ) {
        let mut world = World::new();
        for (step, since) in steps {
            world.now += since;
            world.step(step);
        }
        while !world.to_settle.is_empty() {
            world.settle();
        }
        for _ in 0..30 {
            world.now += 100 * MILLI;
            while !world.sent.is_empty() {
                world.deliver();
            }
            world.tick(4, Fate::AnsweredAtOnce);
        }
        prop_assert!(world.book.is_empty());
    }
}

/// Or the property above would hold of a book that lends nothing.
#[test]
fn a_client_that_goes_on_spends_from_its_lease() {
    for client in [1, QUOTA] {
        let mut world = World::new();
        for round in 0..800 {
            world.now += 10 * MILLI;
            world.request(client, 5, false);
            if round % 4 == 0 {
                world.tick(4, Fate::AnsweredAtOnce);
                world.deliver();
            }
        }
        assert!(world.spent > 3_900, "{} of {client}", world.spent);
    }
}
