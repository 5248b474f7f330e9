//! The end that takes.

use crate::record::Record;
use crate::settings::WhenFull;
use crate::shared::Shared;
use crate::slots::Turn;
use crate::sync::Arc;
use crate::taken::Taken;

/// Takes records, oldest first. An empty ring is an answer, not a wait.
#[derive(Debug)]
pub struct Consumer<const N: usize> {
    shared: Arc<Shared<N>>,
    taken: Taken,
}

impl<const N: usize> Consumer<N> {
    pub(super) fn new(shared: Arc<Shared<N>>, when_full: WhenFull) -> Self {
        let taken = Taken::new(shared.slots.len(), when_full);
        Self { shared, taken }
    }

    /// The oldest waiting record.
    #[inline]
    pub fn pop(&mut self) -> Option<Record<N>> {
        let mut record = [0; N];
        (self.drain(std::slice::from_mut(&mut record)) == 1).then_some(record)
    }

    /// Fills `records` from its beginning with the oldest waiting ones and returns how many there were.
    ///
    /// What lies behind them in `records` may have been written over.
    pub fn drain(&mut self, records: &mut [Record<N>]) -> usize {
        let mut filled = 0;
        loop {
            let places = &mut records[filled..];
            let count = self.copy(places);
            if count == 0 {
                if self.taken.contested && self.taken.follow(&self.shared.ends) {
                    continue;
                }
                return filled;
            }
            let dropped = self.taken.take(&self.shared.ends, count);
            if dropped == 0 {
                return filled + count;
            }
            // Some were gone: keep the others, and go on behind them.
            places.copy_within(dropped..count, 0);
            filled += count - dropped;
        }
    }

    /// Copies finished records from the head on without moving it; stops at the first that is not finished.
    fn copy(&self, records: &mut [Record<N>]) -> usize {
        let (slots, mut place) = (&self.shared.slots, self.taken.head);
        let wanted = records.len().min(slots.len());
        let mut count = 0;
        for record in &mut records[..wanted] {
            if slots.turn(place) == Turn::Missing {
                break;
            }
            *record = slots.read(place);
            place.advance(1);
            count += 1;
        }
        count
    }
}
