//! The fields of one message, one after the other. There are three ways through them, with one answer:
//!
//! | way | separators | numbers |
//! |---|---|---|
//! | [`scan::Plain`] | byte by byte | digit by digit |
//! | [`scan::Masked`] | by a mask of 64 bytes | by a word that ends where the field does |
//! | [`wide::Wide`] | the same | eight at once |
#![expect(clippy::inline_always, reason = "calls through memory cost more than the work; docs/performance_ticks.md")]

mod digits;
mod numbers;
pub(crate) mod scan;
pub(crate) mod wide;

use crate::decimal::{self, Number};
use crate::error::Doubt;
use digits::WORD_BYTES;
use numbers::{decimal_rare, float_exact, float_plain, integer_rare};

/// Where a field is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    start: usize,
    end: usize,
    /// Which one of those that were read together.
    number: usize,
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

/// A place in a message. What is fast leaves every doubt to the plain functions of `decimal`.
pub(crate) trait Fields<'a> {
    /// Whether words may be used, and not bytes alone.
    const FAST: bool;

    /// The bytes at hand: this message and its neighbours, which a fast way may load and never uses.
    fn data(&self) -> &'a [u8];

    /// The next field.
    fn next(&mut self) -> Result<Place, Doubt>;

    /// Whether all fields were read.
    fn at_end(&self) -> bool;

    /// 1 to 8 digits. None is a doubt.
    fn whole(&self, place: Place) -> Option<u64>;

    /// 1 to 8 bytes of digits, with a point among them or not, in units of 1e-8. None is a doubt.
    fn fixed(&self, place: Place) -> Option<i64>;

    /// Passes the version, the first field of the messages that have one.
    #[inline(always)]
    fn version(&mut self) -> Result<(), Doubt> {
        self.skip()
    }

    /// Passes a field.
    #[inline(always)]
    fn skip(&mut self) -> Result<(), Doubt> {
        self.next().map(drop)
    }

    /// A field as it came.
    #[inline(always)]
    fn text(&mut self) -> Result<Text<'a>, Doubt> {
        let place = self.next()?;
        let bytes = &self.data()[place.start..place.end];
        let head = match self.data()[place.start..].first_chunk() {
            // Of a text of 8 bytes and more all of the word; of a shorter one its bytes, of none nothing.
            Some(word) if Self::FAST && bytes.len() < WORD_BYTES => {
                u64::from_le_bytes(*word) & !(u64::MAX << (8 * bytes.len()))
            }
            Some(word) if Self::FAST => u64::from_le_bytes(*word),
            _ => packed(&bytes[..bytes.len().min(WORD_BYTES)]),
        };
        Ok(Text { bytes, head })
    }

    /// A whole number.
    #[inline(always)]
    fn integer(&mut self) -> Result<i64, Doubt> {
        let place = self.next()?;
        match self.whole(place) {
            Some(value) => Ok(value.cast_signed()),
            None => Ok(integer_rare(self.data(), place, Self::FAST)?),
        }
    }

    /// A whole number from 0 up to what `T` holds; others are beyond a record.
    #[inline(always)]
    fn small<T: TryFrom<i64>>(&mut self) -> Result<T, Doubt> {
        T::try_from(self.integer()?).map_err(|_| Doubt::Beyond)
    }

    /// Attributes; an empty field has none.
    #[inline(always)]
    fn attributes(&mut self) -> Result<u16, Doubt> {
        let place = self.next()?;
        let value = match self.whole(place) {
            Some(value) => value.cast_signed(),
            None if place.start == place.end => 0,
            None => integer_rare(self.data(), place, Self::FAST)?,
        };
        #[expect(clippy::cast_sign_loss, reason = "the lowest three bits")]
        Ok((value & 7) as u16)
    }

    /// A price or another number.
    #[inline(always)]
    fn decimal(&mut self) -> Result<Number, Doubt> {
        let place = self.next()?;
        match self.fixed(place) {
            Some(fixed) => Ok(Number::Fixed(fixed)),
            None => Ok(decimal_rare(self.data(), place, Self::FAST)?),
        }
    }

    /// A size: a decimal with some values that mean none.
    #[inline(always)]
    fn size(&mut self) -> Result<Number, Doubt> {
        let place = self.next()?;
        match self.fixed(place) {
            // What means none has more digits than one word.
            Some(fixed) => Ok(Number::Fixed(fixed)),
            None => Ok(decimal::size(decimal_rare(self.data(), place, Self::FAST)?)),
        }
    }

    /// The nearest f64.
    #[inline]
    fn float(&mut self) -> Result<Number, Doubt> {
        let place = self.next()?;
        match float_exact(self.data(), place) {
            Some(value) if Self::FAST => Ok(Number::Float(value)),
            _ => Ok(float_plain(&self.data()[place.start..place.end])?),
        }
    }
}
