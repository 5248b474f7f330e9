//! Keys that very many rows have, so that one part would get nearly all the work.

use super::encode::{BLOCK, Block};
use super::plan::Plan;
use super::twin::Twin;
use crate::field::Side;

/// Blocks of rows that are looked at on each side.
const BLOCKS: usize = 16;
/// So many rows of one key among those are many.
const MANY: usize = BLOCKS * BLOCK / 128;
/// At most so many keys are told.
const KEYS_MAX: usize = 8;

/// Handles that many of the sampled rows of one side have, with a row of each. Two rows at least are of that row's key,
/// so every row of it is a duplicate.
pub(crate) fn heavy(plan: &Plan<'_>, keys: &[Twin<'_>], rows: [usize; 2]) -> Vec<(u64, (Side, u32))> {
    let mut heavy: Vec<(usize, u64, (Side, u32))> = Vec::new();
    for (side, rows) in [Side::Left, Side::Right].into_iter().zip(rows) {
        let mut handles = sample(plan, keys, side, rows);
        handles.sort_unstable();
        for run in handles.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() >= MANY) {
            let (first, second) = ((side, run[0].1), (side, run[1].1));
            let known = heavy.iter().any(|&(_, handle, _)| handle == run[0].0);
            if !known && keys.iter().all(|key| key.same(first, second)) {
                heavy.push((run.len(), run[0].0, first));
            }
        }
    }
    heavy.sort_unstable_by_key(|&(count, handle, _)| (std::cmp::Reverse(count), handle));
    heavy.into_iter().take(KEYS_MAX).map(|(_, handle, place)| (handle, place)).collect()
}

/// Adds rows that ascend over all the lists to some that may not; all are different, and ascend in the end.
pub(crate) fn weave(rows: &mut Vec<u32>, lists: &[&[u32]]) {
    let count: usize = lists.iter().map(|list| list.len()).sum();
    if count == 0 {
        return;
    }
    rows.sort_unstable();
    let mut all = Vec::with_capacity(rows.len() + count);
    tieout_wide::huge(all.spare_capacity_mut());
    let mut few = rows.iter().copied().peekable();
    for mut many in lists.iter().copied() {
        while let Some(next) = few.next_if(|next| many.last().is_some_and(|last| last > next)) {
            let (before, after) = many.split_at(many.partition_point(|row| *row < next));
            all.extend_from_slice(before);
            all.push(next);
            many = after;
        }
        all.extend_from_slice(many);
    }
    all.extend(few);
    *rows = all;
}

/// Handles and rows of blocks at equal distances.
fn sample(plan: &Plan<'_>, keys: &[Twin<'_>], side: Side, rows: usize) -> Vec<(u64, u32)> {
    let mut block = Block::new();
    let mut handles = Vec::with_capacity(BLOCKS * BLOCK);
    let step = (rows / BLOCKS).max(BLOCK);
    for start in (0..rows).step_by(step) {
        let end = rows.min(start + BLOCK);
        block.encode_keys((plan, keys), side, (start..end).into());
        for at in 0..end - start {
            if !block.has_special || block.key_null[at] | block.key_misfit[at] == 0 {
                let row = u32::try_from(start + at).expect("the number of rows was checked");
                handles.push((block.handles[at], row));
            }
        }
    }
    handles
}

#[cfg(test)]
mod tests {
    use super::weave;

    #[test]
    fn woven_rows_ascend() {
        for few in [vec![], vec![9, 0], vec![4, 2, 11, 30], vec![31, 7, 1]] {
            let mut rows = few.clone();
            weave(&mut rows, &[&[3, 5, 6], &[], &[8, 10], &[20]]);
            let mut all = [few, vec![3, 5, 6, 8, 10, 20]].concat();
            all.sort_unstable();
            assert_eq!(all, rows);
        }
    }
}
