//! Eight fields at once. What is no number of a common form, the functions behind every way read; a field of more than
//! 63 bytes leaves the whole message to the masks.
#![expect(clippy::inline_always, reason = "calls through memory cost more than the work; docs/performance_ticks.md")]

use tieout_lanes::{BLOCK_BYTES, Numbers, Wide as Instructions};

use super::{Fields, Place};
use crate::error::{Doubt, Flaw};

/// A place in a message.
#[derive(Debug)]
pub(crate) struct Wide<'a, 'n> {
    instructions: Instructions,
    data: &'a [u8],
    /// The fields of the block.
    numbers: &'n mut Numbers,
    /// How many they are, and which is next.
    count: usize,
    next: usize,
    /// Where the block starts, and where the message ends.
    block: usize,
    end: usize,
}

impl<'a, 'n> Wide<'a, 'n> {
    /// The message `data[start..end]`, which is in bounds. `numbers` is scratch.
    ///
    /// A version is passed first, so that there is room for one field more; none if it is not of one byte.
    #[inline(always)]
    pub(crate) fn new(
        instructions: Instructions,
        numbers: &'n mut Numbers,
        data: &'a [u8],
        (start, end): (usize, usize),
        has_version: bool,
    ) -> Option<Self> {
        let block = start.wrapping_add(2 * usize::from(has_version));
        #[expect(clippy::needless_bitwise_bool, reason = "messages with and without come mixed: no branch on it")]
        if block >= end || has_version & ((data[start] == 0) | (data[block - 1] != 0)) {
            return None;
        }
        let count = read(instructions, data, (block, end), numbers);
        Some(Self { instructions, data, numbers, count, next: 0, block, end })
    }
}

// What follows takes no fields, so that their words can stay in registers from one to the next.

/// Reads the block from `block` on, as far as the message goes: how many fields it has.
#[inline(always)]
fn read(instructions: Instructions, data: &[u8], (block, end): (usize, usize), numbers: &mut Numbers) -> usize {
    let length = end.wrapping_sub(block).min(BLOCK_BYTES);
    match data[block..].first_chunk() {
        Some(bytes) => instructions.read(bytes, length, numbers),
        None => read_short(instructions, &data[block..], length, numbers),
    }
    numbers.count()
}

/// Where fewer than 64 bytes are at hand.
#[cold]
#[inline(never)]
fn read_short(instructions: Instructions, rest: &[u8], length: usize, numbers: &mut Numbers) {
    let mut block = [0; BLOCK_BYTES];
    block[..rest.len()].copy_from_slice(rest);
    instructions.read(&block, length, numbers);
}

/// Reads the block from `block` on, which is behind the fields of another: how many fields it has.
#[inline(never)]
fn read_on(instructions: Instructions, data: &[u8], at: (usize, usize), numbers: &mut Numbers) -> Result<usize, Doubt> {
    if at.0 >= at.1 {
        return Err(Flaw::FieldMissing.into());
    }
    // A message ends with NUL, so that a block without one is all one field.
    match read(instructions, data, at, numbers) {
        0 => Err(Doubt::Long),
        count => Ok(count),
    }
}

impl<'a> Fields<'a> for Wide<'a, '_> {
    const FAST: bool = true;

    #[inline(always)]
    fn data(&self) -> &'a [u8] {
        self.data
    }

    /// `new` has passed it.
    #[inline(always)]
    fn version(&mut self) -> Result<(), Doubt> {
        Ok(())
    }

    #[inline(always)]
    fn next(&mut self) -> Result<Place, Doubt> {
        if self.next >= self.count {
            self.block += if self.count > 0 { self.numbers.start(self.count) } else { 0 };
            self.count = read_on(self.instructions, self.data, (self.block, self.end), self.numbers)?;
            self.next = 0;
        }
        let number = self.next;
        self.next = number.wrapping_add(1);
        let start = self.block.wrapping_add(self.numbers.start(number));
        let after = self.block.wrapping_add(self.numbers.start(self.next));
        Ok(Place { start, end: after.wrapping_sub(1), number })
    }

    #[inline(always)]
    fn at_end(&self) -> bool {
        let passed = if self.next > 0 { self.numbers.start(self.next) } else { 0 };
        self.block.wrapping_add(passed) == self.end
    }

    #[inline(always)]
    fn whole(&self, place: Place) -> Option<u64> {
        self.numbers.whole(place.number)
    }

    #[inline(always)]
    fn fixed(&self, place: Place) -> Option<i64> {
        self.numbers.units(place.number).map(u64::cast_signed)
    }
}
