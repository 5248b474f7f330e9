//! The consumer's own count of what it has taken, and how it takes.

use crate::cursor::{Cursor, distance};
use crate::ends::Ends;
use crate::settings::WhenFull;
use crate::sync::Ordering;

/// The consumer's side of the head.
#[derive(Debug)]
pub(crate) struct Taken {
    /// The oldest record that this end knows to wait; a producer that drops may have moved on.
    pub(crate) head: Cursor,
    /// Records handed out since the start, where the head counts those that were dropped as well.
    consumed: u64,
    /// Whether producers move the head too.
    pub(crate) contested: bool,
}

impl Taken {
    pub(crate) fn new(capacity: usize, when_full: WhenFull) -> Self {
        Self { head: Cursor::new(capacity), consumed: 0, contested: when_full.is_contested() }
    }

    /// Goes to where producers that dropped have put the head; whether that was elsewhere.
    #[cold]
    pub(crate) fn follow(&mut self, ends: &Ends) -> bool {
        // Acquire, with the Release of the producer's exchange: a tail that is not behind this head.
        let now = ends.head.0.position.load(Ordering::Acquire);
        let moved = now != self.head.position;
        self.head.move_to(now);
        moved
    }

    /// Takes `count` records that were copied from the head on. Returns how many of them, from the first, producers had
    /// dropped already; with all of them, the head is where they put it.
    #[inline]
    pub(crate) fn take(&mut self, ends: &Ends, count: usize) -> usize {
        if self.contested { self.claim(ends, count) } else { self.release(ends, count) }
    }

    /// Gives the slots back that were read; only where nobody else moves the head. None was dropped.
    ///
    /// Release, with the producers' Acquire of the head: our reads come before their writes.
    #[inline]
    fn release(&mut self, ends: &Ends, count: usize) -> usize {
        self.head.advance(count);
        ends.head.0.position.store(self.head.position, Ordering::Release);
        0
    }

    /// Moves the head by an exchange.
    ///
    /// Why what remains is whole: to write over a record, a producer must have seen a head beyond it. The head only
    /// grows, and this exchange found it at or before the record, so that head is this exchange's or a later one; by
    /// Release here and Acquire there our reads came first.
    #[inline]
    fn claim(&mut self, ends: &Ends, count: usize) -> usize {
        let head = &ends.head.0;
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
