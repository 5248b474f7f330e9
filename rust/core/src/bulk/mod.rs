//! Two sets of rows, by key: which are on both sides, on one, or not to be told apart, and which fields differ.
//!
//! [`Differ::diff`] is the entry. Its rules, which the tests name by their numbers:
//!
//! 1. *Partition.* Every row of either side is in exactly one of: equal, changed, one side only, duplicate, null key.
//! 2. *Null key.* A row with a null in any key column is in its side's list of those and meets no other row.
//! 3. *Duplicates.* A key that two rows of one side have is never joined: all its rows, of both sides, are duplicates.
//! 4. *Pairs.* A key that each side has once makes a pair.
//! 5. *Equal.* Null equals null and nothing else. Numbers are equal by value whatever their width, scale or unit, text
//!    by its bytes, floats by their bits (so NaN may equal NaN, and -0.0 is not 0.0). With a tolerance, floats of a
//!    compared field are equal where they are at most that far apart, NaN equals NaN, and an infinity equals itself.
//! 6. *Masks.* A changed pair's mask has the bits of exactly those fields that are not equal.
//! 7. *Order.* The answer, its order included, follows from the input alone: not from threads, memory or calls before.
//!
//! The answer is exact. Hashes only bring rows together; that two keys or fields are equal is told from codes that are
//! one-to-one ([`coder`]) or from the columns. A hash that two keys share is found out and decided by looking at them.

mod coder;
mod column;
pub(crate) mod compare;
mod encode;
mod error;
pub(crate) mod group;
mod handle;
mod heavy;
mod join;
mod layout;
mod memory;
mod outcome;
mod parts;
mod plan;
mod repeats;
mod room;
mod rows;
mod runs;
pub(crate) mod sides;
mod sift;
mod sorted;
mod spelling;
mod table;
pub(crate) mod twin;

pub use column::{Class, Column, DIGITS_MAX, Values};
pub use error::BulkError;
pub use memory::Memory;
pub use outcome::{Changed, Diff, Equal};
pub use parts::{Parts, parts};
pub use repeats::{Later, Repeats};
pub use sides::{FIELDS_MAX, ROWS_MAX, Request};

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use tieout_wide::Pages;

use crate::field::Side;
use group::{Entry, Rules, settle};
use handle::Effort;
use join::{Joiner, Work};
use layout::Size;
use outcome::Found;
use plan::Plan;
use room::Room;
use runs::{Deal, Run, part_bits};
use sides::Sides;

/// Fewer rows are one task.
const ROWS_PER_TASK_MIN: usize = 1 << 15;
/// Lists of pairs come in at most so many pieces.
const PIECES_MAX: usize = 64;
/// Where more than one row in so many has a key that does not fit, all keys are hashed.
const ODD_SHARE: usize = 64;

/// Threads and memory for one diff after the other. A second call of the same size needs no new memory.
#[derive(Debug)]
pub struct Differ {
    pool: ThreadPool,
    memory: Memory,
    spare: Vec<Option<Pages>>,
}

impl Differ {
    /// A differ with so many threads; 0 means as many as there are processors.
    ///
    /// # Errors
    /// The system has no such number of threads.
    pub fn new(threads: usize, memory: Memory) -> Result<Self, BulkError> {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| BulkError::Threads { threads, why: error.to_string() })?;
        Ok(Self { pool, memory, spare: Vec::new() })
    }

    /// How many threads there are.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Gives the memory back to the system.
    pub fn release(&mut self) {
        self.spare.clear();
    }

    /// Splits the rows of both sides by the rules above.
    ///
    /// # Errors
    /// Columns that are ragged, uneven, too many or of other classes; too many rows; a tolerance that makes no sense.
    ///
    /// # Panics
    /// Never: a hash of the key fits always.
    pub fn diff(&mut self, request: &Request<'_>) -> Result<Diff, BulkError> {
        let sides = Sides::new(request)?;
        let Self { pool, memory, spare } = self;
        Ok(pool.install(|| split(&sides, (*memory, spare))))
    }
}

/// Splits the rows of both sides by the rules above, on the threads at hand.
pub(crate) fn split(sides: &Sides<'_>, (memory, spare): (Memory, &mut Vec<Option<Pages>>)) -> Diff {
    let by_records = || Effort::ALL.into_iter().find_map(|effort| diff_once(sides, effort, (memory, &mut *spare)));
    let mut diff = sorted::merge(sides, memory).or_else(by_records).expect("a hashed key fits always");
    diff.sort(sides.rows);
    diff
}

