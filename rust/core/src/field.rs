//! One column of both sides: what two rows have there, the same or not.

use crate::bulk::{Class, Column, Values};
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

    /// Both sides' columns as the bulk kernel takes them.
    pub(crate) fn columns(self) -> [Column<'a>; 2] {
        let ints = |column: &Ints<'a>| {
            let (values, known) = column.parts();
            Column::new(Values::I64(values), known, (Class::Number, 0))
        };
        let texts = |column: &Texts<'a>| {
            let (texts, known) = column.parts();
            Column::new(Values::Text(texts), known, (Class::Text, 0))
        };
        match self {
            Self::Ints(left, right) => [ints(left), ints(right)],
            Self::Texts(left, right) => [texts(left), texts(right)],
        }
    }

    /// Whether that side knows no value.
    pub(crate) fn is_void(&self, side: Side) -> bool {
        match self {
            Self::Ints(left, right) => pick(side, *left, *right).is_void(),
            Self::Texts(left, right) => pick(side, *left, *right).is_void(),
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
    pub(crate) fn is_known(&self, (side, row): Place) -> bool {
        match self {
            Self::Ints(left, right) => pick(side, *left, *right).is_known(row as usize),
            Self::Texts(left, right) => pick(side, *left, *right).is_known(row as usize),
        }
    }

    /// Folds the field's values in these rows of a side into the rows' hashes.
    pub(crate) fn fold(&self, side: Side, rows: &[u32], hashes: &mut [u64]) {
        match self {
            Self::Ints(left, right) => fold_ints(pick(side, *left, *right), rows, hashes),
            Self::Texts(left, right) => fold_texts(pick(side, *left, *right), rows, hashes),
        }
    }

    /// Whether each of these rows of a side holds what the leader of its class holds.
    pub(crate) fn all_same(&self, side: Side, rows: &[u32], classes: &[u32], leaders: &[u32]) -> bool {
        let led = rows.iter().zip(classes).map(|(&row, &class)| (row as usize, leaders[class as usize] as usize));
        match self {
            Self::Ints(left, right) => same_ints(pick(side, *left, *right), led),
            Self::Texts(left, right) => same_texts(pick(side, *left, *right), led),
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

// A column with nothing null and one with nothing but nulls are the usual cases, and those where a look at each value's
// bit and layout would cost more than the value.

fn fold_ints(column: &Ints<'_>, rows: &[u32], hashes: &mut [u64]) {
    let hashes = hashes.iter_mut().zip(rows);
    if let Some(values) = column.dense() {
        hashes.for_each(|(hash, &row)| *hash = mix_int(*hash, Some(values[row as usize])));
    } else if column.is_void() {
        hashes.for_each(|(hash, _)| *hash = mix_int(*hash, None));
    } else {
        hashes.for_each(|(hash, &row)| *hash = mix_int(*hash, column.get(row as usize)));
    }
}

fn fold_texts(column: &Texts<'_>, rows: &[u32], hashes: &mut [u64]) {
    let hashes = hashes.iter_mut().zip(rows);
    if let Some((views, buffers)) = column.dense() {
        hashes.for_each(|(hash, &row)| *hash = mix_text(*hash, of_view(views[row as usize], buffers)));
    } else if column.is_void() {
        hashes.for_each(|(hash, _)| *hash = mix_text(*hash, Text::Null));
    } else {
        hashes.for_each(|(hash, &row)| *hash = mix_text(*hash, column.get(row as usize)));
    }
}

fn same_ints(column: &Ints<'_>, mut led: impl Iterator<Item = (usize, usize)>) -> bool {
    match column.dense() {
        Some(values) => led.all(|(row, leader)| values[row] == values[leader]),
        None => column.is_void() || led.all(|(row, leader)| column.get(row) == column.get(leader)),
    }
}

fn same_texts(column: &Texts<'_>, mut led: impl Iterator<Item = (usize, usize)>) -> bool {
    match column.dense() {
        // Equal views are equal texts; different ones may be, if they are long.
        Some((views, _)) => {
            led.all(|(row, leader)| views[row] == views[leader] || column.get(row) == column.get(leader))
        }
        None => column.is_void() || led.all(|(row, leader)| column.get(row) == column.get(leader)),
    }
}
