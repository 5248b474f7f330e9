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
    /// Records handed out since the start.
    consumed: u64,
    /// Whether producers move the head too.
    contested: bool,
}

impl<const N: usize> Consumer<N> {
    pub(super) fn new(shared: Arc<Shared<N>>, when_full: WhenFull) -> Self {
        let head = Cursor::new(shared.slots.len());
        Self { shared, head, consumed: 0, contested: matches!(when_full, WhenFull::DropOldest { .. }) }
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
                if self.contested && self.follow() {
                    continue;
                }
                return filled;
            }
            let dropped = if self.contested { self.claim(count) } else { self.release(count) };
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
        let slots = &self.shared.slots;
        let wanted = records.len().min(slots.len());
        let (front, back) = records[..wanted].split_at_mut(self.head.before_end(wanted));
        let places = slots[self.head.index..].iter().zip(front).chain(slots.iter().zip(back));
        let mut count = 0;
        for (position, (slot, record)) in (self.head.position..).zip(places) {
            if !slot.holds(position) {
                break;
            }
            *record = slot.words.read();
            slot.words.witness_free(position);
            count += 1;
        }
        count
    }

    /// Goes to where producers that dropped have put the head; whether that was elsewhere.
    fn follow(&mut self) -> bool {
        // Relaxed: what lies at the new head is known by its turn.
        let now = self.shared.ends.head.0.position.load(Ordering::Relaxed);
        let moved = now != self.head.position;
        self.head.move_to(now);
        moved
    }

    /// Gives the slots back that were read; only where nobody else moves the head. None was dropped.
    ///
    /// Release, with the producers' Acquire of the head: our reads come before their writes.
    #[inline]
    fn release(&mut self, count: usize) -> usize {
        self.head.advance(count);
        let head = &self.shared.ends.head.0;
        head.position.store(self.head.position, Ordering::Release);
        self.consumed += count as u64;
        head.publish_consumed(self.consumed);
        0
    }

    /// Moves the head over `count` records that were copied. Returns how many of them, from the first, producers had
    /// dropped already; with all of them, the head is where they put it.
    ///
    /// What remains is whole for the reason given at the single producer's ring: to write over a record, a producer
    /// must have seen a head beyond it, and that is this exchange's or a later one.
    #[inline]
    fn claim(&mut self, count: usize) -> usize {
        let head = &self.shared.ends.head.0;
        let from = self.head.position;
        let to = from + count as u64;
        let mut expected = from;
        loop {
            // Success, Release: as in `release`. Failure, Relaxed: the turns tell what lies at the new head.
            match head.position.compare_exchange(expected, to, Ordering::Release, Ordering::Relaxed) {
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
