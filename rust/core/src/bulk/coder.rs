//! Lossless codes: a value becomes a few bits, and equal bits mean equal values.
//!
//! A coder is made from a sample. Each of its functions is injective on the values that it accepts; a value that it does
//! not accept ("does not fit") is compared where it lies instead. So the sample decides about speed, never the answer.

use hashbrown::HashTable;
use tieout_wide::Code;

use crate::column::Text;
use crate::mix::mix_text;

/// Numbers: subtract a base, divide by a common divisor, keep the low bits.
///
/// Subtraction, multiplication by an odd number and rotation are one-to-one on 64-bit words, so the whole function is,
/// even where they wrap around. Dividing by an odd divisor is multiplying by its inverse: a word that is no multiple
/// becomes one with high bits set, which does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    base: u64,
    inverse: u64,
    rotate: u32,
    pub(crate) width: u32,
}

impl Number {
    /// Every 64-bit word, in the order of signed numbers where asked for.
    pub(crate) fn whole(signed: bool) -> Self {
        Self { base: if signed { 1 << 63 } else { 0 }, inverse: 1, rotate: 0, width: u64::BITS }
    }

    /// For words like those of the sample, with an eighth of their range to spare on either end.
    pub(crate) fn of(sample: &[u64], signed: bool) -> Self {
        let (low, range, divisor) = range(sample, signed);
        let steps = range / divisor;
        let spare = steps / 8 + 1;
        let Some(width) = steps.checked_add(spare).and_then(|s| s.checked_add(spare)).map(bits) else {
            return Self::whole(signed);
        };
        let rotate = divisor.trailing_zeros();
        Self { base: low.wrapping_sub(spare.wrapping_mul(divisor)), inverse: inverse(divisor >> rotate), rotate, width }
    }

    /// For words like those of the sample and as many beside them as the width has.
    pub(crate) fn around(sample: &[u64], signed: bool, width: u32) -> Self {
        if width >= u64::BITS {
            return Self::whole(signed);
        }
        let (low, range, _) = range(sample, signed);
        let spare = ((1_u64 << width) - 1).saturating_sub(range) / 2;
        let base = if signed {
            low.cast_signed().saturating_sub_unsigned(spare).cast_unsigned()
        } else {
            low.saturating_sub(spare)
        };
        Self { base, inverse: 1, rotate: 0, width }
    }

    /// The same, its bits that far up.
    pub(crate) fn code_at(&self, shift: u32) -> Code {
        let Self { base, inverse, rotate, width } = *self;
        Code { base, inverse, rotate, width, shift }
    }

    /// The bits of a word: it fits where none is set from `width` on.
    #[cfg(test)]
    pub(crate) fn code(&self, word: u64) -> u64 {
        word.wrapping_sub(self.base).wrapping_mul(self.inverse).rotate_right(self.rotate)
    }
}

/// Bits that hold every number up to this one, at least one.
pub(crate) fn bits(most: u64) -> u32 {
    (u64::BITS - most.leading_zeros()).max(1)
}

/// The least word, the distance to the greatest, and what all distances are multiples of.
fn range(sample: &[u64], signed: bool) -> (u64, u64, u64) {
    let order = |word: &&u64| if signed { **word ^ (1 << 63) } else { **word };
    let low = sample.iter().min_by_key(order).copied().unwrap_or(0);
    let high = sample.iter().max_by_key(order).copied().unwrap_or(0);
    let divisor = sample.iter().fold(0, |divisor, word| greatest_common(divisor, word.wrapping_sub(low)));
    (low, high.wrapping_sub(low), divisor.max(1))
}

fn greatest_common(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The word that undoes multiplication by an odd one, by Newton's iteration: each step doubles the bits that are right.
fn inverse(odd: u64) -> u64 {
    (0..6).fold(odd, |guess, _| guess.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(guess))))
}

/// Texts that were seen, numbered.
#[derive(Debug)]
pub(crate) struct Words<'a> {
    slots: HashTable<u32>,
    texts: Vec<Text<'a>>,
    /// The number of a short text by its hash, for those that share it with no other: what nearly every text is.
    quick: Vec<(u128, u32)>,
}

/// Entries of the quick list, a power of two.
const QUICK: usize = 256;
/// In a quick entry of no text. No text is so long and short.
const NO_TEXT: u128 = u128::MAX;

impl<'a> Words<'a> {
    pub(crate) fn new() -> Self {
        Self { slots: HashTable::new(), texts: Vec::new(), quick: vec![(NO_TEXT, 0); QUICK] }
    }

    /// The text's number, a new one if it has none.
    pub(crate) fn add(&mut self, text: Text<'a>) -> u32 {
        if let Some(number) = self.number(text) {
            return number;
        }
        let number = u32::try_from(self.texts.len()).expect("no more texts than rows");
        let Self { slots, texts, quick } = self;
        texts.push(text);
        if let Text::Short(word) = text {
            quick[place(word)] = (word, number);
        }
        slots.insert_unique(hash(text), number, |&number| hash(texts[number as usize]));
        number
    }

    /// The text's number, if it was seen.
    #[inline]
    pub(crate) fn number(&self, text: Text<'_>) -> Option<u32> {
        if let Text::Short(word) = text
            && let (known, number) = self.quick[place(word)]
            && known == word
        {
            return Some(number);
        }
        self.slots.find(hash(text), |&number| self.texts[number as usize] == text).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }
}

/// The place of a short text in the quick list.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "a hash takes what bits it gets")]
fn place(word: u128) -> usize {
    let folded = (word as u64 ^ (word >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (folded >> 56) as usize % QUICK
}

#[inline]
fn hash(text: Text<'_>) -> u64 {
    mix_text(0, text)
}

#[cfg(test)]
#[path = "coder_tests.rs"]
mod tests;
