//! Eight columns of words to rows of eight words.

use crate::Wide;

/// Words of a row.
const ROW_WORDS: usize = 8;

/// Row `i` gets word `i` of each column. `ROWS` is a multiple of 8.
#[inline]
pub fn across<const ROWS: usize>(
    wide: Option<Wide>,
    columns: &[[u64; ROWS]; ROW_WORDS],
    rows: &mut [[u64; ROW_WORDS]; ROWS],
) {
    const { assert!(ROWS.is_multiple_of(ROW_WORDS), "eight rows at once") };
    match wide {
        #[cfg(target_arch = "x86_64")]
        Some(_) => {
            for (group, rows) in rows.as_chunks_mut().0.iter_mut().enumerate() {
                let columns = std::array::from_fn(|column| eight(&columns[column], group));
                // SAFETY: a `Wide` is made where the processor has what this needs.
                unsafe { eight_across(columns, rows) };
            }
        }
        _ => {
            for (number, row) in rows.iter_mut().enumerate() {
                *row = std::array::from_fn(|column| columns[column][number]);
            }
        }
    }
}

/// The eight words of a group of rows.
#[cfg(target_arch = "x86_64")]
#[inline]
fn eight<const ROWS: usize>(column: &[u64; ROWS], group: usize) -> &[u64; ROW_WORDS] {
    &column.as_chunks().0[group]
}

/// Eight rows: pairs of columns word by word, then pairs of pairs, then all eight.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn eight_across(columns: [&[u64; ROW_WORDS]; ROW_WORDS], rows: &mut [[u64; ROW_WORDS]; ROW_WORDS]) {
    use std::arch::x86_64::{
        _mm512_loadu_si512, _mm512_shuffle_i64x2, _mm512_storeu_si512, _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
    };

    /// The first and third of each one's four parts; the second and fourth.
    const EVEN: i32 = 0b10_00_10_00;
    const ODD: i32 = 0b11_01_11_01;

    // SAFETY: exactly the 64 bytes of each column; this load asks for no alignment.
    let columns = columns.map(|column| unsafe { _mm512_loadu_si512(column.as_ptr().cast()) });
    let pairs = [0, 2, 4, 6].map(|column| (columns[column], columns[column + 1]));
    let low = pairs.map(|(one, other)| _mm512_unpacklo_epi64(one, other));
    let high = pairs.map(|(one, other)| _mm512_unpackhi_epi64(one, other));
    for (first, pairs) in [(0, low), (1, high)] {
        let fours = [
            (_mm512_shuffle_i64x2::<EVEN>(pairs[0], pairs[1]), _mm512_shuffle_i64x2::<EVEN>(pairs[2], pairs[3])),
            (_mm512_shuffle_i64x2::<ODD>(pairs[0], pairs[1]), _mm512_shuffle_i64x2::<ODD>(pairs[2], pairs[3])),
        ];
        for (number, (one, other)) in fours.into_iter().enumerate() {
            let row = first + 2 * number;
            let [near, far] = [_mm512_shuffle_i64x2::<EVEN>(one, other), _mm512_shuffle_i64x2::<ODD>(one, other)];
            // SAFETY: exactly the 64 bytes of each row; this store asks for no alignment.
            unsafe {
                _mm512_storeu_si512(rows[row].as_mut_ptr().cast(), near);
                _mm512_storeu_si512(rows[row + 4].as_mut_ptr().cast(), far);
            }
        }
    }
}

#[cfg(test)]
#[path = "across_tests.rs"]
mod tests;
