//! The records that wait to be given to the sink.
#![expect(clippy::inline_always, reason = "calls through memory cost more than the work; docs/performance_ticks.md")]

use tieout_ring::tick::Tick;

use crate::fill::Fill;
use crate::kind::{self, flag};

/// So many records are given on at once, more where one message has more.
const STAGE_TICKS: usize = 64;

/// Bytes of a text that one word holds.
pub(crate) const WORD_BYTES: usize = 8;

/// Bytes of a text that one record holds.
pub(crate) const TEXT_BYTES: usize = 2 * WORD_BYTES;

/// Records, numbered and with their time.
#[derive(Debug)]
pub(crate) struct Stage {
    ticks: Vec<Tick>,
    received_ns: i64,
    sequence: u64,
    /// Where the message at hand starts.
    mark: usize,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { ticks: Vec::with_capacity(STAGE_TICKS), received_ns: 0, sequence: 0, mark: 0 }
    }

    /// The time at which the bytes that follow were read.
    pub(crate) fn set_received(&mut self, received_ns: i64) {
        self.received_ns = received_ns;
    }

    /// A record without values.
    #[inline(always)]
    pub(crate) fn blank(kind: u8, instrument: u32, field: u8) -> Tick {
        Tick { instrument, kind, field, ..Tick::default() }
    }

    /// The next record of the message.
    #[inline(always)]
    pub(crate) fn push(&mut self, tick: Tick) {
        self.ticks.push(Tick { received_ns: self.received_ns, sequence: self.sequence, ..tick });
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// A text that was too long for word `word` of its record, as records of its own.
    #[cold]
    pub(crate) fn push_text(&mut self, about: Tick, word: usize, text: &[u8]) {
        let pieces = text.chunks(TEXT_BYTES);
        let count = pieces.len();
        for (number, piece) in pieces.enumerate() {
            let mut tick = Self::blank(kind::TEXT, about.instrument, about.field);
            tick.put_long_text(piece);
            if word > 0 {
                tick.flags |= flag::ATTRIBUTE_0;
            }
            if number + 1 < count {
                tick.flags |= flag::ATTRIBUTE_1;
            }
            self.push(tick);
        }
    }

    /// The message at hand is whole: how many records it gave.
    #[inline(always)]
    pub(crate) fn keep(&mut self) -> usize {
        let count = self.ticks.len() - self.mark;
        self.mark = self.ticks.len();
        count
    }

    /// The message at hand gives none.
    #[cold]
    pub(crate) fn discard(&mut self) {
        let count = self.ticks.len() - self.mark;
        self.sequence = self.sequence.wrapping_sub(count as u64);
        self.ticks.truncate(self.mark);
    }

    #[inline(always)]
    pub(crate) fn is_full(&self) -> bool {
        self.ticks.len() >= STAGE_TICKS
    }

    /// The records of whole messages.
    pub(crate) fn ticks(&self) -> &[Tick] {
        &self.ticks
    }

    pub(crate) fn clear(&mut self) {
        self.ticks.clear();
        self.mark = 0;
    }
}
