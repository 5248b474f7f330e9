//! Numbers as text, the slow and plain way: every form that TWS's Java and Python's `float` write.

use crate::error::Flaw;

/// Units of 1e-8.
pub(crate) const FIXED_DIGITS: i32 = 8;
pub(crate) const FIXED_ONE: i64 = 100_000_000;

/// So many digits, leading zeros aside, are read exactly.
const DIGITS_MAX: u32 = 36;

/// A size of so many means that there is none.
const UNSET_INT: i64 = 2_147_483_647;
#[expect(clippy::cast_precision_loss, reason = "the sentinel 9223372036854775807 is read as this f64")]
const UNSET_LONG: f64 = i64::MAX as f64;

/// A number of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    /// The field is empty.
    Absent,
    /// The field says that there is none: NaN, infinite, `DBL_MAX`.
    Unset,
    /// Exact, in units of 1e-8.
    Fixed(i64),
    /// The nearest f64, because units of 1e-8 cannot hold it.
    Float(f64),
}

/// A price or another number.
pub(crate) fn decimal(text: &[u8]) -> Result<Number, Flaw> {
    if text.is_empty() {
        return Ok(Number::Absent);
    }
    if let Some(fixed) = fixed(text) {
        return Ok(Number::Fixed(fixed));
    }
    let value = float(text)?;
    Ok(if value.is_finite() && value.abs() < f64::MAX { Number::Float(value) } else { Number::Unset })
}

/// The f64 nearest to the text; not necessarily finite.
pub(crate) fn float(text: &[u8]) -> Result<f64, Flaw> {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Flaw::NotANumber)
}

/// A number that stays what it is, but for the values by which a size says that there is none.
pub(crate) fn size(number: Number) -> Number {
    match number {
        Number::Fixed(fixed) if fixed == UNSET_INT * FIXED_ONE => Number::Unset,
        Number::Float(float) if float == UNSET_LONG => Number::Unset,
        other => other,
    }
}

/// A whole number with an optional sign.
#[cold]
#[inline(never)]
pub(crate) fn integer(text: &[u8]) -> Result<i64, Flaw> {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Flaw::NotAnInteger)
}

/// Exactly that many units of 1e-8, if it is a whole number of them in range. `[+-]digits[.digits][e[+-]digits]`.
fn fixed(text: &[u8]) -> Option<i64> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&text[..at], integer(&text[at + 1..]).ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = match mantissa.iter().position(|byte| *byte == b'.') {
        Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
        None => (mantissa, &[][..]),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut digits: i128 = 0;
    let mut count = 0;
    for byte in whole.iter().chain(fraction) {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        count += u32::from(digits != 0);
        if count > DIGITS_MAX {
            return None;
        }
        digits = digits * 10 + i128::from(digit);
    }
    let scale = exponent.checked_add(FIXED_DIGITS.into())?.checked_sub(fraction.len().try_into().ok()?)?;
    let units = scaled(digits, scale)?;
    i64::try_from(if negative { -units } else { units }).ok()
}

/// `digits * 10^scale`, if that is whole.
fn scaled(digits: i128, scale: i64) -> Option<i128> {
    if digits == 0 {
        return Some(0);
    }
    let power = 10_i128.checked_pow(scale.unsigned_abs().try_into().ok()?)?;
    if scale >= 0 { digits.checked_mul(power) } else { (digits % power == 0).then_some(digits / power) }
}
