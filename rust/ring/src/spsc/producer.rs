//! The end that pushes.

use crate::account::Pushed;
use crate::cursor::{Cursor, distance};
use crate::losses::Lost;
use crate::record::Record;
use crate::settings::WhenFull;
use crate::shared::Shared;
use crate::sync::{Arc, Ordering};

/// Pushes records and never waits: each call ends after a bounded number of steps, whatever the consumer does.
#[derive(Debug)]
pub struct Producer<const N: usize> {
    shared: Arc<Shared<N>>,
    /// The next record's place. Only this end moves the tail, so its own count is the truth.
    tail: Cursor,
    /// The head when it was last looked at: never ahead of the head, so the room it gives is there.
    head_seen: u64,
    when_full: WhenFull,
}

impl<const N: usize> Producer<N> {
    pub(super) fn new(shared: Arc<Shared<N>>, when_full: WhenFull) -> Self {
        let tail = Cursor::new(shared.slots.len());
        Self { shared, tail, head_seen: 0, when_full }
    }

    /// Pushes one record; on a full ring something gives way, and the answer says how many records that cost.
    #[inline]
    pub fn push(&mut self, record: &Record<N>) -> Pushed {
        let mut lost = 0;
        if self.room() == 0 {
            lost = self.make_room(1);
            if self.room() == 0 {
                return self.refuse(std::slice::from_ref(record));
            }
        }
        self.write(record);
        Pushed { stored: 1, lost }
    }

    /// Pushes one record if there is room. If not, nothing is lost or counted, and the answer is false: for a source
    /// that can wait, such as a replay.
    #[inline]
    pub fn try_push(&mut self, record: &Record<N>) -> bool {
        if self.room() == 0 {
            self.look();
            if self.room() == 0 {
                return false;
            }
        }
        self.write(record);
        true
    }

    /// Pushes as many of the records as there is room for, from the first, and returns how many.
    pub fn try_push_batch(&mut self, records: &[Record<N>]) -> usize {
        if self.room() < records.len() {
            self.look();
        }
        let count = self.room().min(records.len());
        if count > 0 {
            self.write_all(&records[..count]);
        }
        count
    }

    /// Pushes records in order, as that many single pushes would, but shows them to the consumer together.
    pub fn push_batch(&mut self, records: &[Record<N>]) -> Pushed {
        let mut pushed = Pushed::default();
        let mut rest = records;
        while !rest.is_empty() {
            if self.room() < rest.len() {
                pushed.lost += self.make_room(rest.len());
            }
            let count = self.room().min(rest.len());
            if count == 0 {
                pushed.lost += self.refuse(rest).lost;
                return pushed;
            }
            let (now, later) = rest.split_at(count);
            self.write_all(now);
            pushed.stored += count;
            rest = later;
        }
        pushed
    }

    /// Records that fit for sure.
    #[inline]
    fn room(&self) -> usize {
        self.tail.capacity() - distance(self.head_seen, self.tail.position)
    }

    /// Writes a record for which there is room, and publishes it.
    #[inline]
    fn write(&mut self, record: &Record<N>) {
        let place = self.tail;
        self.shared.slots.write(place, record);
        self.tail.advance(1);
        self.publish();
        self.shared.slots.finish(place);
    }

    /// Writes records for which there is room, and publishes them.
    fn write_all(&mut self, records: &[Record<N>]) {
        if let [record] = records {
            return self.write(record);
        }
        let first = self.tail;
        self.shared.slots.write_all(first, records);
        self.tail.advance(records.len());
        self.publish();
        self.shared.slots.finish_first(first);
    }

    /// Shows what was written, to `drain`; and to `pop`, when the turn is stored after it.
    ///
    /// Release, with the Acquire of the consumer's `look_at_tail`: the words come before the position that tells of them.
    #[inline]
    fn publish(&self) {
        self.shared.ends.tail.0.store(self.tail.position, Ordering::Release);
    }

    /// Looks at the head again.
    ///
    /// Acquire, with the consumer's Release of the head: its reads of the slots come before our writes to them.
    #[inline]
    fn look(&mut self) {
        self.head_seen = self.shared.ends.head.0.position.load(Ordering::Acquire);
    }

    /// Looks at the head again, and if the ring is full even so, drops a batch of the oldest. Returns how many.
    ///
    /// `wanted` spares the drop where there is some room: a batch push fills that first.
    #[cold]
    fn make_room(&mut self, wanted: usize) -> usize {
        debug_assert!(self.room() < wanted, "there is room");
        self.look();
        let WhenFull::DropOldest { batch } = self.when_full else { return 0 };
        if self.room() > 0 {
            return 0;
        }
        let from = self.head_seen;
        let to = from + batch as u64;
        // Success, Release: whoever sees the new head (the consumer's failed exchange) also sees a tail that is not
        // behind it. What the consumer read up to `from` is covered by `look`, which found the same head.
        // Failure, Acquire: the consumer moved the head; that is room, got as by `look`.
        match self.shared.ends.head.0.position.compare_exchange(from, to, Ordering::Release, Ordering::Acquire) {
            Ok(_) => {
                self.head_seen = to;
                self.count_dropped(batch);
                batch
            }
            Err(now) => {
                self.head_seen = now;
                0
            }
        }
    }

    /// Counts the `batch` oldest records of a ring that was full: they begin where the next one goes.
    fn count_dropped(&self, batch: usize) {
        let slots = &self.shared.slots;
        let mut oldest = self.tail.lap_before();
        // Their words are what this thread wrote.
        let words = std::iter::repeat_with(|| {
            let word = slots.let_go(oldest);
            oldest.advance(1);
            word
        })
        .take(batch);
        self.shared.ends.losses.0.add_alone(Lost::Oldest, words);
    }

    #[cold]
    fn refuse(&self, records: &[Record<N>]) -> Pushed {
        self.shared.ends.losses.0.add_alone(Lost::Newest, records.iter().map(|record| record[0]));
        Pushed { stored: 0, lost: records.len() }
    }
}
