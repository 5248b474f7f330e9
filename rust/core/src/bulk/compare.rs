//! Fields of pairs of rows compared where they lie, a column at a time.

use super::column::Values;
use super::twin::{Twin, close};
use crate::column::is_long;
use crate::field::Side;

/// Sets the field's bit in the mask of each pair that differs there.
pub(crate) fn differ(twin: &Twin<'_>, rows: (&[u32], &[u32]), bit: u64, masks: &mut [u64]) {
    let (a, b) = (twin.lane(Side::Left), twin.lane(Side::Right));
    let mut pairs = Marks { twin, rows, bit, masks };
    match (&a.column.values, &b.column.values, twin.tolerance) {
        _ if a.factor != 1 || b.factor != 1 => pairs.by_value(),
        (Values::I64(a), Values::I64(b), _) => pairs.set(|l, r| a[l] != b[r]),
        (Values::I32(a), Values::I32(b), _) => pairs.set(|l, r| a[l] != b[r]),
        (Values::I128(a), Values::I128(b), _) => pairs.set(|l, r| a[l] != b[r]),
        (Values::F64(a), Values::F64(b), None) => pairs.set(|l, r| a[l].to_bits() != b[r].to_bits()),
        (Values::F64(a), Values::F64(b), Some(tolerance)) => pairs.set(|l, r| !close(a[l], b[r], tolerance)),
        (Values::Text(a), Values::Text(b), _) => match (a.dense(), b.dense()) {
            // A short text is in its view; where a long one is says nothing.
            (Some((views, _)), Some((others, _))) => pairs
                .set(|l, r| views[l] != others[r] && !is_long(views[l]) || is_long(views[l]) && a.get(l) != b.get(r)),
            _ => pairs.set(|l, r| a.get(l) != b.get(r)),
        },
        _ => pairs.by_value(),
    }
}

/// The pairs of one field.
struct Marks<'m> {
    twin: &'m Twin<'m>,
    rows: (&'m [u32], &'m [u32]),
    bit: u64,
    masks: &'m mut [u64],
}

impl Marks<'_> {
    /// `differs` compares two rows whose values are known.
    #[inline]
    fn set(&mut self, differs: impl Fn(usize, usize) -> bool) {
        let twin = self.twin;
        if twin.has_nulls() {
            self.each(|l, r| twin.differs_by_null(l, r).unwrap_or_else(|| differs(l, r)));
        } else {
            self.each(differs);
        }
    }

    fn by_value(&mut self) {
        let twin = self.twin;
        for (mask, (&left, &right)) in self.masks.iter_mut().zip(self.rows.0.iter().zip(self.rows.1)) {
            *mask |= self.bit * u64::from(!twin.agrees(left, right));
        }
    }

    #[inline]
    fn each(&mut self, differs: impl Fn(usize, usize) -> bool) {
        for (mask, (&left, &right)) in self.masks.iter_mut().zip(self.rows.0.iter().zip(self.rows.1)) {
            *mask |= self.bit * u64::from(differs(left as usize, right as usize));
        }
    }
}

/// Which fields of the two rows differ.
pub(crate) fn mask(fields: &[Twin<'_>], (left, right): (u32, u32)) -> u64 {
    (0..).zip(fields).map(|(bit, field)| u64::from(!field.agrees(left, right)) << bit).sum()
}
