//! Records split by the hash of their key: each task takes a stretch of one side's rows and deals its records out.
//!
//! Records of a part first gather in a buffer of a few cache lines, so that memory is written in whole lines; full
//! buffers go to the part's current block, and a part's blocks are chained. So the rows are read once, there is no
//! counting pass, and no part needs to know its size. Within a part, records keep the order of their rows.

use std::ops::Range;

use tieout_wide::{LINE_WORDS, Pages};

use super::encode::{BLOCK, Block};
use super::handle::Handle;
use super::memory::Memory;
use super::plan::Plan;
use super::rows::Rows;
use super::twin::Twin;
use crate::field::Side;

/// No such block.
const NONE: u32 = u32::MAX;
/// Rows of one side that go into a part, about.
const PART_ROWS: usize = 16 << 10;
/// More parts than these have buffers that no cache holds.
const PART_BITS_MAX: u32 = 11;

/// Words of a part's buffer: whole records and whole lines.
const fn buffer_words(words: usize) -> usize {
    match words {
        3 | 6 => 3 * LINE_WORDS,
        _ => LINE_WORDS,
    }
}

/// Words of a block of memory: whole buffers.
const fn chunk_words(words: usize) -> usize {
    64 * buffer_words(words)
}

/// How many bits of a handle say the part.
pub(crate) fn part_bits(rows: usize) -> u32 {
    (rows / PART_ROWS).next_power_of_two().ilog2().min(PART_BITS_MAX)
}

/// The records of one stretch of rows.
#[derive(Debug)]
pub(crate) struct Run {
    memory: Pages,
    /// By block: the next of the same part.
    next: Vec<u32>,
    /// By part: its first block, and its records.
    parts: Vec<(u32, usize)>,
    words: usize,
    /// Rows whose key has a null, ascending.
    pub(crate) null: Vec<u32>,
    /// Rows whose key did not fit, ascending.
    pub(crate) odd: Vec<u32>,
    /// Rows of the keys that were asked for, ascending.
    pub(crate) heavy: Vec<u32>,
}

/// What a task needs beside its rows.
#[derive(Clone, Copy)]
pub(crate) struct Deal<'p> {
    pub(crate) plan: &'p Plan<'p>,
    pub(crate) keys: &'p [Twin<'p>],
    pub(crate) memory: Memory,
    /// Handles whose rows get no record: one row of each, to be sure of the key.
    pub(crate) heavy: &'p [(u64, (Side, u32))],
}

impl Run {
    /// Deals out the records of these rows of a side.
    pub(crate) fn new(deal: Deal<'_>, side: Side, rows: Range<usize>, old: &mut Option<Pages>) -> Self {
        match deal.plan.words {
            2 => Dealer::<2>::run(deal, side, rows, old),
            3 => Dealer::<3>::run(deal, side, rows, old),
            4 => Dealer::<4>::run(deal, side, rows, old),
            6 => Dealer::<6>::run(deal, side, rows, old),
            _ => Dealer::<8>::run(deal, side, rows, old),
        }
    }

    /// How many records the part has.
    pub(crate) fn len(&self, part: usize) -> usize {
        self.parts[part].1
    }

    /// The part's records in the order of their rows, some at a time.
    pub(crate) fn part(&self, part: usize) -> impl Iterator<Item = &[u64]> {
        let (mut block, records) = self.parts[part];
        let (mut left, chunk) = (records * self.words, chunk_words(self.words));
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let start = block as usize * chunk;
            let words = left.min(chunk);
            (block, left) = (self.next[block as usize], left - words);
            Some(&self.memory[start..start + words])
        })
    }

    /// Gives the memory back.
    pub(crate) fn into_memory(self) -> Pages {
        self.memory
    }
}

/// Rows that get no record.
#[derive(Default)]
struct Aside {
    null: Vec<u32>,
    odd: Vec<u32>,
    heavy: Vec<u32>,
}

impl Aside {
    /// Takes the row if its key, at that place of the block, has a null or did not fit.
    fn takes_special(&mut self, block: &Block, (at, row): (usize, usize)) -> bool {
        let list = if block.key_null[at] != 0 {
            &mut self.null
        } else if block.key_misfit[at] != 0 {
            &mut self.odd
        } else {
            return false;
        };
        list.push(number(row));
        true
    }
}

fn number(row: usize) -> u32 {
    u32::try_from(row).expect("the number of rows was checked")
}

/// What there is of a part so far.
#[derive(Clone, Copy)]
struct Chain {
    first: u32,
    blocks: usize,
}

struct Dealer<'p, const W: usize> {
    deal: Deal<'p>,
    memory: Pages,
    buffers: Pages,
    /// By part: the word in memory where its next record belongs; at the end of a block, or 0, where it needs a new one.
    /// The last words before it, at most a buffer of them, are still in the buffer.
    cursors: Vec<u32>,
    chains: Vec<Chain>,
    next: Vec<u32>,
}

impl<'p, const W: usize> Dealer<'p, W> {
    const BUFFER: usize = buffer_words(W);
    const CHUNK: usize = chunk_words(W);
    #[expect(clippy::cast_possible_truncation, reason = "a record has at most 8 words")]
    const WORDS: u32 = W as u32;

