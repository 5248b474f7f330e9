//! Numbers of at most 8 bytes in one word: the last byte highest, and `0` where the word is longer than the number.
#![expect(clippy::inline_always, reason = "calls through memory cost more than the work; docs/performance_ticks.md")]

use tieout_lanes::zero_bytes;

const ZEROS: u64 = u64::from_le_bytes([b'0'; WORD_BYTES]);
const POINTS: u64 = u64::from_le_bytes([b'.'; WORD_BYTES]);

/// Bytes of a word.
pub(crate) const WORD_BYTES: usize = 8;

/// Units of 1e-8 by the place of the point: with the point in byte `i`, 7 - i digits follow it.
const SCALES: [u64; WORD_BYTES] = [10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The number that these digits make, 1 to 8 of them, which end where `before` ends.
#[inline(always)]
pub(crate) fn whole(before: &[u8], count: usize) -> Option<u64> {
    let (word, kept) = load(before, count)?;
    value(word & kept | ZEROS & !kept)
}

/// The same of digits and at most one point, in units of 1e-8; not of a point alone.
#[inline(always)]
pub(crate) fn fixed(before: &[u8], count: usize) -> Option<u64> {
    let (word, kept) = load(before, count)?;
    let point = zero_bytes((word ^ POINTS) & kept | !kept);
    if point == 0 {
        return Some(units(value(word & kept | ZEROS & !kept)?, WORD_BYTES - 1));
    }
    if count == 1 {
        return None;
    }
    // The digits before the point move up by one byte, so that it is gone.
    let place = point.trailing_zeros() / 8;
    let below = (1 << (8 * place)) - 1;
    let (digits, kept) = ((word & below) << 8 | word & !(below << 8 | 0xff), kept << 8);
    Some(units(value(digits & kept | ZEROS & !kept)?, place as usize))
}

/// At most 99,999,999 times 1e8: it cannot overflow.
#[inline(always)]
fn units(value: u64, place: usize) -> u64 {
    value.wrapping_mul(SCALES[place])
}

/// The word that ends there, and which of its bytes belong to the number.
#[inline(always)]
fn load(before: &[u8], count: usize) -> Option<(u64, u64)> {
    let word = u64::from_le_bytes(*before.last_chunk()?);
    Some((word, u64::MAX << ((WORD_BYTES - count) % WORD_BYTES * 8)))
}

/// Eight digits, the first in the lowest byte; none if one of them is no digit.
#[inline(always)]
fn value(word: u64) -> Option<u64> {
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const SIX: u64 = 0x0606_0606_0606_0606;
    // '0' to '9' have 3 in their upper half, and still have it with 6 added.
    if (word & HIGH) | ((word.wrapping_add(SIX) & HIGH) >> 4) != 0x3333_3333_3333_3333 {
        return None;
    }
    // Pairs, then fours, then eight: each step multiplies the earlier half by its weight and adds the later.
    let word = word & 0x0f0f_0f0f_0f0f_0f0f;
    let word = word.wrapping_mul((10 << 8) + 1) >> 8 & 0x00ff_00ff_00ff_00ff;
    let word = word.wrapping_mul((100 << 16) + 1) >> 16 & 0x0000_ffff_0000_ffff;
    Some(word.wrapping_mul((10_000 << 32) + 1) >> 32)
}
