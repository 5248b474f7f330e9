//! Several producers, one consumer.
//!
//! A producer claims places, writes them, and finishes them one by one. Nobody waits for anybody, but a producer that
//! is stopped between claim and finish hides the records behind its own until it goes on: the consumer finds the ring
//! empty at that place, and a full ring that would drop just that record drops the new one instead.
//!
//! ```
//! use tieout_ring::{Settings, WhenFull, mpsc};
//!
//! let settings = Settings { capacity: 4, instruments: 10 };
//! let (mut one, mut consumer, watch) = mpsc::ring::<8>(settings, WhenFull::DropNewest)?;
//! let mut other = one.clone();
//! assert_eq!(one.push(&[1; 8]).stored + other.push_batch(&[[2; 8]; 4]).stored, 4);
//! assert_eq!(std::iter::from_fn(|| consumer.pop()).count(), 4);
//! assert_eq!(watch.lost_of(2), 1);
//! # Ok::<(), tieout_ring::RingError>(())
//! ```

mod consumer;
mod producer;

pub use consumer::Consumer;
pub use producer::Producer;

use crate::account::{Books, Watch};
use crate::error::RingError;
use crate::settings::{Settings, WhenFull};
use crate::shared::Shared;
use crate::sync::Arc;

/// A ring's two ends, and a look at it; clone the producer for every source.
///
/// # Errors
/// Settings out of their range, or no memory.
pub fn ring<const N: usize>(
    settings: Settings,
    when_full: WhenFull,
) -> Result<(Producer<N>, Consumer<N>, Watch), RingError> {
    let shared = Shared::new(settings, when_full)?;
    let books: Arc<dyn Books> = Arc::clone(&shared) as _;
    let producer = Producer::new(Arc::clone(&shared), when_full);
    Ok((producer, Consumer::new(shared, when_full), Watch::new(books)))
}
