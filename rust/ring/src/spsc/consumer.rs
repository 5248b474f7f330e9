//! The end that takes.

use crate::cursor::distance;
use crate::record::Record;
use crate::settings::WhenFull;
use crate::shared::Shared;
use crate::slots::Turn;
use crate::sync::{Arc, Ordering};
use crate::taken::Taken;

/// Takes records, oldest first. An empty ring is an answer, not a wait.
#[derive(Debug)]
pub struct Consumer<const N: usize> {
    shared: Arc<Shared<N>>,
    taken: Taken,
    /// The tail when it was last looked at: never ahead of the tail.
    tail_seen: u64,
}

impl<const N: usize> Consumer<N> {
    pub(super) fn new(shared: Arc<Shared<N>>, when_full: WhenFull) -> Self {
        let taken = Taken::new(shared.slots.len(), when_full);
        Self { shared, taken, tail_seen: 0 }
    }

    /// The oldest waiting record.
    ///
    /// It looks at the turns, not at the tail, unless there is a batch: the tail's line would go to and fro between the
    /// two cores for every record.
    #[inline]
    pub fn pop(&mut self) -> Option<Record<N>> {
        loop {
            let head = self.taken.head;
            if self.tail_seen <= head.position && !self.look(head.position) {
                return None;
            }
            let record = self.shared.slots.read(self.taken.head);
            if self.taken.take(&self.shared.ends, 1) == 0 {
                return Some(record);
            }
            // The producer has moved the head, into a batch maybe, within which no turn tells what is there.
            self.look_at_tail();
        }
    }

    /// Fills `records` from its beginning with the oldest waiting ones and returns how many there were.
    ///
    /// What lies behind them in `records` may have been written over.
    pub fn drain(&mut self, records: &mut [Record<N>]) -> usize {
        let mut filled = 0;
        loop {
            let places = &mut records[filled..];
            let count = self.ready(places.len());
            if count == 0 {
                return filled;
            }
            self.shared.slots.read_all(self.taken.head, &mut places[..count]);
            let dropped = self.taken.take(&self.shared.ends, count);
            if dropped == 0 {
                return filled + count;
            }
            // Some were gone: keep the others, and go on behind them.
            places.copy_within(dropped..count, 0);
            filled += count - dropped;
        }
    }

    /// Whether a record is there, which then `tail_seen` says; the head may have been moved to it.
    #[inline]
    fn look(&mut self, head: u64) -> bool {
        match self.shared.slots.turn(self.taken.head) {
            Turn::Single => {
                self.tail_seen = head.wrapping_add(1);
                true
            }
            Turn::First => self.look_at_tail(),
            Turn::Missing => self.taken.contested && self.taken.follow(&self.shared.ends) && self.look_at_tail(),
        }
    }

    /// Whether there is a record before the tail.
    ///
    /// Acquire, with the producer's Release: the words of all records before this tail.
    #[inline]
    fn look_at_tail(&mut self) -> bool {
        self.tail_seen = self.shared.ends.tail.0.load(Ordering::Acquire);
        self.tail_seen > self.taken.head.position
    }

    /// How many records wait, up to `wanted`.
    #[inline]
    fn ready(&mut self, wanted: usize) -> usize {
        // A head that the producer moved may be ahead of the tail that was seen last.
        let head = self.taken.head;
        if self.tail_seen.saturating_sub(head.position) < wanted as u64 {
            self.look_at_tail();
        }
        // More than the capacity when the producer has lapped this end and dropped what it was about to take; the
        // claim will say so.
        distance(head.position, self.tail_seen.max(head.position)).min(wanted).min(head.capacity())
    }
}
