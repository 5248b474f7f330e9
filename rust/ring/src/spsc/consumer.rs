//! The end that takes.

use super::Shared;
use crate::cursor::{Cursor, distance};
use crate::record::Record;
use crate::settings::WhenFull;
use crate::sync::{Arc, Ordering};

/// Takes records, oldest first. An empty ring is an answer, not a wait.
#[derive(Debug)]
pub struct Consumer<const N: usize> {
    shared: Arc<Shared<N>>,
    /// The oldest record that this end knows to wait; a producer that drops may have moved on.
    head: Cursor,
    /// The tail when it was last looked at: never ahead of the tail.
    tail_seen: u64,
    /// Records handed out since the start.
    consumed: u64,
    /// Whether the producer moves the head too.
    contested: bool,
}

impl<const N: usize> Consumer<N> {
    pub(super) fn new(shared: Arc<Shared<N>>, when_full: WhenFull) -> Self {
        let head = Cursor::new(shared.slots.len());
        Self { shared, head, tail_seen: 0, consumed: 0, contested: matches!(when_full, WhenFull::DropOldest { .. }) }
    }

    /// The oldest waiting record.
    ///
    /// It looks at the slot's turn, not at the tail: the tail's line would go to and fro between the two cores for
    /// every record, while the slot's has to come anyhow.
    #[inline]
    pub fn pop(&mut self) -> Option<Record<N>> {
        loop {
            let slot = &self.shared.slots[self.head.index];
            if !slot.holds(self.head.position) {
                if self.contested && self.follow() {
                    continue;
                }
                return None;
            }
            let record = slot.words.read();
            slot.words.witness_free(self.head.position);
            if !self.contested {
                self.head.advance(1);
                self.release(1);
                return Some(record);
            }
            if self.claim(1) == 0 {
                return Some(record);
            }
        }
    }

    /// Fills `records` from its beginning with the oldest waiting ones and returns how many there were.
    ///
    /// What lies behind them in `records` may have been written over.
    pub fn drain(&mut self, records: &mut [Record<N>]) -> usize {
        if self.contested {
            return self.drain_contested(records);
        }
        let count = self.ready(records.len());
        if count > 0 {
            self.shared.read(self.head, &mut records[..count]);
            self.head.advance(count);
            self.release(count);
        }
        count
    }

    /// How many records wait, up to `wanted`.
    #[inline]
    fn ready(&mut self, wanted: usize) -> usize {
        // A head that the producer moved may be ahead of the tail that was seen last.
        let head = self.head.position;
        if self.tail_seen.saturating_sub(head) < wanted as u64 {
            // Acquire, with the producer's Release: the words of all records before this tail.
            self.tail_seen = self.shared.ends.tail.0.load(Ordering::Acquire);
        }
        // More than the capacity when the producer has lapped this end and dropped what it was about to take; the
        // claim will say so.
        distance(head, self.tail_seen.max(head)).min(wanted).min(self.head.capacity())
    }

    /// Goes to where a producer that dropped has put the head; whether that was elsewhere.
    #[cold]
    fn follow(&mut self) -> bool {
        // Acquire, with the Release of the producer's exchange: a tail that is not behind this head.
        let now = self.shared.ends.head.0.position.load(Ordering::Acquire);
        let moved = now != self.head.position;
        self.head.move_to(now);
        moved
    }

    /// Gives the slots back that were read; only where nobody else moves the head.
    ///
    /// Release, with the producer's Acquire of the head: our reads come before its writes.
    #[inline]
    fn release(&mut self, count: usize) {
        let head = &self.shared.ends.head.0;
        head.position.store(self.head.position, Ordering::Release);
        self.consumed += count as u64;
        head.publish_consumed(self.consumed);
    }

    /// Copies first and asks then whether the producer has dropped any of it.
    fn drain_contested(&mut self, records: &mut [Record<N>]) -> usize {
        let mut filled = 0;
        loop {
            let places = &mut records[filled..];
            let count = self.ready(places.len());
            if count == 0 {
                return filled;
            }
            self.shared.read(self.head, &mut places[..count]);
            let dropped = self.claim(count);
            if dropped == 0 {
                return filled + count;
            }
            // Some were gone: keep the others, and go on behind them.
            places.copy_within(dropped..count, 0);
            filled += count - dropped;
        }
    }

    /// Moves the head over `count` records that were copied. Returns how many of them, from the first, the producer
    /// had dropped already; with all of them, the head is where the producer put it.
    ///
    /// Why what remains is whole: to write over a record, the producer must have seen a head beyond it. The head only
    /// grows, and this exchange found it at or before the record, so that head is this exchange's or a later one; by
    /// Release here and Acquire there our reads came first.
    #[inline]
    fn claim(&mut self, count: usize) -> usize {
        let head = &self.shared.ends.head.0;
        let from = self.head.position;
        let to = from + count as u64;
        let mut expected = from;
        loop {
            // Failure, Acquire, with the Release of the producer's exchange: a tail that is not behind this head.
            match head.position.compare_exchange(expected, to, Ordering::Release, Ordering::Acquire) {
                Ok(_) => {
                    self.head.advance(count);
                    let dropped = distance(from, expected);
                    self.consumed += (count - dropped) as u64;
                    head.publish_consumed(self.consumed);
                    return dropped;
                }
                Err(now) if now < to => expected = now,
                Err(now) => {
                    self.head.move_to(now);
                    return count;
                }
            }
        }
    }
}
