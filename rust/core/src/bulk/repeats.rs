//! Rows of one table that have the key of an earlier row: copies of one, or others under the same key.
//!
//! [`Differ::repeats`] is the entry. Its rules, which the tests name by their numbers:
//!
//! 1. *Partition.* Every row is exactly one of: the first of its key, a copy, an other, without a key.
//! 2. *Copy.* It has the key of an earlier row and equals it in every field; it names the earliest such row.
//! 3. *Other.* It has the key of an earlier row, and differs from every earlier row of that key in some field; it names
//!    the first row of the key.
//! 4. *Equal* is what it is for a diff: null equals null, floats by their bits. A null in the key is no key.
//! 5. *Order.* Lists ascend by row; nothing follows from threads, memory or calls before.
//!
//! Exact as a diff is: records are found by the handle of their key and told apart by lossless codes or by the columns.

use rayon::prelude::*;
use tieout_wide::Pages;

use super::column::Column;
use super::error::BulkError;
use super::handle::Effort;
use super::layout::Size;
use super::memory::Memory;
use super::plan::Plan;
use super::runs::{Deal, Run, part_bits};
use super::sides::rows;
use super::sift::{Sifter, Sifting, Told, settle_keys};
use super::twin::Twin;
use super::{Differ, ODD_SHARE, PIECES_MAX, ROWS_PER_TASK_MIN, heavy};
use crate::field::Side;

/// Rows, ascending, and for each of them an earlier row of its key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Later {
    /// The rows.
    pub rows: Vec<u32>,
    /// The earlier row of each.
    pub of: Vec<u32>,
}

/// The rows that are not the first of their key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repeats {
    /// Rows that say what an earlier row of their key says, of the earliest such row.
    pub copies: Later,
    /// Rows that say something that no earlier row of their key says, of the first row of that key.
    pub others: Later,
    /// Rows with a null in their key, ascending.
    pub null: Vec<u32>,
}

impl Differ {
    /// Finds the rows that repeat a key: the first `keys` columns. The others are what rows of one key may differ in.
    ///
    /// # Errors
    /// No key; columns of several lengths; too many rows.
    ///
    /// # Panics
    /// Never: a hash of the key fits always.
    pub fn repeats(&mut self, columns: &[Column<'_>], keys: usize) -> Result<Repeats, BulkError> {
        if keys == 0 || keys > columns.len() {
            return Err(BulkError::Keys { keys, columns: columns.len() });
        }
        let count = rows("given", columns)?;
        let twins: Result<Vec<Twin<'_>>, _> =
            columns.iter().enumerate().map(|(at, column)| Twin::new(column, column, at)).collect();
        let twins = twins?;
        let (keys, fields) = twins.split_at(keys);
        let Self { pool, memory, spare } = self;
        Ok(pool.install(|| {
            let mut efforts = Effort::ALL.into_iter();
            efforts
                .find_map(|effort| once((keys, fields), count, effort, (*memory, &mut *spare)))
                .expect("a hashed key fits always")
        }))
    }
}

/// The answer, or `None` where too many keys did not fit.
fn once(
    (keys, fields): (&[Twin<'_>], &[Twin<'_>]),
    count: usize,
    effort: Effort,
    (memory, spare): (Memory, &mut Vec<Option<Pages>>),
) -> Option<Repeats> {
    let size = Size { rows: count, part_bits: part_bits(count) };
    let plan = Plan::new(keys, fields, effort, size);
    let heavy = heavy::heavy(&plan, keys, [count, 0]);
    let deal = Deal { plan: &plan, keys, memory, heavy: &heavy };
    let tasks = (count / ROWS_PER_TASK_MIN).clamp(1, rayon::current_num_threads());
    spare.resize_with(tasks.max(spare.len()), || None);
    let stretch = |task: usize| count * task / tasks..count * (task + 1) / tasks;
    let dealt = (0..tasks).into_par_iter().zip(spare.par_iter_mut()).with_max_len(1);
    let runs: Vec<Run> = dealt.map(|(task, old)| Run::new(deal, Side::Left, stretch(task), old)).collect();
    let odd: usize = runs.iter().map(|run| run.odd.len()).sum();
    let fits = odd <= count / ODD_SHARE;
    let repeats = fits.then(|| {
        let sifting = Sifting { plan: &plan, keys, fields, runs: &runs, memory };
        let mut told = sift_all(sifting, 1 << size.part_bits);
        told.push(by_look(sifting, &heavy));
        answer(&told, &runs)
    });
    for (spare, run) in spare.iter_mut().zip(runs) {
        *spare = Some(run.into_memory());
    }
    repeats
}

fn sift_all(sifting: Sifting<'_>, parts: usize) -> Vec<Told> {
    match sifting.plan.words {
        2 => sift::<2>(sifting, parts),
        3 => sift::<3>(sifting, parts),
        4 => sift::<4>(sifting, parts),
        6 => sift::<6>(sifting, parts),
        _ => sift::<8>(sifting, parts),
    }
}

fn sift<const W: usize>(sifting: Sifting<'_>, parts: usize) -> Vec<Told> {
    let pieces = parts.min(PIECES_MAX);
    let ranges = (0..pieces).into_par_iter().with_max_len(1).map(|at| parts * at / pieces..parts * (at + 1) / pieces);
    ranges.map_init(|| Sifter::<W>::new(sifting), Sifter::sift).collect()
}

/// Rows that have no record: of keys that did not fit, and of those that very many rows have.
fn by_look(sifting: Sifting<'_>, heavy: &[(u64, (Side, u32))]) -> Told {
    let Sifting { keys, fields, runs, .. } = sifting;
    let mut told = Told::default();
    let hash = |row: u32| keys.iter().fold(0, |hash, key| key.fold(hash, (Side::Left, row)));
    let odd = runs.iter().flat_map(|run| &run.odd).map(|&row| (hash(row), row)).collect();
    settle_keys(odd, keys, &mut told);
    let mine = |row: u32| {
        let same = |&(_, place): &(u64, _)| keys.iter().all(|key| key.same(place, (Side::Left, row)));
        heavy.iter().position(same).expect("a row is called heavy for its key")
    };
    let known: Vec<Vec<(usize, u32)>> =
        runs.par_iter().map(|run| run.heavy.iter().map(|&row| (mine(row), row)).collect()).collect();
    let mut first = vec![None; heavy.len()];
    for (key, row) in known.into_iter().flatten() {
        match first[key] {
            None => first[key] = Some(row),
            Some(first) => told.open.push((row, first)),
        }
    }
    told.settle(fields);
    told
}

/// All lists as one, ascending.
fn answer(told: &[Told], runs: &[Run]) -> Repeats {
    let null = runs.iter().flat_map(|run| run.null.iter().copied()).collect();
    Repeats { copies: ascending(told, |told| &told.copies), others: ascending(told, |told| &told.others), null }
}

fn ascending(told: &[Told], list: fn(&Told) -> &Vec<(u32, u32)>) -> Later {
    let mut all: Vec<(u32, u32)> = told.iter().flat_map(list).copied().collect();
    all.par_sort_unstable();
    let (rows, of) = all.into_iter().unzip();
    Later { rows, of }
}
