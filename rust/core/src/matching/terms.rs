//! Contract and side of every row, in one number, and whether two rows contradict each other there.

use super::kinds::term_fields;
use super::orders::{CONTRACT_FIELDS, Sides};
use super::outcome::Reason;
use crate::classes::{Classes, classes};
use crate::field::Field;

/// Contract and side of every row.
pub(crate) struct Terms<'a> {
    sides: Sides<'a>,
    contract: [Field<'a>; CONTRACT_FIELDS],
    side: Field<'a>,
    classes: Classes,
}

impl<'a> Terms<'a> {
    pub(crate) fn new(sides: Sides<'a>) -> Self {
        let fields = term_fields(sides);
        let classes = classes(&fields, &all_rows(sides.broker.len()), &all_rows(sides.book.len()));
        Self { sides, contract: sides.contract(), side: sides.side(), classes }
    }

    /// What contradicts a pair that a key made: the contract first, then the side.
    pub(crate) fn contradiction(&self, broker: u32, book: u32) -> Option<Reason> {
        let (broker, book) = (self.classes.left[broker as usize], self.classes.right[book as usize]);
        if broker == book {
            return None;
        }
        let (a, b) = (self.classes.leaders[broker as usize], self.classes.leaders[book as usize]);
        if self.contract.iter().any(|field| field.contradicts(a, b)) {
            return Some(Reason::ContractContradicts);
        }
        self.side.contradicts(a, b).then_some(Reason::SideContradicts)
    }

    /// The same, and then the permanent ids.
    pub(crate) fn contradiction_or_perm(&self, broker: u32, book: u32) -> Option<Reason> {
        let perm = || self.sides.perm_contradicts(broker, book).then_some(Reason::PermIdContradicts);
        self.contradiction(broker, book).or_else(perm)
    }
}

pub(crate) fn all_rows(rows: usize) -> Vec<u32> {
    (0..u32::try_from(rows).expect("the number of rows was checked")).collect()
}
