//! Eight fields at once with AVX-512.
//!
//! Field ends are compressed out of the mask of NULs. Each field then has a lane of 8 bytes: its last 8 bytes, which one
//! permutation fetches from the block, with zeros where the field is shorter. The digits before a point move up by one
//! byte, so that it is gone, and three multiplications make each lane's digits a number.

use std::arch::x86_64::{
    __m512i, _mm_add_epi8, _mm_bslli_si128, _mm_set1_epi8, _mm_storeu_si128, _mm_sub_epi8, _mm512_add_epi8,
    _mm512_add_epi64, _mm512_adds_epu8, _mm512_and_si512, _mm512_andnot_si512, _mm512_castsi128_si512,
    _mm512_castsi512_si128, _mm512_cmpeq_epi8_mask, _mm512_cmpeq_epi64_mask, _mm512_cmpge_epu8_mask,
    _mm512_cmpgt_epu64_mask, _mm512_cmple_epu64_mask, _mm512_lzcnt_epi64, _mm512_madd_epi16, _mm512_maddubs_epi16,
    _mm512_mask_or_epi64, _mm512_maskz_compress_epi8, _mm512_maskz_sub_epi8, _mm512_movm_epi8, _mm512_mul_epu32,
    _mm512_mullo_epi64, _mm512_or_si512, _mm512_permutexvar_epi8, _mm512_permutexvar_epi64, _mm512_popcnt_epi64,
    _mm512_set1_epi8, _mm512_set1_epi16, _mm512_set1_epi32, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_slli_epi64,
    _mm512_srli_epi64, _mm512_sub_epi8, _mm512_sub_epi64, _mm512_test_epi64_mask,
};

use crate::BLOCK_BYTES;
use crate::numbers::Numbers;

/// Byte `i` is `i`.
const COUNTING: [u8; BLOCK_BYTES] = bytes(1, 0, 0);
/// The number of each byte's lane.
const LANE: [u8; BLOCK_BYTES] = bytes(0, 1, 0);
/// From the end of a field back to each byte of its lane: -8 to -1.
const BACK: [u8; BLOCK_BYTES] = bytes(1, 0xf8, 0xf8);
/// A field that has this byte has at least so many: 8 to 1.
const REACH: [u8; BLOCK_BYTES] = bytes(0xff, 8, 8);
/// Units of 1e-8 by the digits behind the point.
const SCALES: [i64; 8] = [100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10];

/// Byte `i` is `first + i * step`, plus `by_lane` for each lane before it; all modulo 256.
const fn bytes(step: u8, by_lane: u8, first: u8) -> [u8; BLOCK_BYTES] {
    let mut bytes = [first; BLOCK_BYTES];
    let mut at = 1;
    while at < BLOCK_BYTES {
        let lane = if at.is_multiple_of(8) { by_lane } else { 0 };
        bytes[at] = bytes[at - 1].wrapping_add(step).wrapping_add(lane);
        at += 1;
    }
    bytes
}

/// Whether the processor has all that `read` is made of.
pub(crate) fn is_there() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("avx512vpopcntdq")
        && is_x86_feature_detected!("popcnt")
}

