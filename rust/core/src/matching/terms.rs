//! Contract and side, and whether two rows contradict each other there.

use super::orders::Sides;
use super::outcome::Reason;
use crate::field::{Field, Side};

/// Contract and side of both sides.
pub(crate) struct Terms<'a> {
    sides: Sides<'a>,
    /// The contract's fields, then the side, without those that one side never knows.
    fields: Vec<Field<'a>>,
    /// The bit of the side, if it is among them.
    side_bit: u64,
}

impl<'a> Terms<'a> {
    pub(crate) fn new(sides: Sides<'a>) -> Self {
        let can_contradict = |field: &Field<'_>| !field.is_void(Side::Left) && !field.is_void(Side::Right);
        let side = sides.side();
        let mut fields: Vec<Field<'a>> = sides.contract().into_iter().filter(can_contradict).collect();
        let side_bit = u64::from(can_contradict(&side)) << fields.len();
        if side_bit != 0 {
            fields.push(side);
        }
        Self { sides, fields, side_bit }
    }

    /// What is compared, in the order of the bits that [`Terms::reason`] takes.
    pub(crate) fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    /// What the differing fields say: the contract first, then the side.
    pub(crate) fn reason(&self, differing: u64) -> Option<Reason> {
        if differing & !self.side_bit != 0 {
            Some(Reason::ContractContradicts)
        } else {
            (differing != 0).then_some(Reason::SideContradicts)
        }
    }

    /// The same, and whether the permanent ids contradict.
    pub(crate) fn reason_or_perm(&self, differing: u64, (broker, book): (u32, u32)) -> Option<Reason> {
        let perm = || self.sides.perm_contradicts(broker, book).then_some(Reason::PermIdContradicts);
        self.reason(differing).or_else(perm)
    }

    /// The same of two rows that no key joined.
    pub(crate) fn between(&self, (broker, book): (u32, u32)) -> Option<Reason> {
        let (a, b) = ((Side::Left, broker), (Side::Right, book));
        let bits = (0..).zip(&self.fields).map(|(bit, field)| u64::from(field.contradicts(a, b)) << bit);
        self.reason_or_perm(bits.sum(), (broker, book))
    }
}
