//! One part of one table: which records have the key of an earlier one, and whether they say the same.

use super::compare::differ;
use super::handle::Handle;
use super::join::low;
use super::memory::Memory;
use super::plan::Plan;
use super::runs::Run;
use super::table::Table;
use super::twin::Twin;
use crate::field::Side;

/// What every part is sifted by.
#[derive(Clone, Copy)]
pub(crate) struct Sifting<'w> {
    pub(crate) plan: &'w Plan<'w>,
    pub(crate) keys: &'w [Twin<'w>],
    pub(crate) fields: &'w [Twin<'w>],
    pub(crate) runs: &'w [Run],
    pub(crate) memory: Memory,
}

/// What was found: pairs of a row and the earlier row that it is a copy of, or whose key it has.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) copies: Vec<(u32, u32)>,
    pub(crate) others: Vec<(u32, u32)>,
    /// Rows, and the first row of their key, whose fields have to be looked at.
    pub(crate) open: Vec<(u32, u32)>,
    /// The same, but they are known to differ from the first.
    differing: Vec<(u32, u32)>,
}

/// Says that two keys have one handle.
struct Undecided;

/// What a thread keeps from part to part.
pub(crate) struct Sifter<'w, const W: usize> {
    work: Sifting<'w>,
    table: Table<W>,
    key_masks: [u64; W],
    field_masks: [u64; W],
}

impl<'w, const W: usize> Sifter<'w, W> {
    pub(crate) fn new(work: Sifting<'w>) -> Self {
        let (keys, fields) = (work.plan.key_masks(), work.plan.field_masks());
        Self {
            work,
            table: Table::new(work.plan.kept_bits()),
            key_masks: std::array::from_fn(|word| keys[word]),
            field_masks: std::array::from_fn(|word| fields[word]),
        }
    }

    /// Sifts the parts, ascending.
    pub(crate) fn sift(&mut self, parts: std::ops::Range<usize>) -> Told {
        let mut told = Told::default();
        for part in parts {
            let before = [told.copies.len(), told.open.len(), told.differing.len()];
            if self.fast(part, &mut told).is_err() {
                let lists = [&mut told.copies, &mut told.open, &mut told.differing];
                lists.into_iter().zip(before).for_each(|(list, before)| list.truncate(before));
                let (handle, row) = (self.work.plan.handle_mask(), self.work.plan.row_mask());
                let rows = self.records(part).map(|record| (record[0] & handle, low(record[W - 1] & row))).collect();
                settle_keys(rows, self.work.keys, &mut told);
            }
        }
        told.settle(self.work.fields);
        told
    }

    /// The part's records in the order of their rows.
    fn records(&self, part: usize) -> impl Iterator<Item = &'w [u64; W]> + use<'w, W> {
        let runs = self.work.runs;
        runs.iter().flat_map(move |run| run.part(part)).flat_map(|words| words.as_chunks::<W>().0)
    }

    fn fast(&mut self, part: usize, told: &mut Told) -> Result<(), Undecided> {
        let Sifting { plan, keys, runs, memory, .. } = self.work;
        let opened = told.open.len();
        let mut seats = self.table.reset(runs.iter().map(|run| run.len(part)).sum(), memory);
        let found = self.enter(part, &mut seats, told);
        self.table.keep(seats);
        found?;
        let two_keys = plan.handle == Handle::Hash && differing(keys, &told.open[opened..]).contains(&1);
        if two_keys { Err(Undecided) } else { Ok(()) }
    }

    fn enter(&mut self, part: usize, seats: &mut [u64], told: &mut Told) -> Result<(), Undecided> {
        let plan = self.work.plan;
        let look_up = !plan.left_out.is_empty() || plan.handle == Handle::Hash;
        let (row, misfit) = (plan.row_mask(), plan.misfit());
        let records = self.records(part);
        let Self { table, key_masks, field_masks, .. } = self;
        for record in records {
            let Some(at) = table.add(seats, record) else { continue };
            let first: &[u64; W] = seats[at..].first_chunk().expect("a seat has W words");
            let (mut other_key, mut differs) = (0, 0);
            for word in 0..W {
                let bits = record[word] ^ first[word];
                other_key |= bits & key_masks[word];
                differs |= bits & field_masks[word];
            }
            if other_key != 0 {
                return Err(Undecided);
            }
            let pair = (low(record[W - 1] & row), low(first[W - 1] & row));
            let fits = (record[W - 1] | first[W - 1]) & misfit == 0;
            if !fits || look_up {
                told.open.push(pair);
            } else if differs == 0 {
                told.copies.push(pair);
            } else {
                told.differing.push(pair);
            }
        }
        Ok(())
    }
}

impl Told {
    /// Decides what was left open.
    pub(crate) fn settle(&mut self, fields: &[Twin<'_>]) {
        let open = std::mem::take(&mut self.open);
        for (pair, differs) in open.iter().zip(differing(fields, &open)) {
            let list = if differs == 0 { &mut self.copies } else { &mut self.differing };
            list.push(*pair);
        }
        let mut rest: Vec<(u32, u64, u32)> = Vec::with_capacity(self.differing.len());
        for (row, first) in std::mem::take(&mut self.differing) {
            rest.push((first, fields.iter().fold(0, |hash, field| field.fold(hash, (Side::Left, row))), row));
        }
        rest.sort_unstable();
        for alike in rest.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let rows: Vec<u32> = alike.iter().map(|&(_, _, row)| row).collect();
            for rows in by_values(&rows, fields) {
                self.others.push((rows[0], alike[0].0));
                self.copies.extend(rows[1..].iter().map(|&row| (row, rows[0])));
            }
        }
    }
}

/// Groups rows, each with a hash of its key, by that key; all rows of each key are among them. What their fields say is
/// left open.
pub(crate) fn settle_keys(mut rows: Vec<(u64, u32)>, keys: &[Twin<'_>], told: &mut Told) {
    rows.sort_unstable();
    for run in rows.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() > 1) {
        let rows: Vec<u32> = run.iter().map(|&(_, row)| row).collect();
        for rows in by_values(&rows, keys) {
            told.open.extend(rows[1..].iter().map(|&row| (row, rows[0])));
        }
    }
}

/// Splits ascending rows of one hash by what they hold: nearly always that is the same, so each is compared with the
/// first of each group.
fn by_values(rows: &[u32], columns: &[Twin<'_>]) -> Vec<Vec<u32>> {
    let mut groups: Vec<Vec<u32>> = Vec::new();
    for &row in rows {
        let same =
            |group: &&mut Vec<u32>| columns.iter().all(|column| column.same((Side::Left, group[0]), (Side::Left, row)));
        match groups.iter_mut().find(same) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

/// 1 for each pair of rows that differs in some column.
fn differing(columns: &[Twin<'_>], pairs: &[(u32, u32)]) -> Vec<u64> {
    let (rows, firsts): (Vec<u32>, Vec<u32>) = pairs.iter().copied().unzip();
    let mut differs = vec![0; rows.len()];
    for column in columns {
        differ(column, (&rows, &firsts), 1, &mut differs);
    }
    differs
}
