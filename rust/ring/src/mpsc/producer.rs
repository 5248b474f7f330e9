//! An end that pushes, beside others.

use crate::account::Pushed;
use crate::cursor::{Cursor, distance};
use crate::losses::Lost;
use crate::record::Record;
use crate::settings::WhenFull;
use crate::shared::Shared;
use crate::slots::Turn;
use crate::sync::{Arc, Ordering};

/// Pushes records and never waits; a call repeats a step only because another end got on.
#[derive(Debug, Clone)]
pub struct Producer<const N: usize> {
    shared: Arc<Shared<N>>,
    /// The last place that this producer claimed, from which the next one's slot is found.
    tail: Cursor,
    /// Follows the head the same way, when records are dropped.
    head: Cursor,
    /// A head that was seen: never ahead of the head, so the room it gives is there.
    head_seen: u64,
    when_full: WhenFull,
    /// Scratch: the first words of records that are about to be dropped.
    dropping: Vec<u64>,
}

/// What became of an attempt to drop the oldest.
enum Eviction {
    /// So many are gone.
    Dropped(usize),
    /// Another end moved meanwhile.
    Raced,
    /// The oldest is still being written.
    Unfinished,
}

impl<const N: usize> Producer<N> {
    pub(super) fn new(shared: Arc<Shared<N>>, when_full: WhenFull) -> Self {
        let start = Cursor::new(shared.slots.len());
        Self { shared, tail: start, head: start, head_seen: 0, when_full, dropping: Vec::new() }
    }

    /// Pushes one record; on a full ring something gives way, and the answer says how many records that cost.
    #[inline]
    pub fn push(&mut self, record: &Record<N>) -> Pushed {
        self.push_batch(std::slice::from_ref(record))
    }

    /// Pushes one record if there is room. If not, nothing is lost or counted, and the answer is false: for a source
    /// that can wait, such as a replay.
    #[inline]
    pub fn try_push(&mut self, record: &Record<N>) -> bool {
        self.try_push_batch(std::slice::from_ref(record)) == 1
    }

    /// Pushes as many of the records as there is room for, from the first, and returns how many.
    pub fn try_push_batch(&mut self, records: &[Record<N>]) -> usize {
        let mut stored = 0;
        while stored < records.len()
            && let Some(count) = self.claim(records.len() - stored)
        {
            self.write_all(&records[stored..stored + count]);
            stored += count;
        }
        stored
    }

    /// Pushes records in order; those of other producers may come in between.
    pub fn push_batch(&mut self, records: &[Record<N>]) -> Pushed {
        let mut pushed = Pushed::default();
        let mut rest = records;
        while !rest.is_empty() {
            if let Some(count) = self.claim(rest.len()) {
                let (now, later) = rest.split_at(count);
                self.write_all(now);
                pushed.stored += count;
                rest = later;
                continue;
            }
            let eviction = match self.when_full {
                WhenFull::DropNewest => Eviction::Unfinished,
                WhenFull::DropOldest { batch } => self.evict(batch),
            };
            match eviction {
                Eviction::Dropped(count) => pushed.lost += count,
                Eviction::Raced => {}
                Eviction::Unfinished => {
                    self.shared.ends.losses.0.add(Lost::Newest, rest.iter().map(|record| record[0]));
                    pushed.lost += rest.len();
                    return pushed;
                }
            }
        }
        pushed
    }

    /// Claims up to `wanted` places, the first of which `self.tail` then is; `None` when the ring is full.
    #[inline]
    fn claim(&mut self, wanted: usize) -> Option<usize> {
        let ends = &self.shared.ends;
        let capacity = self.tail.capacity() as u64;
        // Relaxed: the tail claims places and publishes nothing; a finished record is known by its turn.
        let mut from = ends.tail.0.load(Ordering::Relaxed);
        loop {
            let mut room_end = self.head_seen + capacity;
            if room_end < from + wanted as u64 {
                // Acquire, with the Release of whoever freed the places (the consumer, or a producer that dropped):
                // its reads of the slots, and through it all earlier writes to them, come before our writes.
                self.head_seen = ends.head.0.position.load(Ordering::Acquire);
                room_end = self.head_seen + capacity;
            }
            if room_end <= from {
                return None;
            }
            let to = room_end.min(from + wanted as u64);
            // A tail that is out of date, even behind the head, fails here.
            match ends.tail.0.compare_exchange_weak(from, to, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => {
                    self.tail.move_to(from);
                    return Some(distance(from, to));
                }
                Err(now) => from = now,
            }
        }
    }

    /// Writes records to the places that were claimed for them.
    fn write_all(&self, records: &[Record<N>]) {
        let (slots, mut place) = (&self.shared.slots, self.tail);
        for record in records {
            slots.write(place, record);
            slots.finish(place);
            place.advance(1);
        }
    }

    /// Drops the oldest records of a full ring: up to `batch`, and only finished ones, since a place must not be
    /// given away while its producer still writes to it.
    #[cold]
    fn evict(&mut self, batch: usize) -> Eviction {
        let ends = &self.shared.ends;
        // The head at which the ring was found full, got with Acquire. Had it been moved since, there might be room.
        let from = self.head_seen;
        self.head.move_to(from);
        self.dropping.clear();
        let (slots, mut oldest) = (&self.shared.slots, self.head);
        while self.dropping.len() < batch && slots.turn(oldest) != Turn::Missing {
            self.dropping.push(slots.let_go(oldest));
            oldest.advance(1);
        }
        let count = self.dropping.len();
        if count == 0 {
            let moved = ends.head.0.position.load(Ordering::Relaxed) != from;
            return if moved { Eviction::Raced } else { Eviction::Unfinished };
        }
        // Success, Release: our reads of the first words come before the writes of whoever sees the new head; they are
        // right for the reason given in the consumer's `claim`. Failure, Relaxed: what it found is not used.
        match ends.head.0.position.compare_exchange(from, from + count as u64, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => {
                ends.losses.0.add(Lost::Oldest, self.dropping.iter().copied());
                Eviction::Dropped(count)
            }
            Err(_) => Eviction::Raced,
        }
    }
}