/// `Wide::read`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512cd,avx512vbmi,avx512vbmi2,avx512vpopcntdq,popcnt")]
pub(crate) fn read(block: &[u8; BLOCK_BYTES], length: usize, numbers: &mut Numbers) {
    debug_assert!((1..=BLOCK_BYTES).contains(&length), "{length}");
    let (one, zero) = (_mm512_set1_epi8(1), _mm512_setzero_si512());
    let block = load(block);
    let closed = _mm512_cmpeq_epi8_mask(block, zero) & (u64::MAX >> ((BLOCK_BYTES - length) & (BLOCK_BYTES - 1)));

    // Ends, starts and lengths of the fields, a byte each, and then in all bytes of the field's lane.
    let ends = _mm512_castsi512_si128(_mm512_maskz_compress_epi8(closed, load(&COUNTING)));
    let starts = _mm_bslli_si128::<1>(_mm_add_epi8(ends, _mm_set1_epi8(1)));
    let lengths = _mm_sub_epi8(ends, starts);
    let lanes = load(&LANE);
    let ends = _mm512_permutexvar_epi8(lanes, _mm512_castsi128_si512(ends));
    let lengths = _mm512_permutexvar_epi8(lanes, _mm512_castsi128_si512(lengths));

    // The last 8 bytes of each, as digits: 0 where it is shorter, and a point is 0xfe.
    let text = _mm512_permutexvar_epi8(_mm512_add_epi8(ends, load(&BACK)), block);
    let inside = _mm512_cmpge_epu8_mask(lengths, load(&REACH));
    let digits = _mm512_maskz_sub_epi8(inside, text, _mm512_set1_epi8(b'0'.cast_signed()));
    let point =
        _mm512_movm_epi8(_mm512_cmpeq_epi8_mask(digits, _mm512_set1_epi8(b'.'.wrapping_sub(b'0').cast_signed())));

    // What is before the point moves up over it.
    let has_point = _mm512_test_epi64_mask(point, point);
    let before = _mm512_andnot_si512(point, _mm512_sub_epi64(point, _mm512_set1_epi64(1)));
    let moved = _mm512_slli_epi64::<8>(_mm512_and_si512(digits, before));
    let behind = _mm512_andnot_si512(_mm512_or_si512(before, point), digits);
    let digits = _mm512_mask_or_epi64(digits, has_point, moved, behind);

    // Pairs, then fours, then eight.
    let pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(i16::from_le_bytes([10, 1])));
    let fours = _mm512_madd_epi16(pairs, _mm512_set1_epi32(i32::from_le_bytes([100, 0, 1, 0])));
    let first = _mm512_mul_epu32(fours, _mm512_set1_epi64(10_000));
    let value = _mm512_add_epi64(first, _mm512_srli_epi64::<32>(fours));
    // A point in byte i has 56 - 8 i zeros above it, none 64; of the eighths three bits choose.
    let fraction = _mm512_srli_epi64::<3>(_mm512_lzcnt_epi64(point));
    let units = _mm512_mullo_epi64(value, _mm512_permutexvar_epi64(fraction, load_words(&SCALES)));

    // Above 9 the top bit is set; no length but 1 to 8 is below 8 when it is one less.
    let above_9 = _mm512_adds_epu8(digits, _mm512_set1_epi8(0x7f - 9));
    let no_digits = _mm512_test_epi64_mask(above_9, _mm512_set1_epi8(i8::MIN));
    let fits = _mm512_cmple_epu64_mask(_mm512_sub_epi8(lengths, one), _mm512_set1_epi8(7));
    let two_points = _mm512_cmpgt_epu64_mask(_mm512_popcnt_epi64(point), _mm512_set1_epi64(8));
    let only_point = has_point & _mm512_cmpeq_epi64_mask(lengths, one);

    numbers.decimal = fits & !no_digits & !two_points & !only_point;
    numbers.whole = numbers.decimal & !has_point;
    numbers.count = closed.count_ones().min(8).to_le_bytes()[0];
    store(value, &mut numbers.value);
    store(units, &mut numbers.units);
    // SAFETY: 16 bytes of `starts`; the store asks for no alignment.
    unsafe { _mm_storeu_si128(numbers.starts.as_mut_ptr().cast(), starts) };
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(bytes: &[u8; BLOCK_BYTES]) -> __m512i {
    // SAFETY: exactly the 64 bytes; this load asks for no alignment.
    unsafe { std::arch::x86_64::_mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_words(words: &[i64; 8]) -> __m512i {
    // SAFETY: exactly the 64 bytes; this load asks for no alignment.
    unsafe { std::arch::x86_64::_mm512_loadu_si512(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(lanes: __m512i, words: &mut [u64; 8]) {
    // SAFETY: exactly the 64 bytes; this store asks for no alignment.
    unsafe { std::arch::x86_64::_mm512_storeu_si512(words.as_mut_ptr().cast(), lanes) }
}
