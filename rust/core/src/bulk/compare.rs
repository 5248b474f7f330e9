//! Fields of pairs of rows compared where they lie, a column at a time.

use tieout_wide::prefetch;

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

/// The same for pairs of neighbouring rows from those two on, one for each mask; says whether any pair differs.
pub(crate) fn differ_run(twin: &Twin<'_>, (left, right): (usize, usize), bit: u64, masks: &mut [u64]) -> bool {
    let count = masks.len();
    let (a, b) = (twin.lane(Side::Left), twin.lane(Side::Right));
    if !twin.has_nulls() && a.factor == 1 && b.factor == 1 {
        macro_rules! each {
            ($a:expr, $b:expr, |$x:ident, $y:ident| $same:expr) => {{
                let (a, b) = (some($a, left, count), some($b, right, count));
                let pairs = || a.iter().zip(b).map(|(&$x, &$y)| $same);
                // Nearly always all are the same.
                if all(pairs()) {
                    return false;
                }
                masks.iter_mut().zip(pairs()).for_each(|(mask, same)| *mask |= if same { 0 } else { bit });
                return true;
            }};
        }
        match (&a.column.values, &b.column.values, twin.tolerance) {
            (Values::I64(a), Values::I64(b), _) => each!(a, b, |x, y| x == y),
            (Values::I32(a), Values::I32(b), _) => each!(a, b, |x, y| x == y),
            (Values::I128(a), Values::I128(b), _) => each!(a, b, |x, y| x == y),
            (Values::F64(a), Values::F64(b), None) => each!(a, b, |x, y| x.to_bits() == y.to_bits()),
            (Values::F64(a), Values::F64(b), Some(tolerance)) => each!(a, b, |x, y| close(x, y, tolerance)),
            (Values::Text(x), Values::Text(y), _) => {
                if let (Some((x, _)), Some((y, _))) = (x.dense(), y.dense()) {
                    // The same view is the same text if it is short.
                    let views = some(x, left, count).iter().zip(some(y, right, count));
                    if all(views.map(|(x, y)| u8::from(x == y) & u8::from(!is_long(*x)) == 1)) {
                        return false;
                    }
                }
            }
            _ => {}
        }
    }
    let rows = |start: usize| (start..start + count).map(|row| u32::try_from(row).expect("rows were counted"));
    let (left, right): (Vec<u32>, Vec<u32>) = rows(left).zip(rows(right)).unzip();
    differ(twin, (&left, &right), bit, masks);
    masks.iter().any(|mask| mask & bit != 0)
}

/// Whether all of them are true, told without a way out in between, so that it takes few instructions.
pub(crate) fn all(values: impl Iterator<Item = bool>) -> bool {
    values.fold(0, |wrong, value| wrong | u8::from(!value)) == 0
}

/// So many values from that row on; those that come next are asked for.
fn some<T>(values: &[T], start: usize, count: usize) -> &[T] {
    let end = start + count;
    prefetch(&values[end..values.len().min(end + count)]);
    &values[start..end]
}

/// Which fields of the two rows differ.
pub(crate) fn mask(fields: &[Twin<'_>], (left, right): (u32, u32)) -> u64 {
    (0..).zip(fields).map(|(bit, field)| u64::from(!field.agrees(left, right)) << bit).sum()
}
