//! The fields of one message, one after the other.

use crate::decimal::{self, FIXED_ONE, Number};
use crate::digits;
use crate::error::{Doubt, Flaw};
use crate::masks::{BLOCK_BYTES, masks};

/// Digits that one word holds.
const WORD_DIGITS: usize = 8;

/// Where a field is, and its first point if the fast way found one.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    end: usize,
    point: Option<usize>,
    /// Whether `point` is known; the plain way, and a field across two blocks, do not tell.
    marked: bool,
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
    /// Where the block of the masks starts.
    block: usize,
    /// The separators of the block that are not passed yet.
    separators: u64,
    points: u64,
}

impl<'a, const FAST: bool> Fields<'a, FAST> {
    /// The message `data[start..end]`, which is in bounds.
    #[inline]
    pub(crate) fn new(data: &'a [u8], start: usize, end: usize) -> Self {
        let mut fields = Self { data, start, end, block: start, separators: 0, points: 0 };
        if FAST {
            fields.load();
        }
        fields
    }

    /// Reads the masks of the block.
    #[inline]
    fn load(&mut self) {
        let rest = self.end - self.block;
        let (separators, points) = match self.data[self.block..].first_chunk() {
            Some(block) => masks(block),
            None => self.load_short(),
        };
        let ours = if rest >= BLOCK_BYTES { u64::MAX } else { (1 << rest) - 1 };
        (self.separators, self.points) = (separators & ours, points & ours);
    }

    /// The masks where fewer than 64 bytes are at hand.
    #[cold]
    fn load_short(&self) -> (u64, u64) {
        let rest = &self.data[self.block..];
        let mut block = [0; BLOCK_BYTES];
        block[..rest.len()].copy_from_slice(rest);
        masks(&block)
    }

    #[inline]
    fn next(&mut self) -> Result<Place, Flaw> {
        if FAST { self.next_marked() } else { self.next_plain() }
    }

    #[inline]
    fn next_marked(&mut self) -> Result<Place, Flaw> {
        while self.separators == 0 {
            if self.end - self.block <= BLOCK_BYTES {
                return Err(self.nothing());
            }
            self.block += BLOCK_BYTES;
            self.load();
        }
        let (start, end) = (self.start, self.block + self.separators.trailing_zeros() as usize);
        self.separators &= self.separators - 1;
        self.start = end + 1;
        let marked = start >= self.block;
        let points = if marked { self.points >> (start - self.block) } else { 0 };
        let point = start + points.trailing_zeros() as usize;
        Ok(Place { start, end, point: (points != 0 && point < end).then_some(point), marked })
    }

    fn next_plain(&mut self) -> Result<Place, Flaw> {
        let rest = &self.data[self.start..self.end];
        let length = rest.iter().position(|byte| *byte == 0).ok_or_else(|| self.nothing())?;
        let start = self.start;
        self.start += length + 1;
        Ok(Place { start, end: start + length, point: None, marked: false })
    }

    /// Why there is no further field.
    #[cold]
    fn nothing(&self) -> Flaw {
        if self.start == self.end { Flaw::FieldMissing } else { Flaw::NotClosed }
    }

