//! The fields of one message, one after the other.
#![expect(clippy::inline_always, reason = "calls through memory cost more than the work; docs/performance_ticks.md")]

use tieout_lanes::{BLOCK_BYTES, nul_mask};

use crate::decimal::{self, Number};
use crate::digits::{self, WORD_BYTES};
use crate::error::{Doubt, Flaw};

/// Where a field is.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    end: usize,
}

/// A field as it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) bytes: &'a [u8],
    /// Its first 8 bytes, the first lowest, zeros behind.
    pub(crate) head: u64,
}

/// At most 8 bytes, the first lowest, zeros behind.
#[inline]
pub(crate) fn packed(text: &[u8]) -> u64 {
    text.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// A place in a message. `FAST` finds fields by masks and reads numbers by words, and leaves every doubt to the plain way.
#[derive(Debug)]
pub(crate) struct Fields<'a, const FAST: bool> {
    /// The bytes at hand: this message and its neighbours, which the fast way may load and never uses.
    data: &'a [u8],
    /// Where the next field starts.
    start: usize,
    /// Where the message ends.
    end: usize,
    /// Where the block of the mask starts.
    block: usize,
    /// The separators of the block that are not passed yet.
    separators: u64,
}

impl<'a, const FAST: bool> Fields<'a, FAST> {
    /// The message `data[start..end]`, which is in bounds.
    #[inline(always)]
    pub(crate) fn new(data: &'a [u8], start: usize, end: usize) -> Self {
        let separators = if FAST { mask(data, start, end) } else { 0 };
        Self { data, start, end, block: start, separators }
    }

    #[inline(always)]
    fn next(&mut self) -> Result<Place, Flaw> {
        if !FAST {
            return self.next_plain();
        }
        if self.separators == 0 {
            (self.block, self.separators) = next_block(self.data, self.block, self.end)?;
        }
        let (start, end) = (self.start, self.block + self.separators.trailing_zeros() as usize);
        self.separators &= self.separators - 1;
        self.start = end + 1;
        Ok(Place { start, end })
    }

    fn next_plain(&mut self) -> Result<Place, Flaw> {
        let (start, rest) = (self.start, &self.data[self.start..self.end]);
        let length = rest.iter().position(|byte| *byte == 0).ok_or(Flaw::FieldMissing)?;
        self.start += length + 1;
        Ok(Place { start, end: start + length })
    }

    #[inline(always)]
    fn bytes(&self, place: Place) -> &'a [u8] {
        &self.data[place.start..place.end]
    }

    /// Passes a field.
    #[inline(always)]
    pub(crate) fn skip(&mut self) -> Result<(), Flaw> {
        self.next().map(drop)
    }

    /// A field as it came.
    #[inline(always)]
    pub(crate) fn text(&mut self) -> Result<Text<'a>, Flaw> {
        let place = self.next()?;
        let bytes = self.bytes(place);
        let head = match self.data[place.start..].first_chunk() {
            // Of a text of 8 bytes and more all of the word; of a shorter one its bytes, of none nothing.
            Some(word) if FAST && bytes.len() < WORD_BYTES => {
                u64::from_le_bytes(*word) & !(u64::MAX << (8 * bytes.len()))
            }
            Some(word) if FAST => u64::from_le_bytes(*word),
            _ => packed(&bytes[..bytes.len().min(WORD_BYTES)]),
        };
        Ok(Text { bytes, head })
    }

    /// Whether all fields were read.
    #[inline(always)]
    pub(crate) fn at_end(&self) -> bool {
        self.start == self.end
    }

    /// A whole number.
    #[inline(always)]
    pub(crate) fn integer(&mut self) -> Result<i64, Flaw> {
        let place = self.next()?;
        match whole(self.data, place) {
            Some(value) if FAST => Ok(value.cast_signed()),
            _ => decimal::integer(self.bytes(place)),
        }
    }

    /// A whole number from 0 up to what `T` holds; others are beyond a record.
    #[inline(always)]
    pub(crate) fn small<T: TryFrom<i64>>(&mut self) -> Result<T, Doubt> {
        T::try_from(self.integer()?).map_err(|_| Doubt::Beyond)
    }

    /// Attributes; an empty field has none.
    #[inline(always)]
    pub(crate) fn attributes(&mut self) -> Result<u16, Flaw> {
        let place = self.next()?;
        if place.start == place.end {
            return Ok(0);
        }
        let value = match whole(self.data, place) {
            Some(value) if FAST => value.cast_signed(),
            _ => decimal::integer(self.bytes(place))?,
        };
        #[expect(clippy::cast_sign_loss, reason = "the lowest three bits")]
        Ok((value & 7) as u16)
    }

    /// A price or another number.
    #[inline(always)]
    pub(crate) fn decimal(&mut self) -> Result<Number, Flaw> {
        let place = self.next()?;
        match fixed(self.data, place) {
            Some(fixed) if FAST => Ok(Number::Fixed(fixed)),
            _ => decimal_rare::<FAST>(self.data, place),
        }
    }

    /// A size: a decimal with some values that mean none.
    #[inline(always)]
    pub(crate) fn size(&mut self) -> Result<Number, Flaw> {
        let place = self.next()?;
        match fixed(self.data, place) {
            // What means none has more digits than one word.
            Some(fixed) if FAST => Ok(Number::Fixed(fixed)),
            _ => Ok(decimal::size(decimal_rare::<FAST>(self.data, place)?)),
        }
    }

    /// The nearest f64.
    #[inline]
    pub(crate) fn float(&mut self) -> Result<Number, Flaw> {
        let place = self.next()?;
        match exact_float(self.data, place) {
            Some(value) if FAST => Ok(Number::Float(value)),
            _ => float_plain(self.bytes(place)),
        }
    }
}

