//! Where a record waits: words that are atomic one by one.

use crate::record::Record;
use crate::sync::{AtomicU64, Ordering};

/// One record, word by word.
///
/// The words are copied with relaxed loads and stores. Whether what was read is one whole record is decided by the
/// positions around the copy (`docs/ring.md`), never by the words themselves.
#[derive(Debug)]
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

    /// Fills the slot; the caller has claimed it.
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

/// A record, and whether it is there.
///
/// Turn and words lie together, so that one transfer between cores brings both. A slot of 72 bytes spans two lines,
/// which the neighbours need as well.
#[derive(Debug)]
pub(crate) struct TurnSlot<const N: usize> {
    /// `position + 1` of the record that is in the slot and finished; 0 before the first.
    turn: AtomicU64,
    pub(crate) words: Words<N>,
}

impl<const N: usize> TurnSlot<N> {
    pub(crate) fn new() -> Self {
        Self { turn: AtomicU64::new(0), words: Words::new() }
    }

    /// Whether the record of this position is finished.
    ///
    /// Acquire, with the Release in `finish`: the words read after this are at least those of that record.
    #[inline]
    pub(crate) fn holds(&self, position: u64) -> bool {
        self.turn.load(Ordering::Acquire) == position + 1
    }

    /// Says that the record of this position is finished: the Release for `holds`.
    #[inline]
    pub(crate) fn finish(&self, position: u64) {
        self.turn.store(position + 1, Ordering::Release);
    }
}
