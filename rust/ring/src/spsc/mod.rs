//! One producer, one consumer: the fast path.
//!
//! ```
//! use tieout_ring::{Pushed, Settings, WhenFull, spsc};
//!
//! let settings = Settings { capacity: 3, instruments: 10 };
//! let (mut producer, mut consumer, watch) = spsc::ring::<8>(settings, WhenFull::DropOldest { batch: 2 })?;
//! for price in 0..3 {
//!     assert_eq!(producer.push(&[7, price, 0, 0, 0, 0, 0, 0]), Pushed { stored: 1, lost: 0 });
//! }
//! assert_eq!(producer.push(&[7, 3, 0, 0, 0, 0, 0, 0]), Pushed { stored: 1, lost: 2 });
//! assert_eq!(consumer.pop().map(|record| record[1]), Some(2));
//! assert_eq!(watch.lost_of(7), 2);
//! assert!(watch.account().balances());
//! # Ok::<(), tieout_ring::RingError>(())
//! ```

mod consumer;
mod producer;

pub use consumer::Consumer;
pub use producer::Producer;

use crate::account::{Account, Books, Watch};
use crate::cursor::Cursor;
use crate::ends::Ends;
use crate::error::{RingError, boxed};
use crate::losses::Losses;
use crate::record::Record;
use crate::settings::{Settings, WhenFull};
use crate::slot::TurnSlot;
use crate::sync::Arc;

/// What both ends share.
#[derive(Debug)]
struct Shared<const N: usize> {
    ends: Ends,
    slots: Box<[TurnSlot<N>]>,
}

impl<const N: usize> Shared<N> {
    /// Fills the slots from a position on, which the producer may write.
    fn write(&self, from: Cursor, records: &[Record<N>]) {
        let (front, back) = records.split_at(from.before_end(records.len()));
        let second = from.position + front.len() as u64;
        for (slots, position, records) in
            [(&self.slots[from.index..], from.position, front), (&self.slots, second, back)]
        {
            for (position, (slot, record)) in (position..).zip(slots.iter().zip(records)) {
                slot.words.witness_write(position, self.slots.len());
                slot.words.write(record);
                slot.finish(position);
            }
        }
    }

    /// Copies slots from a position on, and leaves the head where it is.
    fn read(&self, from: Cursor, records: &mut [Record<N>]) {
        let (front, back) = records.split_at_mut(from.before_end(records.len()));
        let second = from.position + front.len() as u64;
        for (slots, position, records) in
            [(&self.slots[from.index..], from.position, front), (&self.slots, second, back)]
        {
            for (position, (slot, record)) in (position..).zip(slots.iter().zip(records)) {
                *record = slot.words.read();
                slot.words.witness_free(position);
            }
        }
    }
}

impl<const N: usize> Books for Shared<N> {
    fn account(&self) -> Account {
        self.ends.account()
    }

    fn losses(&self) -> &Losses {
        &self.ends.losses.0
    }
}

/// A ring's two ends, and a look at it.
///
/// # Errors
/// Settings out of their range, or no memory.
pub fn ring<const N: usize>(
    settings: Settings,
    when_full: WhenFull,
) -> Result<(Producer<N>, Consumer<N>, Watch), RingError> {
    let settings = settings.check(when_full)?;
    let slots = boxed(settings.capacity, TurnSlot::new)?;
    let shared = Arc::new(Shared { slots, ends: Ends::new(settings)? });
    let books: Arc<dyn Books> = Arc::clone(&shared) as _;
    let producer = Producer::new(Arc::clone(&shared), when_full);
    Ok((producer, Consumer::new(shared, when_full), Watch::new(books)))
}