/// The answer, or `None` where too many keys did not fit.
fn diff_once(sides: &Sides<'_>, effort: Effort, (memory, spare): (Memory, &mut Vec<Option<Pages>>)) -> Option<Diff> {
    let rows = sides.rows[0].max(sides.rows[1]);
    let size = Size { rows, part_bits: part_bits(rows) };
    let plan = Plan::new(&sides.keys, &sides.fields, effort, size);
    let heavy = heavy::heavy(&plan, &sides.keys, sides.rows);
    let deal = Deal { plan: &plan, keys: &sides.keys, memory, heavy: &heavy };
    let (left, right) = deal_out(sides, deal, spare);
    let odd: usize = left.iter().chain(&right).map(|run| run.odd.len()).sum();
    let mut diff = None;
    if odd <= (sides.rows[0] + sides.rows[1]) / ODD_SHARE {
        let Sides { keys, fields, .. } = sides;
        let work = Work { plan: &plan, keys, fields, left: &left, right: &right, memory, list: sides.list_equal };
        let mut all = join_all(work, 1 << size.part_bits);
        set_aside(&mut all, sides, [&left, &right]);
        all.duplicate_keys += heavy.len();
        diff = Some(all);
    }
    for (spare, run) in spare.iter_mut().zip(left.into_iter().chain(right)) {
        *spare = Some(run.into_memory());
    }
    diff
}

/// The records of both sides, by stretches of rows.
fn deal_out(sides: &Sides<'_>, deal: Deal<'_>, spare: &mut Vec<Option<Pages>>) -> (Vec<Run>, Vec<Run>) {
    let stretches: Vec<(Side, std::ops::Range<usize>)> = [Side::Left, Side::Right]
        .into_iter()
        .zip(sides.rows)
        .flat_map(|(side, rows)| {
            let tasks = (rows / ROWS_PER_TASK_MIN).clamp(1, rayon::current_num_threads());
            (0..tasks).map(move |task| (side, rows * task / tasks..rows * (task + 1) / tasks))
        })
        .collect();
    let lefts = stretches.iter().filter(|(side, _)| *side == Side::Left).count();
    spare.resize_with(stretches.len().max(spare.len()), || None);
    let tasks = stretches.into_par_iter().zip(spare.par_iter_mut()).with_max_len(1);
    let mut left: Vec<Run> = tasks.map(|((side, rows), old)| Run::new(deal, side, rows, old)).collect();
    let right = left.split_off(lefts);
    (left, right)
}

fn join_all(work: Work<'_>, parts: usize) -> Diff {
    match work.plan.words {
        2 => join_parts::<2>(work, parts),
        3 => join_parts::<3>(work, parts),
        4 => join_parts::<4>(work, parts),
        6 => join_parts::<6>(work, parts),
        _ => join_parts::<8>(work, parts),
    }
}

fn join_parts<const W: usize>(work: Work<'_>, parts: usize) -> Diff {
    let pieces = parts.min(PIECES_MAX);
    let ranges: Vec<_> = (0..pieces).map(|at| parts * at / pieces..parts * (at + 1) / pieces).collect();
    let most = |range: &std::ops::Range<usize>| {
        let count = |runs: &[Run]| runs.iter().flat_map(|run| range.clone().map(|part| run.len(part))).sum::<usize>();
        if work.list { count(work.left).min(count(work.right)) } else { 0 }
    };
    let mut room = Room::new(&ranges.iter().map(most).collect::<Vec<_>>(), work.memory);
    let tasks: Vec<_> = ranges.into_iter().zip(room.split()).collect();
    let tasks = tasks.into_par_iter().with_max_len(1);
    let found: Vec<Found<'_>> =
        tasks.map_init(|| Joiner::<W>::new(work), |joiner, (parts, equal)| joiner.join(parts, equal)).collect();
    let mut diff = Diff::default();
    let mut used = Vec::with_capacity(found.len());
    for found in found {
        used.push(found.equal.used);
        diff.add(found);
    }
    diff.list(room.close(&used));
    diff
}

/// Decides the rows that have no record.
fn set_aside(diff: &mut Diff, sides: &Sides<'_>, runs: [&[Run]; 2]) {
    let Sides { keys, fields, list_equal, .. } = sides;
    let count: usize = runs.iter().copied().flatten().map(|run| run.odd.len()).sum();
    let mut odd: Vec<Entry> = Vec::with_capacity(count);
    let mut room = Room::new(&[if *list_equal { count / 2 } else { 0 }], Memory::Plain);
    let mut found = Found::new(room.split().pop().unwrap_or_default());
    for (side, runs) in [Side::Left, Side::Right].into_iter().zip(runs) {
        for run in runs {
            odd.extend(run.odd.iter().map(|&row| (group::hash(keys, (side, row)), side, row)));
            let null = if side == Side::Left { &mut diff.null_left } else { &mut diff.null_right };
            null.extend(&run.null);
        }
    }
    settle(odd, Rules { keys, fields, exact: false, list: *list_equal }, &mut found);
    let used = found.equal.used;
    diff.add(found);
    diff.list(room.close(&[used]));
    for (list, runs) in [&mut diff.duplicate_left, &mut diff.duplicate_right].into_iter().zip(runs) {
        heavy::weave(list, &runs.iter().map(|run| run.heavy.as_slice()).collect::<Vec<_>>());
    }
}
