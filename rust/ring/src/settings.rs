//! How large a ring is, and what gives way when it is full.

use crate::error::RingError;

/// The most records that a ring holds: 1 GiB of 64-byte records.
pub const CAPACITY_MAX: usize = 1 << 24;

/// The most instruments whose losses are counted one by one.
pub const INSTRUMENTS_MAX: usize = 1 << 20;

/// What gives way when a ring is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// The record that is being pushed.
    DropNewest,
    /// The oldest `batch` records (fewer, if fewer wait).
    DropOldest {
        /// `backpressure_drop_count`: 1 to the capacity.
        batch: usize,
    },
}

impl WhenFull {
    /// Whether producers move the head too.
    pub(crate) fn is_contested(self) -> bool {
        matches!(self, Self::DropOldest { .. })
    }
}

/// What a ring is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// `max_event_queue_size`: so many records may wait, not one more or fewer. 1 to [`CAPACITY_MAX`].
    pub capacity: usize,
    /// Losses of the instruments 0 to `instruments - 1` are counted one by one, those of all others as one.
    pub instruments: usize,
}

impl Settings {
    /// The settings, if a ring can be made of them.
    ///
    /// # Errors
    /// A number out of its range.
    pub fn check(self, when_full: WhenFull) -> Result<Self, RingError> {
        let Self { capacity, instruments } = self;
        if !(1..=CAPACITY_MAX).contains(&capacity) {
            return Err(RingError::Capacity { found: capacity, limit: CAPACITY_MAX });
        }
        if instruments > INSTRUMENTS_MAX {
            return Err(RingError::Instruments { found: instruments, limit: INSTRUMENTS_MAX });
        }
        match when_full {
            WhenFull::DropOldest { batch } if !(1..=capacity).contains(&batch) => {
                Err(RingError::Batch { found: batch, capacity })
            }
            WhenFull::DropNewest | WhenFull::DropOldest { .. } => Ok(self),
        }
    }
}
