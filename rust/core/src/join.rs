//! The tiers' question to the bulk kernel: which of these rows have the same key, and which of their terms contradict.
//!
//! The kernel deals out and joins whole sides; rows that do not take part have a null key there. Few rows are brought
//! together one by one (`bulk::group`, what the kernel decides its own rest with): for a book of a thousand orders the
//! kernel's plan and parts would take longer than the work, and for a tier's small rest so would reading both sides.

use crate::bulk::compare::mask;
use crate::bulk::group::{Entry, each_key, hashed};
use crate::bulk::sides::Sides;
use crate::bulk::twin::Nulls;
use crate::bulk::{Column, Diff, Memory, Request, split};
use crate::column::Bits;
use crate::field::{Field, Side};

/// Rows of both sides that are always brought together one by one.
const ROWS_FEW: usize = 1 << 12;
/// So are fewer than one in so many of the rows that there are.
const SHARE_FEW: usize = 8;

/// A pair of rows whose key is on each side once, with a bit for each term that both know and that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Single {
    pub(crate) left: u32,
    pub(crate) right: u32,
    pub(crate) differing: u64,
}

/// Rows that share a key that both sides have: in ascending order, at least one on each side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) left: Vec<u32>,
    pub(crate) right: Vec<u32>,
}

/// The keys that both sides have; keys of one side alone are left out.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// Found once on each side, in no order that means anything.
    pub(crate) single: Vec<Single>,
    /// Found more than once on a side, ordered by the first left row.
    pub(crate) many: Vec<Group>,
}

/// How the rows are brought together; the answer is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    OneByOne,
    DealtOut,
}

/// Joins rows, ascending on each side, whose keys are all known, by at least one key; at most 64 terms.
pub(crate) fn join(keys: &[Field<'_>], terms: &[Field<'_>], rows: (&[u32], &[u32])) -> Groups {
    let taking_part = rows.0.len() + rows.1.len();
    let all: usize = keys[0].columns().iter().map(Column::len).sum();
    let few = taking_part <= ROWS_FEW || taking_part < all / SHARE_FEW;
    join_by(keys, terms, (rows, if few { Way::OneByOne } else { Way::DealtOut }))
}

fn join_by(keys: &[Field<'_>], terms: &[Field<'_>], (rows, way): ((&[u32], &[u32]), Way)) -> Groups {
    let (mut left, mut right): (Vec<Column<'_>>, Vec<Column<'_>>) =
        keys.iter().chain(terms).map(|field| <(_, _)>::from(field.columns())).unzip();
    let bits = (bitmap(rows.0, left[0].len()), bitmap(rows.1, right[0].len()));
    if way == Way::DealtOut {
        left[0] = chosen(&left[0], bits.0.as_deref());
        right[0] = chosen(&right[0], bits.1.as_deref());
    }
    let request = Request { left: &left, right: &right, keys: keys.len(), tolerances: &[], list_equal: true };
    let mut sides = Sides::new(&request).expect("columns of one length, of one type on both sides");
    sides.fields.iter_mut().for_each(|field| field.nulls = Nulls::BothSilent);
    let mut groups = match way {
        Way::OneByOne => one_by_one(&sides, rows),
        Way::DealtOut => dealt_out(&sides),
    };
    groups.many.sort_unstable_by_key(|group| group.left[0]);
    groups
}

fn one_by_one(sides: &Sides<'_>, rows: (&[u32], &[u32])) -> Groups {
    let mut groups = Groups::default();
    group(sides, rows, |left, right| match (left, right) {
        (&[(_, _, left)], &[(_, _, right)]) => {
            groups.single.push(Single { left, right, differing: mask(&sides.fields, (left, right)) });
        }
        _ => groups.many.push(Group { left: numbers(left), right: numbers(right) }),
    });
    groups
}

fn dealt_out(sides: &Sides<'_>) -> Groups {
    let Diff { equal, changed, duplicate_left, duplicate_right, .. } = split(sides, (Memory::Wide, &mut Vec::new()));
    let mut groups = Groups { single: Vec::with_capacity(sides.rows[0].min(sides.rows[1])), many: Vec::new() };
    for piece in equal {
        let pairs = piece.left.into_iter().zip(piece.right);
        groups.single.extend(pairs.map(|(left, right)| Single { left, right, differing: 0 }));
    }
    for piece in changed {
        let pairs = piece.left.into_iter().zip(piece.right).zip(piece.masks);
        groups.single.extend(pairs.map(|((left, right), differing)| Single { left, right, differing }));
    }
    // The kernel lists the rows of repeated keys, also of those that one side alone has.
    group(sides, (&duplicate_left, &duplicate_right), |left, right| {
        groups.many.push(Group { left: numbers(left), right: numbers(right) });
    });
    groups
}

/// Takes the left and the right rows of each key that both sides have.
fn group(sides: &Sides<'_>, rows: (&[u32], &[u32]), mut take: impl FnMut(&[Entry], &[Entry])) {
    let mut entries = hashed(&sides.keys, Side::Left, rows.0);
    entries.extend(hashed(&sides.keys, Side::Right, rows.1));
    each_key(&mut entries, (&sides.keys, false), |rows| {
        let (left, right) = rows.split_at(rows.partition_point(|&(_, side, _)| side == Side::Left));
        if !left.is_empty() && !right.is_empty() {
            take(left, right);
        }
    });
}

fn numbers(entries: &[Entry]) -> Vec<u32> {
    entries.iter().map(|&(_, _, row)| row).collect()
}

/// A bit for each of the rows; `None` where they are all that there are.
fn bitmap(rows: &[u32], count: usize) -> Option<Vec<u8>> {
    if rows.len() == count {
        return None;
    }
    let mut bits = vec![0_u8; count.div_ceil(8)];
    for &row in rows {
        bits[row as usize >> 3] |= 1 << (row & 7);
    }
    Some(bits)
}

/// The column, known where the bit is set: those rows' keys are known.
fn chosen<'a>(column: &Column<'a>, bits: Option<&'a [u8]>) -> Column<'a> {
    column.known_where(bits.map(|bits| Bits::new(bits, 0, column.len())))
}

#[cfg(test)]
#[path = "join_tests.rs"]
mod tests;
