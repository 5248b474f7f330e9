//! Numbers from 8 bytes at a time: digits aligned right, or left for a fraction, the rest of the word filled with `0`.

const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);

/// The number that these digits make, at most 8 of them, which end where `before` ends.
#[inline]
pub(crate) fn ending(before: &[u8], count: usize) -> Option<u64> {
    let word = u64::from_le_bytes(*before.last_chunk()?);
    // The last digit is the highest byte. The shift by 64, of no digits, is 0 here.
    let kept = u64::MAX.checked_shl(64 - 8 * u32::try_from(count).ok()?).unwrap_or(0);
    value(word & kept | ZEROS & !kept)
}

/// The number that these digits make, at most 8 of them, with zeros behind up to 8: where `after` begins.
#[inline]
pub(crate) fn starting(after: &[u8], count: usize) -> Option<u64> {
    let word = u64::from_le_bytes(*after.first_chunk()?);
    let kept = u64::MAX.checked_shr(64 - 8 * u32::try_from(count).ok()?).unwrap_or(0);
    value(word & kept | ZEROS & !kept)
}

/// Eight digits, the first in the lowest byte; none if one of them is no digit.
#[inline]
fn value(word: u64) -> Option<u64> {
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const SIX: u64 = 0x0606_0606_0606_0606;
    // '0' to '9' have 3 in their upper half, and still have it with 6 added.
    if word & HIGH != ZEROS || word.wrapping_add(SIX) & HIGH != ZEROS {
        return None;
    }
    // Pairs, then fours, then eight: each step multiplies the earlier half by its weight and adds the later.
    let word = word & 0x0f0f_0f0f_0f0f_0f0f;
    let word = word.wrapping_mul((10 << 8) + 1) >> 8 & 0x00ff_00ff_00ff_00ff;
    let word = word.wrapping_mul((100 << 16) + 1) >> 16 & 0x0000_ffff_0000_ffff;
    Some(word.wrapping_mul((10_000 << 32) + 1) >> 32)
}
