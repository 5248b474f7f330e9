//! A record's words, which one thread may read while another writes them.
//!
//! Whether what was read is one whole record is decided by the positions around the copy (`docs/ring.md`), never by the
//! words themselves: a race is a wrong value that is thrown away. Single records are copied by relaxed atomic words. On
//! x86-64 a batch is copied by wide moves (`moves`); elsewhere, and where a tool is to see each word, word by word too.

use crate::record::Record;
use crate::sync::{AtomicU64, Ordering};

/// One record. One of 64 bytes fills a cache line, and its neighbours lie without a gap.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Words<const N: usize> {
    words: [AtomicU64; N],
    /// Under loom and Miri: the lap that has been read or dropped for sure. A relaxed store by whoever frees the slot
    /// stands for its reads; whoever fills the slot must see it. So a missing happens-before edge becomes a stale
    /// value here, which both tools show, although neither lets a load see a later store.
    #[cfg(any(loom, miri))]
    freed: AtomicU64,
}

impl<const N: usize> Words<N> {
    pub(crate) fn new() -> Self {
        const { assert!(N > 0, "a record has at least one word") };
        Self {
            words: std::array::from_fn(|_| AtomicU64::new(0)),
            #[cfg(any(loom, miri))]
            freed: AtomicU64::new(0),
        }
    }

    /// Fills the slot; the caller has claimed it. Word by word, as the record has just been made word by word: a wide
    /// load would wait for those stores.
    #[inline]
    pub(crate) fn write(&self, record: &Record<N>) {
        for (word, value) in self.words.iter().zip(record) {
            word.store(*value, Ordering::Relaxed);
        }
    }

    /// A copy that is whole if the slot was not given away meanwhile.
    #[inline]
    pub(crate) fn read(&self) -> Record<N> {
        std::array::from_fn(|number| self.words[number].load(Ordering::Relaxed))
    }

    /// Word 0 alone.
    #[inline]
    pub(crate) fn first_word(&self) -> u64 {
        self.words[0].load(Ordering::Relaxed)
    }

    /// Says, under loom and Miri, that the record of this position needs its slot no longer.
    #[inline]
    #[cfg_attr(not(any(loom, miri)), expect(clippy::unused_self, reason = "there is no witness in this build"))]
    pub(crate) fn witness_free(&self, position: u64) {
        #[cfg(any(loom, miri))]
        self.freed.fetch_max(position + 1, Ordering::Relaxed);
        #[cfg(not(any(loom, miri)))]
        let _ = position;
    }

    /// Checks, under loom and Miri, that the record one lap before this position was freed before this one is written.
    #[inline]
    #[cfg_attr(not(any(loom, miri)), expect(clippy::unused_self, reason = "there is no witness in this build"))]
    pub(crate) fn witness_write(&self, position: u64, capacity: usize) {
        #[cfg(any(loom, miri))]
        if let Some(before) = position.checked_sub(capacity as u64) {
            assert!(self.freed.load(Ordering::Relaxed) > before, "slot of {position} is still being read");
        }
        #[cfg(not(any(loom, miri)))]
        let _ = (position, capacity);
    }
}

/// So many slots have no gap between their words.
#[cfg(wide_words)]
const fn run<const N: usize>() -> usize {
    if size_of::<Words<N>>() == size_of::<Record<N>>() { usize::MAX } else { 1 }
}

/// Fills slots, one for each record, which the caller has claimed.
#[inline]
pub(crate) fn write_all<const N: usize>(slots: &[Words<N>], records: &[Record<N>]) {
    assert_eq!(slots.len(), records.len(), "a slot for each record");
    #[cfg(wide_words)]
    for (slots, records) in slots.chunks(run::<N>()).zip(records.chunks(run::<N>())) {
        // SAFETY: the slots are as many words as the records and lie without a gap. Atomics may be changed through a
        // shared reference, and the records do not overlap them, as nobody hands out references to slots.
        unsafe {
            crate::moves::copy(records.as_ptr().cast(), slots.as_ptr().cast_mut().cast(), N * records.len());
        }
    }
    #[cfg(not(wide_words))]
    for (slot, record) in slots.iter().zip(records) {
        slot.write(record);
    }
}

/// Copies slots; a copy is whole if its slot was not given away meanwhile.
#[inline]
pub(crate) fn read_all<const N: usize>(slots: &[Words<N>], records: &mut [Record<N>]) {
    assert_eq!(slots.len(), records.len(), "a slot for each record");
    #[cfg(wide_words)]
    for (slots, records) in slots.chunks(run::<N>()).zip(records.chunks_mut(run::<N>())) {
        // SAFETY: as in `write_all`; the records are the caller's alone.
        unsafe {
            crate::moves::copy(slots.as_ptr().cast(), records.as_mut_ptr().cast(), N * records.len());
        }
    }
    #[cfg(not(wide_words))]
    for (slot, record) in slots.iter().zip(records) {
        *record = slot.read();
    }
}

#[cfg(all(test, not(loom)))]
#[path = "words_tests.rs"]
mod tests;
