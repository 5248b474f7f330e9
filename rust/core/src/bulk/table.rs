//! The records of one side's part by their handle: buckets of eight, found by 16-bit tags, all of it cache-sized.

use super::memory::Memory;
use tieout_wide::{Pages, lanes_with};

/// Records of a bucket.
const BUCKET: usize = 8;
/// Records that a bucket has on average.
const LOAD: usize = 4;

/// What a part's handles look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handles {
    Single,
    /// At least one occurs twice.
    Repeated,
}

/// A record's place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    bucket: usize,
    seat: u32,
}

impl Seat {
    /// Takes the record there, in the list of what is taken; `false` if it was taken before.
    #[inline]
    pub(crate) fn take(self, taken: &mut [u8]) -> bool {
        let bit = 1 << self.seat;
        let bits = &mut taken[self.bucket];
        let free = *bits & bit == 0;
        *bits |= bit;
        free
    }
}

/// Buckets of records of `W` words.
///
/// Invariants: seats below a bucket's `used` (at most [`BUCKET`]) hold records and their tags, which are never 0, and
/// the others have the tag 0; a record is in the bucket of its handle, or in a later one if all between are full.
pub(crate) struct Table<const W: usize> {
    /// Bits of a handle, the low ones of word 0.
    bits: u32,
    tags: Vec<[u64; 2]>,
    used: Vec<u8>,
    records: Option<Pages>,
}

impl<const W: usize> Table<W> {
    /// An empty table for handles of so many bits, 1 to 64.
    pub(crate) fn new(bits: u32) -> Self {
        Self { bits, tags: Vec::new(), used: Vec::new(), records: None }
    }

    /// The bits of a handle.
    #[inline]
    fn mask(&self) -> u64 {
        u64::MAX >> (u64::BITS - self.bits)
    }

    /// Fills the table with these records, of which there are so many. Stops at a handle that occurs twice.
    pub(crate) fn fill<'r>(
        &mut self,
        records: impl Iterator<Item = &'r [u64]>,
        count: usize,
        memory: Memory,
    ) -> Handles {
        let mut seats = self.reset(count, memory);
        let mut handles = Handles::Single;
        'all: for records in records {
            for record in records.as_chunks::<W>().0 {
                if self.add(&mut seats, record).is_some() {
                    handles = Handles::Repeated;
                    break 'all;
                }
            }
        }
        self.keep(seats);
        handles
    }

    /// Empties the table; its seats for so many records, which are to be given back.
    pub(crate) fn reset(&mut self, count: usize, memory: Memory) -> Pages {
        let buckets = count / LOAD + 1;
        self.tags.clear();
        self.tags.resize(buckets, [0; 2]);
        self.used.clear();
        self.used.resize(buckets, 0);
        memory.at_least(buckets * BUCKET * W, &mut self.records)
    }

    /// Takes its seats back.
    pub(crate) fn keep(&mut self, seats: Pages) {
        self.records = Some(seats);
    }

    /// Adds the record, unless there is one of its handle already: then that one's place among the seats.
    #[inline]
    pub(crate) fn add(&mut self, seats: &mut [u64], record: &[u64; W]) -> Option<usize> {
        let (mask, tag) = (self.mask(), tag(record[0] & self.mask()));
        let mut bucket = self.bucket(record[0]);
        loop {
            let mut hits = lanes_with(self.tags[bucket], tag);
            while hits != 0 {
                let at = (bucket * BUCKET + hits.trailing_zeros() as usize) * W;
                if (seats[at] ^ record[0]) & mask == 0 {
                    return Some(at);
                }
                hits &= hits - 1;
            }
            let seat = usize::from(self.used[bucket]);
            if seat < BUCKET {
                self.used[bucket] += 1;
                self.tags[bucket][seat / 4] |= u64::from(tag) << (seat % 4 * 16);
                let at = (bucket * BUCKET + seat) * W;
                *seats[at..].first_chunk_mut().expect("a seat has W words") = *record;
                return None;
            }
            bucket = self.after(bucket);
        }
    }

    /// The record that has the handle of that word 0.
    #[inline]
    pub(crate) fn find(&self, handle: u64) -> Option<(Seat, &[u64; W])> {
        let seats = self.records.as_deref().unwrap_or(&[]);
        let (mask, tag) = (self.mask(), tag(handle & self.mask()));
        let mut bucket = self.bucket(handle);
        loop {
            let mut hits = lanes_with(self.tags[bucket], tag);
            while hits != 0 {
                let seat = hits.trailing_zeros();
                let at = (bucket * BUCKET + seat as usize) * W;
                let record: &[u64; W] = seats[at..].first_chunk().expect("a seat has W words");
                if (record[0] ^ handle) & mask == 0 {
                    return Some((Seat { bucket, seat }, record));
                }
                hits &= hits - 1;
            }
            if usize::from(self.used[bucket]) < BUCKET {
                return None;
            }
            bucket = self.after(bucket);
        }
    }

    /// How many buckets there are.
    pub(crate) fn buckets(&self) -> usize {
        self.tags.len()
    }

    /// The last words of the records that are not taken: `taken` has a bit for each seat of each bucket.
    pub(crate) fn not_taken<'t>(&'t self, taken: &'t [u8]) -> impl Iterator<Item = u64> + 't {
        let seats = self.records.as_deref().unwrap_or(&[]);
        self.used.iter().zip(taken).enumerate().flat_map(move |(bucket, (&used, &taken))| {
            let mut left = ((1_u32 << used) - 1) & !u32::from(taken);
            std::iter::from_fn(move || {
                if left == 0 {
                    return None;
                }
                let seat = left.trailing_zeros() as usize;
                left &= left - 1;
                Some(seats[(bucket * BUCKET + seat) * W + W - 1])
            })
        })
    }

    /// The bucket of a handle, by its high bits.
    #[inline]
    fn bucket(&self, handle: u64) -> usize {
        ((handle << (u64::BITS - self.bits) >> 32).wrapping_mul(self.tags.len() as u64) >> 32) as usize
    }

    #[inline]
    fn after(&self, bucket: usize) -> usize {
        if bucket + 1 == self.tags.len() { 0 } else { bucket + 1 }
    }
}

/// The tag of a handle: its low bits, while its high ones say the bucket. Never 0.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "16 bits are wanted")]
fn tag(handle: u64) -> u16 {
    handle as u16 | 0x8000
}
