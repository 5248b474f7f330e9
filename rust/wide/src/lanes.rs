//! Eight small numbers compared at once.

/// A bit for each of the eight 16-bit lanes that has the tag.
#[inline]
#[must_use]
pub fn lanes_with(lanes: [u64; 2], tag: u16) -> u32 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{
            _mm_cmpeq_epi16, _mm_movemask_epi8, _mm_packs_epi16, _mm_set_epi64x, _mm_set1_epi16, _mm_setzero_si128,
        };
        // SAFETY: the instructions are SSE2's, which is part of x86_64, and touch no memory.
        unsafe {
            let lanes = _mm_set_epi64x(lanes[1].cast_signed(), lanes[0].cast_signed());
            let same = _mm_cmpeq_epi16(lanes, _mm_set1_epi16(tag.cast_signed()));
            _mm_movemask_epi8(_mm_packs_epi16(same, _mm_setzero_si128())).cast_unsigned()
        }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    lanes_with_any(lanes, tag)
}

/// The same for any processor: [`lanes_with`] must answer as this does.
#[inline]
#[must_use]
pub fn lanes_with_any(lanes: [u64; 2], tag: u16) -> u32 {
    let lane = |at: u32| lanes[at as usize / 4] >> (at % 4 * 16) & 0xffff == u64::from(tag);
    (0..8).map(|at| u32::from(lane(at)) << at).sum()
}
