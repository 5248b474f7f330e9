//! Which message a body is: its id, looked up and not read.
#![expect(clippy::inline_always, reason = "calls through memory cost more than the work; docs/performance_ticks.md")]

use crate::kind::{self, TICK_MESSAGES};

/// Bytes of a body that are looked at: an id of two digits, its NUL, and one more.
const WORD_BYTES: usize = 4;

/// Ids of one and of two digits fall on places of their own among these, and other bytes on any of them.
const PLACES: usize = 512;

/// An entry that no bytes match.
const NONE: Entry = Entry { wanted: u32::MAX, mask: 0, id: 0, bytes: 0, has_version: false };

/// A tick message's id as its bytes are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// The id and its NUL, the first byte lowest, and which bytes these are.
    wanted: u32,
    mask: u32,
    pub(crate) id: u8,
    /// How many bytes the id takes with its NUL.
    pub(crate) bytes: u8,
    /// Whether a version follows.
    pub(crate) has_version: bool,
}

/// The tick messages that are to be decoded.
#[derive(Debug)]
pub(crate) struct Ids(Box<[Entry; PLACES]>);

impl Ids {
    /// All tick messages.
    pub(crate) fn new() -> Self {
        let mut entries = Box::new([NONE; PLACES]);
        for id in TICK_MESSAGES {
            let text = id.to_string();
            let mut bytes = [0; WORD_BYTES];
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            let taken = text.len() + 1;
            entries[place(u32::from_le_bytes(bytes))] = Entry {
                wanted: u32::from_le_bytes(bytes),
                mask: u32::MAX >> (8 * (WORD_BYTES - taken)),
                id,
                bytes: taken.to_le_bytes()[0],
                has_version: kind::HAVE_VERSION.contains(&id),
            };
        }
        Self(entries)
    }

    /// Leaves a message out.
    pub(crate) fn remove(&mut self, id: u8) {
        self.0.iter_mut().filter(|entry| entry.id == id).for_each(|entry| *entry = NONE);
    }

    /// The tick message that `data[start..end]` is. One look, and no guess at the id's length: messages of both lengths
    /// come mixed, and a wrong guess costs more than the look.
    #[inline(always)]
    pub(crate) fn of(&self, data: &[u8], (start, end): (usize, usize)) -> Option<Entry> {
        let word = match data[start..].first_chunk() {
            Some(bytes) => u32::from_le_bytes(*bytes),
            None => short_word(&data[start..]),
        };
        let entry = self.0[place(word)];
        // What is behind the body may look like its NUL.
        let is_whole = usize::from(entry.bytes) <= end.wrapping_sub(start);
        ((word & entry.mask == entry.wanted) & is_whole).then_some(entry)
    }
}

/// The place of these bytes: the first digit's value, and whether and which is the second.
#[inline(always)]
fn place(word: u32) -> usize {
    (word & 0xf | (word >> 4) & 0x1f0) as usize
}

#[cold]
#[inline(never)]
fn short_word(rest: &[u8]) -> u32 {
    rest.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))
}
