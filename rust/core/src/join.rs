//! A hash join of two keyed sides that never joins many to many: keys found once on each side, and the others.
//!
//! The rows are split by hash into parts that fit a core's cache, chunk by chunk, so that no task writes where another
//! one does; each part is then joined by itself. The result does not depend on how many threads do it.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::mix::mix;

/// Rows that one task splits at a time.
const CHUNK_ROWS: usize = 1 << 16;
/// Rows of one side that a part has on average: its table stays in a core's second-level cache.
const PART_ROWS: usize = 1 << 13;
/// More parts than this cost more in the splitting than they save in the joining.
const PART_BITS_MAX: u32 = 10;
const EMPTY: u32 = u32::MAX;

/// A row and its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keyed {
    pub(crate) key: i64,
    pub(crate) account: u32,
    pub(crate) row: u32,
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
    /// Found once on each side: the left and the right row, in no order that means anything.
    pub(crate) single: Vec<(u32, u32)>,
    /// Found more than once on a side, ordered by the first left row.
    pub(crate) many: Vec<Group>,
}

impl Keyed {
    #[inline]
    fn hash(self) -> u64 {
        mix(u64::from(self.account), self.key.cast_unsigned())
    }
}

/// Joins the two sides.
pub(crate) fn join(left: &[Keyed], right: &[Keyed]) -> Groups {
    let bits = part_bits(left.len().max(right.len()));
    let (left, right) = rayon::join(|| split(left, bits), || split(right, bits));
    let parts: Vec<Groups> = (0..1_usize << bits)
        .into_par_iter()
        .map(|part| join_part(&rows_of(&left, part), &rows_of(&right, part)))
        .collect();
    let mut all = Groups { single: Vec::with_capacity(parts.iter().map(|p| p.single.len()).sum()), many: Vec::new() };
    for part in parts {
        all.single.extend(part.single);
        all.many.extend(part.many);
    }
    all.many.sort_unstable_by_key(|group| group.left[0]);
    all
}

fn part_bits(rows: usize) -> u32 {
    (rows / PART_ROWS).next_power_of_two().ilog2().min(PART_BITS_MAX)
}

/// A chunk's rows, ordered by part, and where each part starts.
struct Split {
    rows: Vec<Keyed>,
    starts: Vec<usize>,
}

fn split(rows: &[Keyed], bits: u32) -> Vec<Split> {
    rows.par_chunks(CHUNK_ROWS).map(|chunk| split_chunk(chunk, bits)).collect()
}

fn split_chunk(chunk: &[Keyed], bits: u32) -> Split {
    let parts = 1_usize << bits;
    if bits == 0 {
        return Split { rows: chunk.to_vec(), starts: vec![0, chunk.len()] };
    }
    let of: Vec<u16> = chunk.iter().map(|row| part_of(row.hash(), bits)).collect();
    let mut starts = vec![0_usize; parts + 1];
    for &part in &of {
        starts[usize::from(part) + 1] += 1;
    }
    for part in 0..parts {
        starts[part + 1] += starts[part];
    }
    let mut next = starts.clone();
    let mut rows = chunk.to_vec();
    for (row, part) in chunk.iter().zip(of) {
        let at = &mut next[usize::from(part)];
        rows[*at] = *row;
        *at += 1;
    }
    Split { rows, starts }
}

/// The part of a hash: its top bits, since the table of a part goes by the low ones.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "at most PART_BITS_MAX bits are left")]
fn part_of(hash: u64, bits: u32) -> u16 {
    (hash >> (64 - bits)) as u16
}

fn rows_of(splits: &[Split], part: usize) -> Vec<&[Keyed]> {
    splits.iter().map(|split| &split.rows[split.starts[part]..split.starts[part + 1]]).collect()
}

/// What is known of one key.
#[derive(Clone, Copy)]
struct Cell {
    key: i64,
    account: u32,
    left: u32,
    right: u32,
    left_count: u32,
    right_count: u32,
}

/// The keys of one part, found by linear probing.
struct Cells {
    slots: Vec<u32>,
    cells: Vec<Cell>,
}

impl Cells {
    fn new(rows: usize) -> Self {
        Self { slots: vec![EMPTY; (rows * 2).next_power_of_two()], cells: Vec::with_capacity(rows) }
    }

    /// The slot that holds the row's key, or the empty one where it belongs.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the table uses the hash's low bits")]
    fn slot(&self, row: Keyed) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = row.hash() as usize & mask;
        loop {
            match self.slots[slot] {
                EMPTY => return slot,
                cell if self.cells[cell as usize].key == row.key
                    && self.cells[cell as usize].account == row.account =>
                {
                    return slot;
                }
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    fn add_left(&mut self, row: Keyed) {
        let slot = self.slot(row);
        if self.slots[slot] == EMPTY {
            self.slots[slot] = u32::try_from(self.cells.len()).expect("no more keys than rows");
            let Keyed { key, account, row } = row;
            self.cells.push(Cell { key, account, left: row, right: EMPTY, left_count: 1, right_count: 0 });
        } else {
            self.cells[self.slots[slot] as usize].left_count += 1;
        }
    }

    fn add_right(&mut self, row: Keyed) {
        if let Some(cell) = self.find(row) {
            let cell = &mut self.cells[cell as usize];
            cell.right = row.row;
            cell.right_count += 1;
        }
    }

    fn find(&self, row: Keyed) -> Option<u32> {
        let cell = self.slots[self.slot(row)];
        (cell != EMPTY).then_some(cell)
    }
}

fn join_part(left: &[&[Keyed]], right: &[&[Keyed]]) -> Groups {
    let mut cells = Cells::new(left.iter().map(|rows| rows.len()).sum());
    for rows in left {
        rows.iter().for_each(|&row| cells.add_left(row));
    }
    for rows in right {
        rows.iter().for_each(|&row| cells.add_right(row));
    }
    let both = cells.cells.iter().filter(|cell| cell.right_count > 0);
    let single = both.clone().filter(|c| c.left_count == 1 && c.right_count == 1).map(|c| (c.left, c.right)).collect();
    let many = if both.clone().any(|cell| cell.left_count > 1 || cell.right_count > 1) {
        collect_many(&cells, left, right)
    } else {
        Vec::new()
    };
    Groups { single, many }
}

/// Looks at a part's rows again for the keys that are not single.
fn collect_many(cells: &Cells, left: &[&[Keyed]], right: &[&[Keyed]]) -> Vec<Group> {
    let is_many = |cell: u32| {
        let cell = cells.cells[cell as usize];
        cell.right_count > 0 && (cell.left_count > 1 || cell.right_count > 1)
    };
    let mut groups: BTreeMap<u32, Group> = BTreeMap::new();
    for row in left.iter().copied().flatten() {
        if let Some(cell) = cells.find(*row).filter(|&cell| is_many(cell)) {
            groups.entry(cell).or_default().left.push(row.row);
        }
    }
    for row in right.iter().copied().flatten() {
        if let Some(cell) = cells.find(*row).filter(|&cell| is_many(cell)) {
            groups.entry(cell).or_default().right.push(row.row);
        }
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    for group in &mut groups {
        group.left.sort_unstable();
        group.right.sort_unstable();
    }
    groups
}

#[cfg(test)]
#[path = "join_tests.rs"]
mod tests;
