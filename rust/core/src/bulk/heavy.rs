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

/// Handles and rows of blocks at equal distances.
fn sample(plan: &Plan<'_>, keys: &[Twin<'_>], side: Side, rows: usize) -> Vec<(u64, u32)> {
    let mut block = Block::new();
    let mut handles = Vec::with_capacity(BLOCKS * BLOCK);
    let step = (rows / BLOCKS).max(BLOCK);
    for start in (0..rows).step_by(step) {
        let end = rows.min(start + BLOCK);
        block.encode_keys((plan, keys), side, start..end);
        for at in 0..end - start {
            if !block.has_special || block.key_null[at] | block.key_misfit[at] == 0 {
                let row = u32::try_from(start + at).expect("the number of rows was checked");
                handles.push((block.handles[at], row));
            }
        }
    }
    handles
}
