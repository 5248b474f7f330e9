//! Quotes give way to newer quotes, and trades are kept.
//!
//! While there is room, every record waits and comes out in the order it went in. When the ring is full, one record
//! makes room, the first there is of:
//!
//! 1. a waiting quote that is superseded: a newer one of the same instrument, kind and field waits or is being pushed;
//!    the one superseded first goes first, and counts as conflated;
//! 2. the oldest waiting quote, which counts as dropped;
//! 3. with trades alone waiting: the oldest of them if a trade is pushed, else the quote that is pushed; dropped.
//!
//! What a quote is, its record says ([`crate::record::SUPERSEDES`]); every other record counts as a trade.
//!
//! **Not lock-free.** All ends share one short lock: a thread that the scheduler stops while it holds it stops the
//! others. It is held for at most [`HELD_RECORDS_MAX`] records at a time.
//!
//! ```
//! use tieout_ring::record::SUPERSEDES;
//! use tieout_ring::{Settings, conflate};
//!
//! let (producer, consumer, watch) = conflate::ring::<2>(Settings { capacity: 2, instruments: 10 })?;
//! let quote = |price| [7 | SUPERSEDES, price];
//! assert_eq!(producer.push_batch(&[quote(1), [7, 100], quote(2)]).lost, 1);
//! let mut records = [[0; 2]; 4];
//! assert_eq!(consumer.drain(&mut records), 2);
//! assert_eq!(records[..2], [[7, 100], quote(2)]);
//! assert_eq!(watch.account().conflated, 1);
//! # Ok::<(), tieout_ring::RingError>(())
//! ```

mod queue;

use std::sync::PoisonError;

use crate::account::{Account, Books, Pushed, Watch};
use crate::error::RingError;
use crate::losses::Losses;
use crate::record::Record;
use crate::settings::{Settings, WhenFull};
use crate::sync::{Arc, Mutex, MutexGuard};
use queue::Queue;

/// The lock is given back after so many records.
pub const HELD_RECORDS_MAX: usize = 256;

/// What all ends share.
#[derive(Debug)]
struct Shared<const N: usize> {
    queue: Mutex<Queue<N>>,
    losses: Losses,
}

impl<const N: usize> Shared<N> {
    /// The lock. A panic elsewhere while it was held is no reason to lose ticks: no step leaves the queue half changed.
    fn queue(&self) -> MutexGuard<'_, Queue<N>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<const N: usize> Books for Shared<N> {
    fn account(&self) -> Account {
        self.queue().account(&self.losses)
    }

    fn losses(&self) -> &Losses {
        &self.losses
    }
}

/// A ring's two ends, and a look at it; clone the producer for every source.
///
/// # Errors
/// Settings out of their range, or no memory.
pub fn ring<const N: usize>(settings: Settings) -> Result<(Producer<N>, Consumer<N>, Watch), RingError> {
    let Settings { capacity, instruments } = settings.check(WhenFull::DropNewest)?;
    let shared = Arc::new(Shared { queue: Mutex::new(Queue::new(capacity)?), losses: Losses::new(instruments)? });
    let books: Arc<dyn Books> = Arc::clone(&shared) as _;
    Ok((Producer { shared: Arc::clone(&shared) }, Consumer { shared }, Watch::new(books)))
}

/// An end that pushes.
#[derive(Debug, Clone)]
pub struct Producer<const N: usize> {
    shared: Arc<Shared<N>>,
}

impl<const N: usize> Producer<N> {
    /// Pushes one record.
    pub fn push(&self, record: &Record<N>) -> Pushed {
        self.push_batch(std::slice::from_ref(record))
    }

    /// Pushes one record if there is room. If not, nothing is lost or counted, and the answer is false: for a source
    /// that can wait, such as a replay.
    #[must_use]
    pub fn try_push(&self, record: &Record<N>) -> bool {
        let mut queue = self.shared.queue();
        let free = queue.has_room();
        free && queue.push(record, &self.shared.losses).stored == 1
    }

    /// Pushes records in order; those of other producers may come in between.
    pub fn push_batch(&self, records: &[Record<N>]) -> Pushed {
        let mut pushed = Pushed::default();
        for some in records.chunks(HELD_RECORDS_MAX) {
            let mut queue = self.shared.queue();
            for record in some {
                let one = queue.push(record, &self.shared.losses);
                pushed.stored += one.stored;
                pushed.lost += one.lost;
            }
        }
        pushed
    }
}

/// The end that takes.
#[derive(Debug)]
pub struct Consumer<const N: usize> {
    shared: Arc<Shared<N>>,
}

impl<const N: usize> Consumer<N> {
    /// The oldest waiting record.
    #[must_use]
    pub fn pop(&self) -> Option<Record<N>> {
        self.shared.queue().pop()
    }

    /// Fills `records` from its beginning with the oldest waiting ones and returns how many there were.
    pub fn drain(&self, records: &mut [Record<N>]) -> usize {
        let mut count = 0;
        for some in records.chunks_mut(HELD_RECORDS_MAX) {
            let mut queue = self.shared.queue();
            for place in some {
                let Some(record) = queue.pop() else { return count };
                *place = record;
                count += 1;
            }
        }
        count
    }
}
