//! Records split by the hash of their key: each task takes a stretch of one side's rows and deals its records out.
//!
//! Records of a part first gather in a buffer of a few cache lines, so that memory is written in whole lines; full
//! buffers go to the part's current block, and a part's blocks are chained. So the rows are read once, there is no
//! counting pass, and no part needs to know its size. Within a part, records keep the order of their rows.

use std::ops::Range;

use tieout_wide::{LINE_WORDS, Pages};

use super::encode::{BLOCK, Block};
use super::memory::Memory;
use super::plan::Plan;
use super::twin::Twin;
use crate::field::Side;
use crate::mix::mix;

/// Words of a block of memory: a multiple of every buffer's length.
const CHUNK_WORDS: usize = 1_536;
#[expect(clippy::cast_possible_truncation, reason = "a small constant")]
const CHUNK_WORDS_32: u32 = CHUNK_WORDS as u32;
/// No such block.
const NONE: u32 = u32::MAX;
/// Rows of one side that go into a part, about.
const PART_ROWS: usize = 8 << 10;
/// More parts than these have buffers that no cache holds.
const PART_BITS_MAX: u32 = 11;

/// Words of a part's buffer: whole records and whole lines.
const fn buffer_words(words: usize) -> usize {
    match words {
        3 | 6 => 3 * LINE_WORDS,
        _ => LINE_WORDS,
    }
}

/// How many bits of a hash say the part.
pub(crate) fn part_bits(rows: usize) -> u32 {
    (rows / PART_ROWS).next_power_of_two().ilog2().min(PART_BITS_MAX)
}

/// The hash that a handle is dealt out and looked up by.
#[inline]
pub(crate) fn hash(handle: u64) -> u64 {
    mix(0, handle)
}

#[inline]
fn part_of(hash: u64, bits: u32) -> usize {
    // Shifting in two steps: no bits at all are a shift by 64.
    (hash >> 1 >> (63 - bits)) as usize
}

/// The records of one stretch of rows.
#[derive(Debug)]
pub(crate) struct Run {
    memory: Pages,
    /// By block: the next of the same part.
    next: Vec<u32>,
    /// By part: its first block, and its records.
    parts: Vec<(u32, u32)>,
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
    pub(crate) part_bits: u32,
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
        self.parts[part].1 as usize
    }

    /// The part's records in the order of their rows, some at a time.
    pub(crate) fn part(&self, part: usize) -> impl Iterator<Item = &[u64]> {
        let (mut block, records) = self.parts[part];
        let mut left = records as usize * self.words;
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let start = block as usize * CHUNK_WORDS;
            let words = left.min(CHUNK_WORDS);
            (block, left) = (self.next[block as usize], left - words);
            Some(&self.memory[start..start + words])
        })
    }

    /// Gives the memory back.
    pub(crate) fn into_memory(self) -> Pages {
        self.memory
    }
}

/// Where a part's next record goes, and its records so far.
#[derive(Clone, Copy)]
struct Cursor {
    /// The word in memory where the next record belongs.
    at: u32,
    records: u32,
    first: u32,
}

struct Dealer<'p, const W: usize> {
    deal: Deal<'p>,
    memory: Pages,
    buffers: Pages,
    cursors: Vec<Cursor>,
    next: Vec<u32>,
}

impl<'p, const W: usize> Dealer<'p, W> {
    const BUFFER: usize = buffer_words(W);
    #[expect(clippy::cast_possible_truncation, reason = "a record has at most 8 words")]
    const WORDS: u32 = W as u32;

    fn run(deal: Deal<'p>, side: Side, rows: Range<usize>, old: &mut Option<Pages>) -> Run {
        let parts = 1_usize << deal.part_bits;
        let blocks = rows.len() * W / CHUNK_WORDS + parts + 1;
        let mut dealer = Self {
            deal,
            memory: deal.memory.at_least(blocks * CHUNK_WORDS, old),
            buffers: Pages::plain(parts * Self::BUFFER),
            cursors: vec![Cursor { at: 0, records: 0, first: NONE }; parts],
            next: Vec::with_capacity(blocks),
        };
        let (mut null, mut odd, mut heavy) = (Vec::new(), Vec::new(), Vec::new());
        let mut block = Block::new();
        for start in rows.clone().step_by(BLOCK) {
            let rows = start..rows.end.min(start + BLOCK);
            let count = rows.len();
            block.encode((deal.plan, deal.keys), side, rows);
            if !block.has_special && deal.heavy.is_empty() {
                (0..count).for_each(|at| dealer.put(&block, at));
                continue;
            }
            for at in 0..count {
                let row = u32::try_from(start + at).expect("the number of rows was checked");
                if block.has_special && block.key_null[at] != 0 {
                    null.push(row);
                } else if block.has_special && block.key_misfit[at] != 0 {
                    odd.push(row);
                } else if dealer.is_heavy(block.words[0][at], (side, row)) {
                    heavy.push(row);
                } else {
                    dealer.put(&block, at);
                }
            }
        }
        let (memory, next, parts) = dealer.close();
        Run { memory, next, parts, words: W, null, odd, heavy }
    }

    fn is_heavy(&self, handle: u64, place: (Side, u32)) -> bool {
        let known = self.deal.heavy.iter().find(|(heavy, _)| *heavy == handle);
        known.is_some_and(|&(_, heavy)| self.deal.keys.iter().all(|key| key.same(heavy, place)))
    }

    #[inline]
    fn put(&mut self, block: &Block, at: usize) {
        let record: [u64; W] = std::array::from_fn(|word| block.words[word][at]);
        let part = part_of(hash(record[0]), self.deal.part_bits);
        let cursor = &mut self.cursors[part];
        let at = cursor.at as usize;
        if at.is_multiple_of(CHUNK_WORDS) {
            // A new block: the one before it is full, or there is none.
            let block = u32::try_from(self.next.len()).expect("fewer blocks than rows");
            self.next.push(NONE);
            if cursor.records == 0 {
                cursor.first = block;
            } else {
                self.next[at / CHUNK_WORDS - 1] = block;
            }
            cursor.at = block * CHUNK_WORDS_32;
        }
        let at = cursor.at as usize;
        cursor.at += Self::WORDS;
        cursor.records += 1;
        let start = part * Self::BUFFER;
        let used = at % Self::BUFFER;
        let buffer = &mut self.buffers[start..start + Self::BUFFER];
        *buffer[used..].first_chunk_mut().expect("buffers hold whole records") = record;
        if used + W == Self::BUFFER {
            let from = at - used;
            self.deal.memory.write(&mut self.memory[from..from + Self::BUFFER], buffer);
        }
    }

    /// Writes what the buffers still hold.
    fn close(mut self) -> (Pages, Vec<u32>, Vec<(u32, u32)>) {
        for (part, cursor) in self.cursors.iter().enumerate() {
            let used = cursor.at as usize % Self::BUFFER;
            let (from, start) = (cursor.at as usize - used, part * Self::BUFFER);
            self.memory[from..from + used].copy_from_slice(&self.buffers[start..start + used]);
        }
        self.deal.memory.finish();
        (self.memory, self.next, self.cursors.iter().map(|cursor| (cursor.first, cursor.records)).collect())
    }
}
