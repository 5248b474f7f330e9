//! What `tieout-wire` finds and reads its fields by, and the only `unsafe` on its way.
//!
//! [`nul_mask`] takes 16 bytes at a time on x86-64, whose every machine has these instructions: nothing is asked at run
//! time. [`nul_mask_by_words`] is its plain twin, which runs everywhere else and gives the same answer. [`Wide`] reads
//! eight fields of numbers at once; the processor is asked once whether it can, and tests compare it byte by byte.
//! [`across`] makes rows of eight columns, likewise.

mod across;
mod numbers;
#[cfg(target_arch = "x86_64")]
mod wide;

pub use across::across;
pub use numbers::{FIELDS, Numbers, Wide};

/// Bytes that one mask covers.
pub const BLOCK_BYTES: usize = 64;

/// Bit `i` is set where byte `i` is NUL.
#[inline]
#[must_use]
pub fn nul_mask(block: &[u8; BLOCK_BYTES]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    return nul_mask_by_lanes(block);
    #[cfg(not(target_arch = "x86_64"))]
    return nul_mask_by_words(block);
}

/// 16 bytes at a time.
#[cfg(target_arch = "x86_64")]
#[inline]
fn nul_mask_by_lanes(block: &[u8; BLOCK_BYTES]) -> u64 {
    use std::arch::x86_64::{__m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_setzero_si128};

    const LANE_BYTES: usize = 16;
    let mut mask = 0;
    for (number, lane) in block.as_chunks::<LANE_BYTES>().0.iter().enumerate() {
        #[expect(clippy::cast_ptr_alignment, reason = "this load asks for no alignment")]
        // SAFETY: SSE2 is part of x86-64. The load asks for no alignment and reads exactly the 16 bytes of `lane`.
        let found = unsafe {
            let bytes = _mm_loadu_si128(lane.as_ptr().cast::<__m128i>());
            _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128()))
        };
        mask |= u64::from(found.cast_unsigned()) << (number * LANE_BYTES);
    }
    mask
}

/// Bit `i` is set where byte `i` is NUL; 8 bytes at a time, in ordinary arithmetic.
#[inline]
#[must_use]
pub fn nul_mask_by_words(block: &[u8; BLOCK_BYTES]) -> u64 {
    let mut mask = 0;
    for (number, word) in block.as_chunks::<8>().0.iter().enumerate() {
        let zeros = zero_bytes(u64::from_le_bytes(*word));
        // Bits 0, 8, .. 56 are gathered in the top byte: the factor has a bit at 56 - 7 i, so none collide.
        mask |= (zeros >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56 << (number * 8);
    }
    mask
}

/// The top bit of each byte is set where the byte is 0, and no other bit.
#[inline]
#[must_use]
pub const fn zero_bytes(word: u64) -> u64 {
    const LOW: u64 = u64::from_le_bytes([0x7f; 8]);
    // The top bit of each byte: set where any bit of that byte is; no carry leaves a byte.
    !(((word & LOW) + LOW) | word | LOW)
}

#[cfg(test)]
#[path = "lib_tests.rs"]
mod tests;
