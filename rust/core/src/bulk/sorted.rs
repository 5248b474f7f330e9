//! Sides that are sorted by their key already: merged as they are, without records.
//!
//! Only for one whole number as the key, the same type on both sides, no nulls, every key greater than the one before.
//! The answer is that of the other way but for the order of the pairs, which is that of the keys.

use rayon::prelude::*;

use super::column::Values;
use super::compare::{all, differ_run};
use super::memory::Memory;
use super::outcome::{Diff, Found, Listed};
use super::room::Room;
use super::sides::Sides;
use super::twin::Twin;
use crate::field::Side;

/// Pairs whose fields are compared at a time.
const RUN: usize = 512;
/// Rows of the left side that one task merges, at least.
const ROWS_PER_TASK: usize = 1 << 15;
/// Tasks, at most.
const TASKS_MAX: usize = 64;
/// Keys that are looked at before all are.
const LOOKS: usize = 64;

/// The answer, or `None` where the sides are not sorted.
pub(crate) fn merge(sides: &Sides<'_>, memory: Memory) -> Option<Diff> {
    let [key] = sides.keys.as_slice() else { return None };
    let lanes = [key.lane(Side::Left), key.lane(Side::Right)];
    if key.has_nulls() || lanes.iter().any(|lane| lane.factor != 1) {
        return None;
    }
    match (&lanes[0].column.values, &lanes[1].column.values) {
        (Values::I64(left), Values::I64(right)) => Keys { left, right }.merge(sides, memory),
        (Values::U64(left), Values::U64(right)) => Keys { left, right }.merge(sides, memory),
        (Values::I32(left), Values::I32(right)) => Keys { left, right }.merge(sides, memory),
        (Values::U32(left), Values::U32(right)) => Keys { left, right }.merge(sides, memory),
        _ => None,
    }
}

/// The keys of both sides.
#[derive(Clone, Copy)]
struct Keys<'k, T> {
    left: &'k [T],
    right: &'k [T],
}

/// Rows that one task merges: they have no key in common with those of other tasks.
type Task = [std::ops::Range<usize>; 2];

impl<T: Ord + Copy + Send + Sync> Keys<'_, T> {
    fn merge(self, sides: &Sides<'_>, memory: Memory) -> Option<Diff> {
        let sorted =
            [self.left, self.right].into_iter().all(looks_sorted) && [self.left, self.right].into_iter().all(is_sorted);
        if !sorted {
            return None;
        }
        let tasks = self.tasks();
        let most = |[left, right]: &Task| if sides.list_equal { left.len().min(right.len()) } else { 0 };
        let mut room = Room::new(&tasks.iter().map(most).collect::<Vec<_>>(), memory);
        let work: Vec<(Task, Listed<'_>)> = tasks.into_iter().zip(room.split()).collect();
        let found: Vec<Found<'_>> = work
            .into_par_iter()
            .with_max_len(1)
            .map(|(task, listed)| self.merge_some(task, sides, Found::new(listed)))
            .collect();
        let mut diff = Diff::default();
        let mut used = Vec::with_capacity(found.len());
        for found in found {
            used.push(found.equal.used);
            diff.add(found);
        }
        diff.list(room.close(&used));
        Some(diff)
    }

    /// Equal stretches of the left side, and what of the right side belongs to each.
    fn tasks(self) -> Vec<Task> {
        let Self { left, right } = self;
        let count = (left.len() / ROWS_PER_TASK).clamp(1, TASKS_MAX);
        let start = |task: usize| match task {
            0 => [0, 0],
            task if task == count => [left.len(), right.len()],
            task => {
                let start = left.len() * task / count;
                [start, right.partition_point(|key| *key < left[start])]
            }
        };
        (0..count).map(|task| std::array::from_fn(|side| start(task)[side]..start(task + 1)[side])).collect()
    }

    fn merge_some<'l>(self, [lefts, rights]: Task, sides: &Sides<'_>, mut found: Found<'l>) -> Found<'l> {
        let Self { left, right } = self;
        let (mut l, mut r) = (lefts.start, rights.start);
        while l < lefts.end && r < rights.end {
            let most = RUN.min(lefts.end - l).min(rights.end - r);
            let same = alike(&left[l..l + most], &right[r..r + most]);
            if same > 0 {
                compare(sides, (l, r, same), &mut found);
                (l, r) = (l + same, r + same);
            } else if left[l] < right[r] {
                found.left_only.push(number(l));
                l += 1;
            } else {
                found.right_only.push(number(r));
                r += 1;
            }
        }
        found.left_only.extend((l..lefts.end).map(number));
        found.right_only.extend((r..rights.end).map(number));
        found
    }
}

/// Compares the fields of so many pairs, from those rows on.
fn compare(sides: &Sides<'_>, (left, right, count): (usize, usize, usize), found: &mut Found<'_>) {
    let mut masks = [0; RUN];
    let masks = &mut masks[..count];
    let differs = |(bit, field): (u32, &Twin<'_>)| differ_run(field, (left, right), 1 << bit, masks);
    let differs = (0..).zip(&sides.fields).map(differs).fold(false, |any, one| any | one);
    if !differs {
        return found.equal_run((number(left), number(right)), count, sides.list_equal);
    }
    for (at, &mask) in masks.iter().enumerate() {
        found.pair((number(left + at), number(right + at)), mask, sides.list_equal);
    }
}

/// How many keys are the same from the first on.
fn alike<T: Ord + Copy>(left: &[T], right: &[T]) -> usize {
    const LANES: usize = 16;
    let chunks = left.chunks_exact(LANES).zip(right.chunks_exact(LANES));
    let same = chunks.take_while(|(a, b)| all(a.iter().zip(*b).map(|(a, b)| a == b))).count() * LANES;
    let rest = left[same..].iter().zip(&right[same..]);
    same + rest.take_while(|(a, b)| a == b).count()
}

/// Whether some keys at equal distances ascend.
fn looks_sorted<T: Ord>(keys: &[T]) -> bool {
    let step = keys.len().div_ceil(LOOKS).max(1);
    keys.iter().step_by(step).is_sorted_by(|a, b| a < b)
}

fn is_sorted<T: Ord + Sync>(keys: &[T]) -> bool {
    const AT_A_TIME: usize = 1 << 14;
    let chunk = |at: usize| &keys[at * AT_A_TIME..keys.len().min((at + 1) * AT_A_TIME + 1)];
    let ascends = |keys: &[T]| all(keys.windows(2).map(|two| two[0] < two[1]));
    (0..keys.len().div_ceil(AT_A_TIME)).into_par_iter().all(|at| ascends(chunk(at)))
}

fn number(row: usize) -> u32 {
    u32::try_from(row).expect("the number of rows was checked")
}
