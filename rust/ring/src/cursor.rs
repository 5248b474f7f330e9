//! A position that never wraps, and the slot it falls on.

/// Counts records since the start; `index` is `position` modulo `capacity`, kept without a division.
///
/// Exact capacities cost no more than powers of two that way: a step is an increment and a compare. At a thousand
/// million records a second a position lasts for 584 years.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor {
    /// Records since the start.
    pub(crate) position: u64,
    /// In `0..capacity`.
    pub(crate) index: usize,
    /// In `1..=CAPACITY_MAX`.
    capacity: usize,
}

impl Cursor {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { position: 0, index: 0, capacity }
    }

    pub(crate) fn capacity(self) -> usize {
        self.capacity
    }

    /// Moves on by `count` records, at most the capacity.
    #[inline]
    pub(crate) fn advance(&mut self, count: usize) {
        debug_assert!(count <= self.capacity, "{count} of {}", self.capacity);
        // Neither can overflow: see above, and an index and a count are at most the capacity.
        self.position = self.position.wrapping_add(count as u64);
        let index = self.index.wrapping_add(count);
        self.index = if index >= self.capacity { index.wrapping_sub(self.capacity) } else { index };
    }

    /// Moves to a later position, however far: a step if it is within one lap, else a division.
    #[inline]
    pub(crate) fn move_to(&mut self, position: u64) {
        let ahead = position - self.position;
        match usize::try_from(ahead) {
            Ok(count) if count <= self.capacity => self.advance(count),
            _ => *self = Self { position, index: remainder(position, self.capacity), capacity: self.capacity },
        }
    }

    /// The same slot one lap before; there was one.
    pub(crate) fn lap_before(self) -> Self {
        Self { position: self.position - self.capacity as u64, ..self }
    }

    /// How many of the next `count` records lie before the ring's end; the others begin at slot 0.
    #[inline]
    pub(crate) fn before_end(self, count: usize) -> usize {
        count.min(self.capacity - self.index)
    }
}

/// From one position to a later one, where the ring bounds the distance by its capacity or a caller by a usize.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the callers' bounds are usizes")]
pub(crate) fn distance(from: u64, to: u64) -> usize {
    (to - from) as usize
}

#[cold]
fn remainder(position: u64, capacity: usize) -> usize {
    usize::try_from(position % capacity as u64).unwrap_or(0) // below the capacity, so it always fits
}
