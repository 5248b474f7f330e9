//! The first fields of a message as numbers, all at once.

use crate::BLOCK_BYTES;

/// So many fields are read at once.
pub const FIELDS: usize = 8;

/// What the first fields of a block are. One is kept and filled anew for every block.
#[derive(Debug, Clone, Default)]
#[repr(C, align(64))]
pub struct Numbers {
    /// The number, of fields that are one: digits, at most 8 bytes with a point.
    pub(crate) value: [u64; FIELDS],
    /// The same in units of 1e-8, with the point where it is.
    pub(crate) units: [u64; FIELDS],
    /// Where each field starts in the block; the one behind it starts after its NUL.
    pub(crate) starts: [u8; 16],
    /// How many fields were read: those that end within the block, and at most [`FIELDS`].
    pub(crate) count: u8,
    /// Bit `i` is set where field `i` is 1 to 8 digits.
    pub(crate) whole: u8,
    /// Bit `i` is set where field `i` is 1 to 8 bytes: digits, and at most one point among them.
    pub(crate) decimal: u8,
}

impl Numbers {
    /// How many fields of the block were read, 0 to [`FIELDS`].
    #[inline]
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.into()
    }

    /// Where field `i` starts in the block, `i` up to the number of fields.
    #[inline]
    #[must_use]
    pub fn start(&self, i: usize) -> usize {
        self.starts[i % 16].into()
    }

    /// Field `i`, if it is 1 to 8 digits.
    #[inline]
    #[must_use]
    pub fn whole(&self, i: usize) -> Option<u64> {
        (self.whole >> (i % FIELDS) & 1 == 1).then(|| self.value[i % FIELDS])
    }

    /// Field `i` in units of 1e-8, if it is 1 to 8 bytes of digits with at most one point, and not a point alone.
    #[inline]
    #[must_use]
    pub fn units(&self, i: usize) -> Option<u64> {
        (self.decimal >> (i % FIELDS) & 1 == 1).then(|| self.units[i % FIELDS])
    }
}

/// The processor has the instructions that do eight at once (x86-64 with AVX-512 and its byte permutations:
/// Intel from Ice Lake, AMD from Zen 4).
#[derive(Debug, Clone, Copy)]
pub struct Wide(());

impl Wide {
    /// Asks the processor.
    #[must_use]
    pub fn detect() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if crate::wide::is_there() {
            return Some(Self(()));
        }
        None
    }

    /// Reads the first [`FIELDS`] fields of `block[..length]`; `length` is 1 to 64.
    #[inline]
    #[cfg_attr(not(target_arch = "x86_64"), expect(clippy::unused_self, reason = "there is none of these there"))]
    pub fn read(self, block: &[u8; BLOCK_BYTES], length: usize, numbers: &mut Numbers) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a `Wide` is made by `detect` alone, where the processor has what this needs.
        unsafe {
            crate::wide::read(block, length, numbers);
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (block, length, numbers);
    }
}

#[cfg(test)]
#[path = "numbers_tests.rs"]
mod tests;
