//! One column of both sides: what two rows have there, the same or not.

use std::ops::Range;

use crate::column::{Ints, Text, Texts, of_view};
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
            Self::Ints(left, right) => each_int(pick(side, *left, *right), rows, |at, value| {
                hashes[at] = mix_int(hashes[at], value);
                true
            }),
            Self::Texts(left, right) => each_text(pick(side, *left, *right), rows, |at, value| {
                hashes[at] = mix_text(hashes[at], value);
                true
            }),
        };
    }

    /// Whether each of these rows of a side holds what the leader of its class holds.
    pub(crate) fn all_same(&self, side: Side, rows: &[u32], classes: &[u32], leaders: &[u32]) -> bool {
        match self {
            Self::Ints(left, right) => {
                let column = pick(side, *left, *right);
                each_int(column, rows, |at, value| value == column.get(leaders[classes[at] as usize] as usize))
            }
            Self::Texts(left, right) => {
                let column = pick(side, *left, *right);
                each_text(column, rows, |at, value| value == column.get(leaders[classes[at] as usize] as usize))
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

/// The rows as a range, where they follow one another.
fn range(rows: &[u32]) -> Option<Range<usize>> {
    let (first, last) = (*rows.first()?, *rows.last()?);
    (first..=last).eq(rows.iter().copied()).then_some(first as usize..last as usize + 1)
}

/// Shows each row's value to `see` until it answers false; whether it never did.
///
/// A whole column, nothing of it null, is the usual case and the one where bounds and bits cost more than the values.
#[inline]
fn each_int(column: &Ints<'_>, rows: &[u32], mut see: impl FnMut(usize, Option<i64>) -> bool) -> bool {
    match range(rows).and_then(|range| column.dense(range)) {
        Some(values) => values.iter().enumerate().all(|(at, &value)| see(at, Some(value))),
        None => rows.iter().enumerate().all(|(at, &row)| see(at, column.get(row as usize))),
    }
}

/// The same for text.
#[inline]
fn each_text<'a>(column: &'a Texts<'_>, rows: &[u32], mut see: impl FnMut(usize, Text<'a>) -> bool) -> bool {
    match range(rows).and_then(|range| column.dense(range)) {
        Some((views, buffers)) => views.iter().enumerate().all(|(at, &view)| see(at, of_view(view, buffers))),
        None => rows.iter().enumerate().all(|(at, &row)| see(at, column.get(row as usize))),
    }
}