// What follows takes no `Fields`, so that their words can stay in registers from one field to the next.

/// The mask of the block from `block` on, as far as the message goes.
#[inline(always)]
fn mask(data: &[u8], block: usize, end: usize) -> u64 {
    let found = match data[block..].first_chunk() {
        Some(block) => nul_mask(block),
        None => short_mask(&data[block..]),
    };
    let rest = end - block;
    if rest >= BLOCK_BYTES { found } else { found & ((1 << rest) - 1) }
}

/// The mask where fewer than 64 bytes are at hand.
#[cold]
#[inline(never)]
fn short_mask(rest: &[u8]) -> u64 {
    let mut block = [0; BLOCK_BYTES];
    block[..rest.len()].copy_from_slice(rest);
    nul_mask(&block)
}

/// The next block that has a separator, and its mask.
#[inline(never)]
fn next_block(data: &[u8], mut block: usize, end: usize) -> Result<(usize, u64), Flaw> {
    while end - block > BLOCK_BYTES {
        block += BLOCK_BYTES;
        let separators = mask(data, block, end);
        if separators != 0 {
            return Ok((block, separators));
        }
    }
    Err(Flaw::FieldMissing)
}

/// 1 to 8 digits; up to 16 on a longer way.
#[inline(always)]
fn whole(data: &[u8], place: Place) -> Option<u64> {
    let count = place.end - place.start;
    if count.wrapping_sub(1) < WORD_BYTES {
        return digits::whole(&data[..place.end], count);
    }
    whole_long(data, place)
}

#[inline(never)]
fn whole_long(data: &[u8], Place { start, end }: Place) -> Option<u64> {
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
fn fixed(data: &[u8], Place { start, end }: Place) -> Option<i64> {
    let count = end.wrapping_sub(start);
    if count.wrapping_sub(1) >= WORD_BYTES {
        return None;
    }
    Some(digits::fixed(&data[..end], count)?.cast_signed())
}

/// A number below 0 the fast way, and any other form the plain way.
#[cold]
#[inline(never)]
fn decimal_rare<const FAST: bool>(data: &[u8], place: Place) -> Result<Number, Flaw> {
    if FAST
        && data[place.start] == b'-'
        && let Some(fixed) = fixed(data, Place { start: place.start + 1, ..place })
    {
        return Ok(Number::Fixed(-fixed));
    }
    decimal::decimal(&data[place.start..place.end])
}

#[cold]
#[inline(never)]
fn float_plain(text: &[u8]) -> Result<Number, Flaw> {
    if text.is_empty() {
        return Ok(Number::Absent);
    }
    let value = decimal::float(text)?;
    Ok(if value.is_finite() && value.abs() < f64::MAX { Number::Float(value) } else { Number::Unset })
}

/// `[-]` a digit, a point and 1 to 16 digits: where the digits and the power of ten are exact as f64, one division
/// rounds once.
#[inline(never)]
fn exact_float(data: &[u8], place: Place) -> Option<f64> {
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
    let fraction = Place { start: start + 2, end: place.end };
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
