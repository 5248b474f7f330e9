//! One field after the other: byte by byte, or by masks of the separators.
#![expect(clippy::inline_always, reason = "calls through memory cost more than the work; docs/performance_ticks.md")]

use tieout_lanes::{BLOCK_BYTES, nul_mask};

use super::digits::{self, WORD_BYTES};
use super::{Fields, Place};
use crate::error::{Doubt, Flaw};

/// A place in a message, found byte by byte: the reference.
#[derive(Debug)]
pub(crate) struct Plain<'a> {
    data: &'a [u8],
    /// Where the next field starts.
    start: usize,
    /// Where the message ends.
    end: usize,
}

impl<'a> Plain<'a> {
    /// The message `data[start..end]`, which is in bounds.
    pub(crate) fn new(data: &'a [u8], (start, end): (usize, usize)) -> Self {
        Self { data, start, end }
    }
}

impl<'a> Fields<'a> for Plain<'a> {
    const FAST: bool = false;

    fn data(&self) -> &'a [u8] {
        self.data
    }

    fn next(&mut self) -> Result<Place, Doubt> {
        let (start, rest) = (self.start, &self.data[self.start..self.end]);
        let length = rest.iter().position(|byte| *byte == 0).ok_or(Flaw::FieldMissing)?;
        self.start += length + 1;
        Ok(Place { start, end: start + length, number: 0 })
    }

    fn at_end(&self) -> bool {
        self.start == self.end
    }

    fn whole(&self, _place: Place) -> Option<u64> {
        None
    }

    fn fixed(&self, _place: Place) -> Option<i64> {
        None
    }
}

/// A place in a message, found by masks.
#[derive(Debug)]
pub(crate) struct Masked<'a> {
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

impl<'a> Masked<'a> {
    /// The message `data[start..end]`, which is in bounds.
    #[inline(always)]
    pub(crate) fn new(data: &'a [u8], (start, end): (usize, usize)) -> Self {
        Self { data, start, end, block: start, separators: mask(data, start, end) }
    }
}

impl<'a> Fields<'a> for Masked<'a> {
    const FAST: bool = true;

    #[inline(always)]
    fn data(&self) -> &'a [u8] {
        self.data
    }

    #[inline(always)]
    fn next(&mut self) -> Result<Place, Doubt> {
        if self.separators == 0 {
            (self.block, self.separators) = next_block(self.data, self.block, self.end)?;
        }
        let (start, end) = (self.start, self.block + self.separators.trailing_zeros() as usize);
        self.separators &= self.separators - 1;
        self.start = end + 1;
        Ok(Place { start, end, number: 0 })
    }

    #[inline(always)]
    fn at_end(&self) -> bool {
        self.start == self.end
    }

    #[inline(always)]
    fn whole(&self, Place { start, end, .. }: Place) -> Option<u64> {
        let count = end.wrapping_sub(start);
        if count.wrapping_sub(1) >= WORD_BYTES {
            return None;
        }
        digits::whole(&self.data[..end], count)
    }

    #[inline(always)]
    fn fixed(&self, place: Place) -> Option<i64> {
        super::numbers::fixed(self.data, place)
    }
}

// What follows takes no fields, so that their words can stay in registers from one to the next.

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
