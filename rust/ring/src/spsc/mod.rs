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

use crate::account::{Books, Watch};
use crate::error::RingError;
use crate::settings::{Settings, WhenFull};
use crate::shared::Shared;
use crate::sync::Arc;

/// A ring's two ends, and a look at it.
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
