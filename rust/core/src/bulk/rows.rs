//! Which rows of a side are encoded together.

use std::ops::Range;

/// At most a block of rows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rows<'r> {
    /// Neighbours: the first, and the one after the last.
    Run(usize, usize),
    /// Any.
    Picked(&'r [u32]),
}

impl From<Range<usize>> for Rows<'_> {
    fn from(rows: Range<usize>) -> Self {
        Self::Run(rows.start, rows.end)
    }
}

impl<'r> Rows<'r> {
    /// How many.
    #[inline]
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Run(start, end) => end - start,
            Self::Picked(rows) => rows.len(),
        }
    }

    /// The row at that place.
    #[inline]
    pub(crate) fn row(self, at: usize) -> usize {
        match self {
            Self::Run(start, _) => start + at,
            Self::Picked(rows) => rows[at] as usize,
        }
    }

    /// All of them.
    #[inline]
    pub(crate) fn iter(self) -> impl Iterator<Item = usize> + 'r {
        (0..self.len()).map(move |at| self.row(at))
    }
}
