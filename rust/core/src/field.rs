//! One column of both sides: what two rows have there, the same or not.

use crate::column::{Ints, Text, Texts};
use crate::mix::{mix_int, mix_text};

/// A side of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// A row of one of the sides.
pub(crate) type Place = (Side, u32);

/// The same column of both sides.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Field<'a> {
    Ints(&'a Ints<'a>, &'a Ints<'a>),
    Texts(&'a Texts<'a>, &'a Texts<'a>),
}

impl<'a> Field<'a> {
    /// Both sides of this field are the left one's.
    pub(crate) fn left_twice(self) -> Self {
        match self {
            Self::Ints(left, _) => Self::Ints(left, left),
            Self::Texts(left, _) => Self::Texts(left, left),
        }
    }

    /// Whether the two places hold the same, where null is the same as null.
    #[inline]
    pub(crate) fn same(&self, a: Place, b: Place) -> bool {
        match self {
            Self::Ints(..) => self.int(a) == self.int(b),
            Self::Texts(..) => self.text(a) == self.text(b),
        }
    }

    /// Whether both values are known and differ.
    pub(crate) fn contradicts(&self, a: Place, b: Place) -> bool {
        self.is_known(a) && self.is_known(b) && !self.same(a, b)
    }

    /// Whether the value there is known.
    pub(crate) fn is_known(&self, place: Place) -> bool {
        match self {
            Self::Ints(..) => self.int(place).is_some(),
            Self::Texts(..) => self.text(place) != Text::Null,
        }
    }

    /// Folds the field's values in these rows of a side into the rows' hashes.
    pub(crate) fn fold(&self, side: Side, rows: &[u32], hashes: &mut [u64]) {
        match self {
            Self::Ints(left, right) => {
                let column = pick(side, *left, *right);
                for (hash, &row) in hashes.iter_mut().zip(rows) {
                    *hash = mix_int(*hash, column.get(row as usize));
                }
            }
            Self::Texts(left, right) => {
                let column = pick(side, *left, *right);
                for (hash, &row) in hashes.iter_mut().zip(rows) {
                    *hash = mix_text(*hash, column.get(row as usize));
                }
            }
        }
    }

    #[inline]
    fn int(&self, (side, row): Place) -> Option<i64> {
        match self {
            Self::Ints(left, right) => pick(side, *left, *right).get(row as usize),
            Self::Texts(..) => None,
        }
    }

    #[inline]
    fn text(&self, (side, row): Place) -> Text<'a> {
        match self {
            Self::Texts(left, right) => pick(side, *left, *right).get(row as usize),
            Self::Ints(..) => Text::Null,
        }
    }
}

#[inline]
fn pick<T>(side: Side, left: T, right: T) -> T {
    match side {
        Side::Left => left,
        Side::Right => right,
    }
}
