//! Where the separators and the decimal points of 64 bytes are, one bit for each byte; 8 bytes at a time.

/// Bytes that one pair of masks covers.
pub(crate) const BLOCK_BYTES: usize = 64;

/// Bit `i` of the first is set where byte `i` is NUL, of the second where it is a point.
#[inline]
pub(crate) fn masks(block: &[u8; BLOCK_BYTES]) -> (u64, u64) {
    const POINTS: u64 = u64::from_le_bytes([b'.'; 8]);
    let (mut separators, mut points) = (0, 0);
    for (number, word) in block.as_chunks::<8>().0.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        separators |= zero_bytes(word) << (number * 8);
        points |= zero_bytes(word ^ POINTS) << (number * 8);
    }
    (separators, points)
}

/// Bit `i` is set where byte `i` is 0.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    const LOW: u64 = u64::from_le_bytes([0x7f; 8]);
    // The top bit of each byte: set where any bit of that byte is; no carry leaves a byte.
    let full = ((word & LOW) + LOW) | word | LOW;
    // Bits 0, 8, .. 56 are gathered in the top byte: the factor has a bit at 56 - 7 i, so none collide.
    ((!full) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
#[path = "masks_tests.rs"]
mod tests;
