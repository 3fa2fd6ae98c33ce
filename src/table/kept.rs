//! The pages that one worker keeps as it has written them, so that it need not read
//! them again.
//!
//! The host numbers all writes in turn, whatever their keys, and a compare-and-swap
//! compares the number of the last one. It tells the number to who reads, not to who
//! writes; but a worker that has counted along knows it, as long as nobody else
//! writes. So it guesses. A wrong guess is lower than the true number, and a lower number
//! is not given again, short of 2³² writes: the swap then fails, the page is read, and
//! nothing is lost. A right one says that the page is still what this worker has written.
//!
//! Where several workers write at a time their guesses are mostly wrong, so guessing
//! rests for a while after one, and longer each time.

use super::{Page, PageIndex};

/// Kept pages, at most [`PLACES`] of them.
#[derive(Debug)]
pub struct KeptPages {
    places: Vec<Option<Kept>>,
    /// The number of this worker's last write, where it has counted along since
    /// it was told one.
    last: Option<u32>,
    /// What is kept is worth nothing once a guess was wrong: the count was.
    count: u32,
    /// Swaps that guesses have won under this count.
    won: u32,
    /// Writes until it is time to count again.
    rest: u32,
    /// So many it is to be the next time.
    next_rest: u32,
}

#[derive(Debug)]
struct Kept {
    index: PageIndex,
    page: Page,
    number: u32,
    count: u32,
}

/// A page has 3 KiB at most, in up to twice as much memory as it grows: 6 MiB in all.
const PLACES: usize = 1024;

/// Won so many times, counting was worth it.
const WORTH: u32 = 64;

const SHORTEST_REST: u32 = 64;
const LONGEST_REST: u32 = 1 << 16;

// === impl KeptPages ===

impl KeptPages {
    /// Whether it is time to ask the host for the number of its last write.
    pub fn is_due(&self) -> bool {
        self.last.is_none() && self.rest == 0
    }

    /// The last write, of whatever, has this number.
    pub fn count_from(&mut self, number: u32) {
        self.last = Some(number);
        self.won = 0;
    }

    /// A page as this worker has last written it, and the number that it is taken to
    /// have: no other is to be compared with it. It is kept no longer.
    pub fn take(&mut self, index: PageIndex) -> Option<(Page, u32)> {
        let place = self.place(index)?;
        let kept = place.take_if(|kept| kept.index == index)?;
        (kept.count == self.count).then_some((kept.page, kept.number))
    }

    /// This page was written; `was_kept`: against the number of a kept one.
    pub fn written(&mut self, index: PageIndex, page: Page, was_kept: bool) {
        self.won = self.won.saturating_add(was_kept.into());
        let Some(last) = self.last else {
            self.rest = self.rest.saturating_sub(1);
            return;
        };
        // As the host counts: 0 is no number.
        let number = last.checked_add(1).unwrap_or(1);
        self.last = Some(number);
        let count = self.count;
        if let Some(place) = self.place(index) {
            *place = Some(Kept {
                index,
                page,
                number,
                count,
            });
        }
    }

    /// A swap against the number of a kept page was lost: others write too.
    pub fn lost(&mut self) {
        self.count = self.count.wrapping_add(1);
        self.last = None;
        self.rest = match self.won >= WORTH {
            true => SHORTEST_REST,
            false => self.next_rest,
        };
        self.next_rest = self.rest.saturating_mul(2).min(LONGEST_REST);
    }

    fn place(&mut self, index: PageIndex) -> Option<&mut Option<Kept>> {
        let place = usize::try_from(index.get()).ok()?.checked_rem(PLACES)?;
        self.places.get_mut(place)
    }
}

impl Default for KeptPages {
    /// None are kept.
    fn default() -> Self {
        Self {
            places: (0..PLACES).map(|_| None).collect(),
            last: None,
            count: 0,
            won: 0,
            rest: 0,
            next_rest: SHORTEST_REST,
        }
    }
}
