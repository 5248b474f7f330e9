//! Rows by which of their contract fields and side are known.
//!
//! "Known on both sides and different" is no equivalence: a row that knows little is compatible with rows that are not
//! compatible with each other. But two *kinds* of rows share the fields that both know, and between two kinds rows are
//! compatible exactly where those are equal. So each pair of kinds is an ordinary join, and nothing is quadratic.

use std::collections::BTreeMap;

use super::orders::{CONTRACT_FIELDS, Sides};
use crate::field::{Field, Place, Side};

/// Which of contract and side are known: bit i for field i of [`TermFields`].
pub(crate) type Kind = u16;

/// The contract's fields, then the side.
pub(crate) type TermFields<'a> = [Field<'a>; CONTRACT_FIELDS + 1];

/// Those fields of both sides.
pub(crate) fn term_fields(sides: Sides<'_>) -> TermFields<'_> {
    let contract = sides.contract();
    std::array::from_fn(|bit| contract.get(bit).copied().unwrap_or_else(|| sides.side()))
}

/// The kind of one row.
pub(crate) fn term_kind(fields: &TermFields<'_>, place: Place) -> Kind {
    let bits = fields.iter().enumerate().map(|(bit, field)| Kind::from(field.is_known(place)) << bit);
    bits.fold(0, |kind, bit| kind | bit)
}

/// The left side's rows by kind.
pub(crate) fn term_kinds(fields: &TermFields<'_>, rows: &[u32]) -> BTreeMap<Kind, Vec<u32>> {
    let mut kinds: BTreeMap<Kind, Vec<u32>> = BTreeMap::new();
    for &row in rows {
        kinds.entry(term_kind(fields, (Side::Left, row))).or_default().push(row);
    }
    kinds
}

/// The fields whose bits are set.
pub(crate) fn common_fields<'a>(fields: &TermFields<'a>, kind: Kind) -> Vec<Field<'a>> {
    fields.iter().enumerate().filter(|(bit, _)| kind >> bit & 1 == 1).map(|(_, &field)| field).collect()
}
