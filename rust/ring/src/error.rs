//! What a ring refuses. A full ring is no error: it is an outcome ([`crate::Pushed`]).

use thiserror::Error;

/// Settings that no ring can be made of.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RingError {
    /// A ring holds at least one record and at most [`crate::settings::CAPACITY_MAX`].
    #[error("the ring's capacity is {found}; expected 1 to {limit}")]
    Capacity {
        /// What was asked for.
        found: usize,
        /// How large it may be.
        limit: usize,
    },
    /// So many records can not be dropped at once.
    #[error("{found} records are to be dropped at once; expected 1 to the ring's capacity, {capacity}")]
    Batch {
        /// What was asked for.
        found: usize,
        /// The ring's capacity.
        capacity: usize,
    },
    /// Losses are counted for at most [`crate::settings::INSTRUMENTS_MAX`] instruments.
    #[error("losses are to be counted for {found} instruments; expected at most {limit}")]
    Instruments {
        /// What was asked for.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The memory is not there.
    #[error("no memory for {found} records or counters of {bytes} bytes each; choose a smaller capacity")]
    Memory {
        /// How many were to be made.
        found: usize,
        /// The size of each.
        bytes: usize,
    },
}

/// A vector of exactly `length` made values, or the error that there is no memory for it.
pub(crate) fn boxed<T>(length: usize, make: impl FnMut() -> T) -> Result<Box<[T]>, RingError> {
    let mut values = Vec::new();
    values
        .try_reserve_exact(length)
        .map_err(|_| RingError::Memory { found: length, bytes: std::mem::size_of::<T>() })?;
    values.extend(std::iter::repeat_with(make).take(length));
    Ok(values.into_boxed_slice())
}
