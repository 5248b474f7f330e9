//! Fields of pairs of rows compared where they lie, a column at a time.

use super::column::Values;
use super::twin::{Twin, close};
use crate::field::Side;

/// Sets the field's bit in the mask of each pair that differs there.
pub(crate) fn differ(twin: &Twin<'_>, (left, right): (&[u32], &[u32]), bit: u64, masks: &mut [u64]) {
    let (a, b) = (twin.lane(Side::Left), twin.lane(Side::Right));
    let rows = left.iter().zip(right).zip(masks.iter_mut());
    if twin.has_nulls() || a.factor != 1 || b.factor != 1 {
        return rows.for_each(|((&left, &right), mask)| *mask |= bit * u64::from(!twin.agrees(left, right)));
    }
    macro_rules! each {
        ($a:expr, $b:expr, |$x:ident, $y:ident| $differs:expr) => {
            rows.for_each(|((&left, &right), mask)| {
                let ($x, $y) = ($a[left as usize], $b[right as usize]);
                *mask |= bit * u64::from($differs);
            })
        };
    }
    match (&a.column.values, &b.column.values, twin.tolerance) {
        (Values::I64(a), Values::I64(b), _) => each!(a, b, |x, y| x != y),
        (Values::I32(a), Values::I32(b), _) => each!(a, b, |x, y| x != y),
        (Values::I128(a), Values::I128(b), _) => each!(a, b, |x, y| x != y),
        (Values::F64(a), Values::F64(b), None) => each!(a, b, |x, y| x.to_bits() != y.to_bits()),
        (Values::F64(a), Values::F64(b), Some(tolerance)) => each!(a, b, |x, y| !close(x, y, tolerance)),
        (Values::Text(a), Values::Text(b), _) => rows.for_each(|((&left, &right), mask)| {
            *mask |= bit * u64::from(a.get(left as usize) != b.get(right as usize));
        }),
        _ => rows.for_each(|((&left, &right), mask)| *mask |= bit * u64::from(!twin.agrees(left, right))),
    }
}

/// Which fields of the two rows differ.
pub(crate) fn mask(fields: &[Twin<'_>], (left, right): (u32, u32)) -> u64 {
    (0..).zip(fields).map(|(bit, field)| u64::from(!field.agrees(left, right)) << bit).sum()
}
