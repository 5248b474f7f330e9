//! Where the records wait: their words, and beside them which are finished.

use crate::cursor::Cursor;
use crate::error::{RingError, boxed};
use crate::record::Record;
use crate::sync::{AtomicU64, Ordering};
use crate::words::{Words, read_all, write_all};

/// Both by the same index. The words lie close together, so that a batch is one copy or two.
#[derive(Debug)]
pub(crate) struct Slots<const N: usize> {
    words: Box<[Words<N>]>,
    /// Of each slot what `single` or `first` of the record's position says; 0 before the first.
    turns: Box<[AtomicU64]>,
}

/// What a slot's turn says of the record at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is not there yet.
    Missing,
    /// It is finished.
    Single,
    /// It is the first of several that were finished together; the tail says how many.
    First,
}

/// The turn of a finished record. Positions never repeat within 2^63, so neither do turns.
fn single(position: u64) -> u64 {
    position.wrapping_add(1) << 1
}

fn first(position: u64) -> u64 {
    single(position) | 1
}

impl<const N: usize> Slots<N> {
    pub(crate) fn new(capacity: usize) -> Result<Self, RingError> {
        Ok(Self { words: boxed(capacity, Words::new)?, turns: boxed(capacity, || AtomicU64::new(0))? })
    }

    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// What there is at a place.
    ///
    /// Acquire, with the Release in `finish` and `finish_first`: the words read after this are at least those of the
    /// record that it tells of.
    #[inline]
    pub(crate) fn turn(&self, at: Cursor) -> Turn {
        match self.turns[at.index].load(Ordering::Acquire) {
            turn if turn == single(at.position) => Turn::Single,
            turn if turn == first(at.position) => Turn::First,
            _ => Turn::Missing,
        }
    }

    /// Says that the record at a place is finished: the Release for `turn`.
    #[inline]
    pub(crate) fn finish(&self, at: Cursor) {
        self.turns[at.index].store(single(at.position), Ordering::Release);
    }

    /// Says that several are finished, of which this is the first; the tail has told how many: the Release for `turn`.
    #[inline]
    pub(crate) fn finish_first(&self, at: Cursor) {
        self.turns[at.index].store(first(at.position), Ordering::Release);
    }

    /// Fills a slot that the caller has claimed.
    #[inline]
    pub(crate) fn write(&self, at: Cursor, record: &Record<N>) {
        let words = &self.words[at.index];
        words.witness_write(at.position, self.len());
        words.write(record);
    }

    /// Fills the slots from a place on, which the caller has claimed.
    #[inline]
    pub(crate) fn write_all(&self, from: Cursor, records: &[Record<N>]) {
        let (front, back) = records.split_at(from.before_end(records.len()));
        let second = from.position + front.len() as u64;
        for (words, position, records) in
            [(&self.words[from.index..], from.position, front), (&self.words[..], second, back)]
        {
            for (position, words) in (position..).zip(&words[..records.len()]) {
                words.witness_write(position, self.len());
            }
            write_all(&words[..records.len()], records);
        }
    }

    /// A copy of a slot that is whole if the slot is not given away meanwhile.
    #[inline]
    pub(crate) fn read(&self, at: Cursor) -> Record<N> {
        let words = &self.words[at.index];
        let record = words.read();
        words.witness_free(at.position);
        record
    }

    /// The same of all slots from a place on.
    #[inline]
    pub(crate) fn read_all(&self, from: Cursor, records: &mut [Record<N>]) {
        let (front, back) = records.split_at_mut(from.before_end(records.len()));
        let second = from.position + front.len() as u64;
        for (words, position, records) in
            [(&self.words[from.index..], from.position, front), (&self.words[..], second, back)]
        {
            read_all(&words[..records.len()], records);
            for (position, words) in (position..).zip(&words[..records.len()]) {
                words.witness_free(position);
            }
        }
    }

    /// Word 0 of a record that is about to be dropped, which no one can be writing.
    #[inline]
    pub(crate) fn let_go(&self, at: Cursor) -> u64 {
        let words = &self.words[at.index];
        words.witness_free(at.position);
        words.first_word()
    }
}
