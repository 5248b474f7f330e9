//! The hash of the tables inside: fast and the same on every run. It never decides equality.

use std::hash::BuildHasher;

use crate::column::Text;

const K0: u64 = 0x9e37_79b9_7f4a_7c15;
const K1: u64 = 0xd6e8_feb8_6659_fd93;
const K2: u64 = 0xa076_1d64_78bd_642f;

/// Folds a word into a hash.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "both halves of the product are kept")]
pub(crate) fn mix(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ word ^ K0) * u128::from(word.rotate_left(29) ^ K1);
    product as u64 ^ (product >> 64) as u64
}

/// Folds a text, or its absence, into a hash.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "both halves of the word are kept")]
pub(crate) fn mix_text(hash: u64, text: Text<'_>) -> u64 {
    match text {
        Text::Null => mix(hash, K2),
        Text::Short(word) => mix(hash ^ (word >> 64) as u64, word as u64),
        Text::Long(bytes) => bytes.chunks(8).fold(mix(hash, bytes.len() as u64), |hash, chunk| {
            let mut word = [0_u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            mix(hash, u64::from_le_bytes(word))
        }),
    }
}

/// Folds an integer, or its absence, into a hash.
#[inline]
pub(crate) fn mix_int(hash: u64, value: Option<i64>) -> u64 {
    mix(hash, value.map_or(K2, i64::cast_unsigned))
}

/// [`mix`] for hash sets of numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hasher(u64);

impl BuildHasher for Hasher {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        *self
    }
}

impl std::hash::Hasher for Hasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = mix_text(self.0, Text::Long(bytes));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = mix(self.0, word);
    }
}