    #[inline]
    fn bytes(&self, place: Place) -> &'a [u8] {
        &self.data[place.start..place.end]
    }

    /// Passes a field.
    #[inline]
    pub(crate) fn skip(&mut self) -> Result<(), Flaw> {
        self.next().map(drop)
    }

    /// A field as it came.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<&'a [u8], Flaw> {
        let place = self.next()?;
        Ok(self.bytes(place))
    }

    /// Whether all fields were read.
    #[inline]
    pub(crate) fn at_end(&self) -> bool {
        self.start == self.end
    }

    /// A whole number.
    #[inline]
    pub(crate) fn integer(&mut self) -> Result<i64, Flaw> {
        let place = self.next()?;
        if FAST && let Some(value) = self.whole(place.start, place.end) {
            return Ok(value.cast_signed());
        }
        self.integer_plain(place)
    }

    #[cold]
    fn integer_plain(&self, place: Place) -> Result<i64, Flaw> {
        decimal::integer(self.bytes(place))
    }

    /// A whole number from 0 up to what `T` holds; others are beyond a record.
    #[inline]
    pub(crate) fn small<T: TryFrom<i64>>(&mut self) -> Result<T, Doubt> {
        T::try_from(self.integer()?).map_err(|_| Doubt::Beyond)
    }

    /// Attributes; an empty field has none.
    #[inline]
    pub(crate) fn attributes(&mut self) -> Result<u16, Flaw> {
        let place = self.next()?;
        if place.start == place.end {
            return Ok(0);
        }
        let value = match self.whole(place.start, place.end) {
            Some(value) if FAST => value.cast_signed(),
            _ => self.integer_plain(place)?,
        };
        #[expect(clippy::cast_sign_loss, reason = "the lowest three bits")]
        Ok((value & 7) as u16)
    }

    /// 1 to 16 digits.
    #[inline]
    fn whole(&self, start: usize, end: usize) -> Option<u64> {
        let count = end - start;
        if count.wrapping_sub(1) < WORD_DIGITS {
            return digits::ending(&self.data[..end], count);
        }
        if count > 2 * WORD_DIGITS || count == 0 {
            return None;
        }
        let last = digits::ending(&self.data[..end], WORD_DIGITS)?;
        let first = digits::ending(&self.data[..end - WORD_DIGITS], count - WORD_DIGITS)?;
        Some(first * 100_000_000 + last)
    }

    /// A price or another number.
    #[inline]
    pub(crate) fn decimal(&mut self) -> Result<Number, Flaw> {
        let place = self.next()?;
        if FAST && let Some(fixed) = self.fixed(place) {
            return Ok(Number::Fixed(fixed));
        }
        self.decimal_plain(place)
    }

    #[cold]
    fn decimal_plain(&self, place: Place) -> Result<Number, Flaw> {
        decimal::decimal(self.bytes(place))
    }

    /// A size: a decimal with some values that mean none.
    #[inline]
    pub(crate) fn size(&mut self) -> Result<Number, Flaw> {
        Ok(decimal::size(self.decimal()?))
    }

    /// `[-]` 1 to 8 digits, and a point with at most 8 digits.
    #[inline]
    fn fixed(&self, place: Place) -> Option<i64> {
        let (negative, start) = self.sign(place);
        let point = place.point.unwrap_or(place.end);
        let whole = point.wrapping_sub(start);
        if !place.marked || whole.wrapping_sub(1) >= WORD_DIGITS {
            return None;
        }
        let mut value = digits::ending(&self.data[..point], whole)?.cast_signed() * FIXED_ONE;
        if place.point.is_some() {
            let digits = place.end - point - 1;
            if digits > WORD_DIGITS {
                return None;
            }
            value += digits::starting(&self.data[point + 1..], digits)?.cast_signed();
        }
        Some(if negative { -value } else { value })
    }

    #[inline]
    fn sign(&self, place: Place) -> (bool, usize) {
        let negative = self.data.get(place.start) == Some(&b'-');
        (negative, place.start + usize::from(negative))
    }

    /// The nearest f64.
    #[inline]
    pub(crate) fn float(&mut self) -> Result<Number, Flaw> {
        let place = self.next()?;
        if FAST && let Some(value) = self.exact_float(place) {
            return Ok(Number::Float(value));
        }
        self.float_plain(place)
    }

    #[cold]
    fn float_plain(&self, place: Place) -> Result<Number, Flaw> {
        let text = self.bytes(place);
        if text.is_empty() {
            return Ok(Number::Absent);
        }
        let value = decimal::float(text)?;
        Ok(if value.is_finite() && value.abs() < f64::MAX { Number::Float(value) } else { Number::Unset })
    }

    /// `[-]` 1 to 7 digits, a point and 1 to 8 digits: both the digits and the power of ten are exact as f64, so that
    /// one division rounds once.
    #[inline]
    fn exact_float(&self, place: Place) -> Option<f64> {
        const POWERS: [f64; 9] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
        let point = place.point?;
        let (negative, start) = self.sign(place);
        let (whole, digits) = (point.wrapping_sub(start), place.end - point - 1);
        if whole.wrapping_sub(1) >= WORD_DIGITS - 1 || digits.wrapping_sub(1) >= WORD_DIGITS {
            return None;
        }
        let before = digits::ending(&self.data[..point], whole)?;
        let after = digits::ending(&self.data[..place.end], digits)?;
        #[expect(clippy::cast_precision_loss, reason = "at most 15 digits")]
        let value = (before * 10_u64.pow(u32::try_from(digits).ok()?) + after) as f64 / POWERS[digits];
        Some(if negative { -value } else { value })
    }
}