    fn run(deal: Deal<'p>, side: Side, rows: Range<usize>, old: &mut Option<Pages>) -> Run {
        let parts = 1_usize << deal.plan.size.part_bits;
        let blocks = rows.len() * W / Self::CHUNK + parts + 1;
        let mut dealer = Self {
            deal,
            memory: deal.memory.at_least(blocks * Self::CHUNK, old),
            buffers: Pages::plain(parts * Self::BUFFER),
            cursors: vec![0; parts],
            chains: vec![Chain { first: NONE, blocks: 0 }; parts],
            next: Vec::with_capacity(blocks),
        };
        let mut aside = Aside::default();
        let mut block = Block::new();
        if deal.heavy.is_empty() {
            for start in rows.clone().step_by(BLOCK) {
                let rows = start..rows.end.min(start + BLOCK);
                block.encode((deal.plan, deal.keys), side, rows.clone().into());
                if block.has_special {
                    rows.clone().for_each(|row| {
                        if !aside.takes_special(&block, (row - start, row)) {
                            dealer.put(&block, row - start..row - start + 1);
                        }
                    });
                } else {
                    dealer.put(&block, 0..rows.len());
                }
            }
        } else {
            dealer.run_around_heavy(side, rows, &mut aside);
        }
        let (memory, next, parts) = dealer.close();
        let Aside { null, odd, heavy } = aside;
        Run { memory, next, parts, words: W, null, odd, heavy }
    }

    /// Looks at the keys first: rows of heavy keys are not encoded.
    fn run_around_heavy(&mut self, side: Side, rows: Range<usize>, aside: &mut Aside) {
        let Deal { plan, keys, .. } = self.deal;
        let (mut block, mut rest) = (Block::new(), Block::new());
        let mut picked: Vec<u32> = Vec::with_capacity(BLOCK);
        aside.heavy.reserve(rows.len());
        for start in rows.clone().step_by(BLOCK) {
            let rows = start..rows.end.min(start + BLOCK);
            block.encode_keys((plan, keys), side, rows.clone().into());
            for (at, row) in rows.enumerate() {
                if block.has_special && aside.takes_special(&block, (at, row)) {
                    continue;
                }
                let row = number(row);
                if self.is_heavy(block.handles[at], (side, row)) {
                    aside.heavy.push(row);
                    continue;
                }
                picked.push(row);
                if picked.len() == BLOCK {
                    rest.encode((plan, keys), side, Rows::Picked(&picked));
                    self.put(&rest, 0..BLOCK);
                    picked.clear();
                }
            }
        }
        rest.encode((plan, keys), side, Rows::Picked(&picked));
        self.put(&rest, 0..picked.len());
    }

    fn is_heavy(&self, handle: u64, place: (Side, u32)) -> bool {
        let known = self.deal.heavy.iter().find(|(heavy, _)| *heavy == handle);
        let exact = self.deal.plan.handle == Handle::Key;
        known.is_some_and(|&(_, heavy)| exact || self.deal.keys.iter().all(|key| key.same(heavy, place)))
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a call for each record costs more than the record")]
    fn put(&mut self, block: &Block, places: Range<usize>) {
        let (kept, mask) = (self.deal.plan.kept_bits(), self.deal.plan.handle_mask());
        for place in places {
            let handle = block.handles[place];
            let mut record: [u64; W] = std::array::from_fn(|word| block.words[word][place]);
            record[0] |= handle & mask;
            // Shifting in two steps: no bits at all are a shift by 64.
            let part = (handle >> 1 >> (kept - 1)) as usize;
            let full = self.cursors[part] as usize;
            let (start, used) = (part * Self::BUFFER, full % Self::BUFFER);
            if used == 0 {
                // Not when the buffer became full: reading just then what was just written waits for it.
                self.flush(part);
                if full.is_multiple_of(Self::CHUNK) {
                    self.new_block(part);
                }
            }
            self.cursors[part] += Self::WORDS;
            let buffer = &mut self.buffers[start..start + Self::BUFFER];
            *buffer[used..].first_chunk_mut().expect("buffers hold whole records") = record;
        }
    }

    /// Writes what the part's buffer holds.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a call for each line costs more than the line")]
    fn flush(&mut self, part: usize) {
        let (end, start) = (self.cursors[part] as usize, part * Self::BUFFER);
        if end > 0 {
            let used = (end - 1) % Self::BUFFER + 1;
            let (to, from) = (&mut self.memory[end - used..end], &self.buffers[start..start + used]);
            if used == Self::BUFFER { self.deal.memory.write(to, from) } else { to.copy_from_slice(from) }
        }
    }

    /// The block before it is full, or there is none.
    #[cold]
    fn new_block(&mut self, part: usize) {
        let block = u32::try_from(self.next.len()).expect("fewer blocks than rows");
        self.next.push(NONE);
        let chain = &mut self.chains[part];
        if chain.blocks == 0 {
            chain.first = block;
        } else {
            self.next[self.cursors[part] as usize / Self::CHUNK - 1] = block;
        }
        chain.blocks += 1;
        self.cursors[part] = u32::try_from(block as usize * Self::CHUNK).expect("fewer words than 2^32");
    }

    /// Writes what the buffers still hold.
    fn close(mut self) -> (Pages, Vec<u32>, Vec<(u32, usize)>) {
        let mut parts = Vec::with_capacity(self.chains.len());
        for part in 0..self.chains.len() {
            self.flush(part);
            let chain = self.chains[part];
            // The last block is full where the cursor is at its end.
            let last = if chain.blocks == 0 { 0 } else { (self.cursors[part] as usize - 1) % Self::CHUNK + 1 };
            parts.push((chain.first, (chain.blocks.saturating_sub(1) * Self::CHUNK + last) / W));
        }
        self.deal.memory.finish();
        (self.memory, self.next, parts)
    }
}
