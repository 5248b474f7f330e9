//! One part of both sides: which records have the same key, and which of their fields differ.

use super::compare::{differ, mask};
use super::group::{Entry, Rules, settle};
use super::handle::Handle;
use super::memory::Memory;
use super::outcome::{Found, Listed};
use super::plan::Plan;
use super::runs::Run;
use super::table::{Handles, Table};
use super::twin::Twin;
use crate::field::Side;

/// What every part is joined by.
#[derive(Clone, Copy)]
pub(crate) struct Work<'w> {
    pub(crate) plan: &'w Plan<'w>,
    pub(crate) keys: &'w [Twin<'w>],
    pub(crate) fields: &'w [Twin<'w>],
    pub(crate) left: &'w [Run],
    pub(crate) right: &'w [Run],
    pub(crate) memory: Memory,
    pub(crate) list: bool,
}

/// What a thread keeps from part to part.
pub(crate) struct Joiner<'w, const W: usize> {
    work: Work<'w>,
    table: Table<W>,
    taken: Vec<u8>,
    /// Left handles and rows that the right side does not have.
    alone: Vec<(u64, u32)>,
    /// Pairs whose fields or keys have to be looked up.
    open: Vec<(u32, u32, u64)>,
    key_masks: [u64; W],
    field_masks: [u64; W],
}

/// Says that the fast way cannot decide a part.
struct Undecided;

impl<'w, const W: usize> Joiner<'w, W> {
    pub(crate) fn new(work: Work<'w>) -> Self {
        let (keys, fields) = (work.plan.key_masks(), work.plan.field_masks());
        Self {
            work,
            table: Table::new(work.plan.kept_bits()),
            taken: Vec::new(),
            alone: Vec::new(),
            open: Vec::new(),
            key_masks: std::array::from_fn(|word| keys[word]),
            field_masks: std::array::from_fn(|word| fields[word]),
        }
    }

    /// Joins the parts, ascending. Equal pairs go to the list, which has room for them.
    pub(crate) fn join<'l>(&mut self, parts: std::ops::Range<usize>, equal: Listed<'l>) -> Found<'l> {
        let mut found = Found::new(equal);
        for part in parts {
            let mark = found.mark();
            if self.fast(part, &mut found).is_err() {
                found.back_to(&mark);
                self.slow(part, &mut found);
            }
        }
        found
    }

    /// The part's records with every key looked at: for duplicates, and for two keys of one hash.
    fn slow(&self, part: usize, found: &mut Found<'_>) {
        let Work { plan, keys, fields, left, right, list, .. } = self.work;
        let (handle, row) = (plan.handle_mask(), plan.row_mask());
        let entries = |runs: &'w [Run], side: Side| {
            let records = runs.iter().flat_map(move |run| run.part(part)).flat_map(|words| words.as_chunks::<W>().0);
            records.map(move |record| -> Entry { (record[0] & handle, side, low(record[W - 1] & row)) })
        };
        let all = entries(left, Side::Left).chain(entries(right, Side::Right)).collect();
        settle(all, Rules { keys, fields, exact: plan.handle == Handle::Key, list }, found);
    }

    fn fast(&mut self, part: usize, found: &mut Found<'_>) -> Result<(), Undecided> {
        let Work { plan, left, right, memory, list, .. } = self.work;
        let count = right.iter().map(|run| run.len(part)).sum();
        if self.table.fill(right.iter().flat_map(|run| run.part(part)), count, memory) == Handles::Repeated {
            return Err(Undecided);
        }
        self.taken.clear();
        self.taken.resize(self.table.buckets(), 0);
        self.alone.clear();
        self.open.clear();
        let look_up = !plan.left_out.is_empty() || plan.handle == Handle::Hash;
        let (handle, row_mask, misfit_bit) = (plan.handle_mask(), plan.row_mask(), plan.misfit());
        let row = |tail: u64| low(tail & row_mask);
        let Self { table, taken, key_masks, field_masks, alone, open, work } = self;
        for record in left.iter().flat_map(|run| run.part(part)).flat_map(|words| words.as_chunks::<W>().0) {
            let tail = record[W - 1];
            let Some((seat, twin)) = table.find(record[0]) else {
                alone.push((record[0] & handle, row(tail)));
                continue;
            };
            let (mut keys, mut fields) = (0, 0);
            for word in 0..W {
                let differs = record[word] ^ twin[word];
                keys |= differs & key_masks[word];
                fields |= differs & field_masks[word];
            }
            if !seat.take(taken) || keys != 0 {
                return Err(Undecided);
            }
            let pair = (row(tail), row(twin[W - 1]));
            let misfit = (tail | twin[W - 1]) & misfit_bit != 0;
            if misfit || look_up {
                let mask = if misfit { mask(work.fields, pair) } else { carried_mask(work, (record, twin), pair) };
                open.push((pair.0, pair.1, mask));
            } else if fields == 0 {
                found.pair(pair, 0, list);
            } else {
                found.pair(pair, carried_mask(work, (record, twin), pair), list);
            }
        }
        let rest = table.not_taken(taken).map(row);
        found.right_only.extend(rest);
        self.alone(found)?;
        self.look_up(found)
    }

    /// The left rows without a right one, unless some have the same key.
    fn alone(&mut self, found: &mut Found<'_>) -> Result<(), Undecided> {
        found.left_only.extend(self.alone.iter().map(|&(_, row)| row));
        self.alone.sort_unstable();
        let repeated = self.alone.windows(2).any(|two| two[0].0 == two[1].0);
        if repeated { Err(Undecided) } else { Ok(()) }
    }

    /// Compares what is not carried, where it lies.
    fn look_up(&mut self, found: &mut Found<'_>) -> Result<(), Undecided> {
        let Work { plan, keys, fields, list, .. } = self.work;
        if self.open.is_empty() {
            return Ok(());
        }
        let left: Vec<u32> = self.open.iter().map(|&(left, _, _)| left).collect();
        let right: Vec<u32> = self.open.iter().map(|&(_, right, _)| right).collect();
        if plan.handle == Handle::Hash {
            let mut other_key = vec![0; left.len()];
            for key in keys {
                differ(key, (&left, &right), 1, &mut other_key);
            }
            if other_key.contains(&1) {
                return Err(Undecided);
            }
        }
        let mut masks: Vec<u64> = self.open.iter().map(|&(_, _, mask)| mask).collect();
        for &field in &plan.left_out {
            differ(&fields[field], (&left, &right), 1 << field, &mut masks);
        }
        for ((left, right), mask) in left.into_iter().zip(right).zip(masks) {
            found.pair((left, right), mask, list);
        }
        Ok(())
    }
}

/// The fields whose bits differ. Bits may differ where the field agrees all the same: a float is close, a null silent.
fn carried_mask<const W: usize>(work: &Work<'_>, records: (&[u64; W], &[u64; W]), pair: (u32, u32)) -> u64 {
    let bits = work.plan.field_bits.iter();
    let mut mask: u64 = bits
        .filter(|&&(_, word, bits)| (records.0[word] ^ records.1[word]) & bits != 0)
        .fold(0, |mask, &(field, _, _)| mask | 1 << field);
    let mut left = mask;
    while left != 0 {
        let field = left.trailing_zeros();
        left &= left - 1;
        let twin = &work.fields[field as usize];
        if twin.is_lenient() && twin.agrees(pair.0, pair.1) {
            mask &= !(1 << field);
        }
    }
    mask
}

/// A row's number.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "rows have fewer than 32 bits")]
pub(crate) fn low(row: u64) -> u32 {
    row as u32
}
