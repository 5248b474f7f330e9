//! How many records were lost, and whose.

use crate::error::{RingError, boxed};
use crate::record::instrument_of;
use crate::sync::{AtomicU64, Ordering};

/// Counters that only grow.
///
/// All relaxed: they publish nothing, and a reader that needs them exact waits until both ends are at rest.
#[derive(Debug)]
pub(crate) struct Losses {
    /// Waiting records that were dropped.
    oldest: AtomicU64,
    /// Records that never entered the ring.
    newest: AtomicU64,
    /// Waiting records that a newer one of the same subject made superfluous.
    superseded: AtomicU64,
    /// Of instrument 0, 1, 2, ...
    by_instrument: Box<[AtomicU64]>,
    /// Of all instruments beyond those.
    unlisted: AtomicU64,
}

/// Which record gave way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    Oldest,
    Newest,
    Superseded,
}

impl Losses {
    pub(crate) fn new(instruments: usize) -> Result<Self, RingError> {
        let by_instrument = boxed(instruments, || AtomicU64::new(0))?;
        let [oldest, newest, superseded, unlisted] = std::array::from_fn(|_| AtomicU64::new(0));
        Ok(Self { oldest, newest, superseded, by_instrument, unlisted })
    }

    /// Counts lost records by the first words of each; called by the one thread that counts.
    pub(crate) fn add_alone(&self, lost: Lost, first_words: impl Iterator<Item = u64>) {
        let mut count = 0;
        for word in first_words {
            // The only writer: a load and a store are an increment, and a fifth of the price of a locked one.
            add_alone(self.counter(word), 1);
            count += 1;
        }
        add_alone(self.total(lost), count);
    }

    /// The same when several threads count.
    pub(crate) fn add(&self, lost: Lost, first_words: impl Iterator<Item = u64>) {
        let mut count = 0;
        for word in first_words {
            self.counter(word).fetch_add(1, Ordering::Relaxed);
            count += 1;
        }
        self.total(lost).fetch_add(count, Ordering::Relaxed);
    }

    /// Records lost in this way.
    pub(crate) fn count(&self, lost: Lost) -> u64 {
        self.total(lost).load(Ordering::Relaxed)
    }

    pub(crate) fn of(&self, instrument: u32) -> u64 {
        self.counter(u64::from(instrument)).load(Ordering::Relaxed)
    }

    /// Instruments that lost something, ascending, and the losses of all that have no counter of their own.
    pub(crate) fn listed(&self) -> (Vec<(u32, u64)>, u64) {
        let counts = self.by_instrument.iter().map(|count| count.load(Ordering::Relaxed));
        let named = (0..).zip(counts).filter(|(_, count)| *count > 0).collect();
        (named, self.unlisted.load(Ordering::Relaxed))
    }

    fn counter(&self, word: u64) -> &AtomicU64 {
        self.by_instrument.get(instrument_of(word) as usize).unwrap_or(&self.unlisted)
    }

    fn total(&self, lost: Lost) -> &AtomicU64 {
        match lost {
            Lost::Oldest => &self.oldest,
            Lost::Newest => &self.newest,
            Lost::Superseded => &self.superseded,
        }
    }
}

fn add_alone(counter: &AtomicU64, count: u64) {
    counter.store(counter.load(Ordering::Relaxed) + count, Ordering::Relaxed);
}
