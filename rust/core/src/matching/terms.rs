//! Contract and side of every row, in one number, and whether two rows contradict each other there.

use hashbrown::HashMap;
use rayon::prelude::*;

use super::kinds::term_fields;
use super::orders::{CONTRACT_FIELDS, Sides};
use super::outcome::Reason;
use crate::classes::{Classes, classes};
use crate::field::Field;
use crate::mix::Hasher;

/// Pairs that one task looks at.
const PAIRS_PER_TASK: usize = 1 << 15;

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

    /// What contradicts each pair that a key made: the contract first, then the side.
    pub(crate) fn contradictions(&self, pairs: &[(u32, u32)]) -> Vec<Option<Reason>> {
        let mut verdicts = vec![None; pairs.len()];
        let tasks = verdicts.par_chunks_mut(PAIRS_PER_TASK).zip(pairs.par_chunks(PAIRS_PER_TASK));
        tasks.for_each(|(verdicts, pairs)| {
            // Orders are many and contracts few, so nearly every pair of classes was seen before.
            let mut seen: HashMap<(u32, u32), Option<Reason>, Hasher> = HashMap::default();
            for (verdict, &(broker, book)) in verdicts.iter_mut().zip(pairs) {
                let (broker, book) = (self.classes.left[broker as usize], self.classes.right[book as usize]);
                if broker != book {
                    *verdict = *seen.entry((broker, book)).or_insert_with(|| self.between(broker, book));
                }
            }
        });
        verdicts
    }

    /// What contradicts the pair: contract, side, or the permanent ids.
    pub(crate) fn contradiction_or_perm(&self, broker: u32, book: u32) -> Option<Reason> {
        let perm = || self.sides.perm_contradicts(broker, book).then_some(Reason::PermIdContradicts);
        self.between(self.classes.left[broker as usize], self.classes.right[book as usize]).or_else(perm)
    }

    fn between(&self, broker: u32, book: u32) -> Option<Reason> {
        let (a, b) = (self.classes.leaders[broker as usize], self.classes.leaders[book as usize]);
        if self.contract.iter().any(|field| field.contradicts(a, b)) {
            return Some(Reason::ContractContradicts);
        }
        self.side.contradicts(a, b).then_some(Reason::SideContradicts)
    }
}

pub(crate) fn all_rows(rows: usize) -> Vec<u32> {
    (0..u32::try_from(rows).expect("the number of rows was checked")).collect()
}
