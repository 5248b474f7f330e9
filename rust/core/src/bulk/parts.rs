//! Rows split by key, so that each part can be compared by itself: on another day, another thread, another machine.

use rayon::prelude::*;

use super::column::{Class, Column, Values};
use super::error::BulkError;
use super::sides::rows;
use super::twin::fold_int;
use crate::mix::{mix, mix_text};

/// Rows that one task hashes.
const ROWS_PER_TASK: usize = 1 << 16;

/// Row numbers by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// All rows, the first part's first; within a part ascending.
    pub rows: Vec<u32>,
    /// Where each part starts, and where the last one ends.
    pub starts: Vec<usize>,
}

/// Splits rows by the hash of their key columns.
///
/// The part of a key depends on nothing but the key's values and `count`: not on the side, its other rows, the width of
/// integers, the scale of decimals, the unit of times or the layout of text. Rows with a null key are in part 0.
///
/// # Errors
/// Columns that are ragged; no column; too many rows.
///
/// # Panics
/// When there are no parts.
pub fn parts(keys: &[Column<'_>], count: u32) -> Result<Parts, BulkError> {
    assert!(count > 0, "no parts");
    if keys.is_empty() {
        return Err(BulkError::Keys { keys: 0, columns: 0 });
    }
    let rows = rows("given", keys)?;
    let mut part_of = vec![0_u32; rows];
    part_of.par_chunks_mut(ROWS_PER_TASK).enumerate().for_each(|(task, parts)| {
        for (at, part) in parts.iter_mut().enumerate() {
            *part = part_of_row(keys, task * ROWS_PER_TASK + at, count);
        }
    });
    let mut starts = vec![0; count as usize + 1];
    for &part in &part_of {
        starts[part as usize + 1] += 1;
    }
    for part in 0..count as usize {
        starts[part + 1] += starts[part];
    }
    let mut next = starts.clone();
    let mut sorted = vec![0; rows];
    for (row, &part) in (0_u32..).zip(&part_of) {
        sorted[next[part as usize]] = row;
        next[part as usize] += 1;
    }
    Ok(Parts { rows: sorted, starts })
}

#[expect(clippy::cast_possible_truncation, reason = "the product's high half is below the number of parts")]
fn part_of_row(keys: &[Column<'_>], row: usize, count: u32) -> u32 {
    // Another start than that of the hash that a part is split by later.
    let mut hash = 0x5bd1_e995;
    for key in keys {
        if !key.is_known(row) {
            return 0;
        }
        hash = fold(hash, key, row);
    }
    ((u128::from(mix(hash, 0)) * u128::from(count)) >> 64) as u32
}

/// Folds a known value: numbers without trailing zeros after the point, so that scales and units do not matter.
fn fold(hash: u64, key: &Column<'_>, row: usize) -> u64 {
    match &key.values {
        Values::F64(values) => mix(hash, values[row].to_bits()),
        Values::F32(values) => mix(hash, f64::from(values[row]).to_bits()),
        Values::Text(texts) => mix_text(hash, texts.get(row)),
        Values::Coded(codes, texts) => mix_text(hash, texts.get(codes.place(row))),
        values => {
            let (mut int, mut digits) = (values.int(row), key.digits);
            debug_assert!(key.class != Class::Float, "floats have no digits");
            while digits > 0 && int % 10 == 0 {
                (int, digits) = (int / 10, digits - 1);
            }
            fold_int(mix(hash, digits.into()), int)
        }
    }
}
