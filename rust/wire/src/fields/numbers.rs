//! Numbers of the forms that are rarer, the same on every way.
#![expect(clippy::inline_always, reason = "calls through memory cost more than the work; docs/performance_ticks.md")]

use super::Place;
use super::digits::{self, WORD_BYTES};
use crate::decimal::{self, Number};
use crate::error::Flaw;

/// A whole number of 9 to 16 digits, such as a time, by words if they may be used; any other the plain way.
#[inline(never)]
pub(super) fn integer_rare(data: &[u8], place: Place, fast: bool) -> Result<i64, Flaw> {
    match whole_long(data, place) {
        Some(value) if fast => Ok(value.cast_signed()),
        _ => decimal::integer(&data[place.start..place.end]),
    }
}

#[inline(always)]
fn whole(data: &[u8], place: Place) -> Option<u64> {
    match place.end.checked_sub(place.start)? {
        count @ 1..=WORD_BYTES => digits::whole(&data[..place.end], count),
        _ => whole_long(data, place),
    }
}

#[inline]
fn whole_long(data: &[u8], Place { start, end, .. }: Place) -> Option<u64> {
    let count = end - start;
    if !(WORD_BYTES + 1..=2 * WORD_BYTES).contains(&count) {
        return None;
    }
    let last = digits::whole(&data[..end], WORD_BYTES)?;
    let first = digits::whole(&data[..end - WORD_BYTES], count - WORD_BYTES)?;
    Some(first * 100_000_000 + last)
}

/// 1 to 8 bytes of digits, a point among them or not.
#[inline(always)]
pub(super) fn fixed(data: &[u8], Place { start, end, .. }: Place) -> Option<i64> {
    let count = end.wrapping_sub(start);
    if count.wrapping_sub(1) >= WORD_BYTES {
        return None;
    }
    Some(digits::fixed(&data[..end], count)?.cast_signed())
}

/// A number below 0 by a word, if one may be used, and any other form the plain way.
#[cold]
#[inline(never)]
pub(super) fn decimal_rare(data: &[u8], place: Place, fast: bool) -> Result<Number, Flaw> {
    if fast
        && data[place.start] == b'-'
        && let Some(fixed) = fixed(data, Place { start: place.start + 1, ..place })
    {
        return Ok(Number::Fixed(-fixed));
    }
    decimal::decimal(&data[place.start..place.end])
}

#[cold]
#[inline(never)]
pub(super) fn float_plain(text: &[u8]) -> Result<Number, Flaw> {
    if text.is_empty() {
        return Ok(Number::Absent);
    }
    let value = decimal::float(text)?;
    Ok(if value.is_finite() && value.abs() < f64::MAX { Number::Float(value) } else { Number::Unset })
}

/// `[-]` a digit, a point and 1 to 16 digits: where the digits and the power of ten are exact as f64, one division
/// rounds once.
#[inline(never)]
pub(super) fn float_exact(data: &[u8], place: Place) -> Option<f64> {
    const POWERS: [f64; 17] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16];
    const WHOLE: [u64; 17] = {
        let mut powers = [1; 17];
        let mut at = 1;
        while at < powers.len() {
            powers[at] = 10 * powers[at - 1];
            at += 1;
        }
        powers
    };
    let negative = data[place.start] == b'-';
    let start = place.start + usize::from(negative);
    let digit = u64::from(data[start].wrapping_sub(b'0'));
    if place.end - place.start < 3 || digit > 9 || data[start + 1] != b'.' {
        return None;
    }
    let fraction = Place { start: start + 2, ..place };
    // Behind the sign, the digit and the point there may be nothing.
    let count = fraction.end.checked_sub(fraction.start)?;
    let mantissa = digit * WHOLE.get(count)? + whole(data, fraction)?;
    if mantissa > 1 << f64::MANTISSA_DIGITS {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
    let value = mantissa as f64 / POWERS[count];
    Some(if negative { -value } else { value })
}
