//! Values into a record's words, with the flags that say what they are.
#![expect(clippy::inline_always, reason = "calls through memory cost more than the work; docs/performance_ticks.md")]

use tieout_ring::tick::{Tick, flag as ring};

use crate::decimal::Number;
use crate::fields::{Text, packed};
use crate::kind::flag;
use crate::stage::{TEXT_BYTES, WORD_BYTES};

const NS_PER_S: i64 = 1_000_000_000;
const NS_PER_MS: i64 = 1_000_000;

const HAS_EXTRA: [u16; 2] = [flag::HAS_EXTRA_0, flag::HAS_EXTRA_1];
const EXTRA_WIDE: [u16; 2] = [flag::EXTRA_0_WIDE, flag::EXTRA_1_WIDE];

/// What the decoder writes into a tick.
pub(crate) trait Fill {
    /// The price.
    fn put_price(&mut self, number: Number);
    /// The size.
    fn put_size(&mut self, number: Number);
    /// The exchange's time, from seconds; false if nanoseconds cannot hold it.
    fn put_seconds(&mut self, seconds: i64) -> bool;
    /// The exchange's time, from milliseconds; false if nanoseconds cannot hold it.
    fn put_milliseconds(&mut self, milliseconds: i64) -> bool;
    /// A number into a further word.
    fn put_extra(&mut self, word: usize, number: Number);
    /// A count into a further word.
    fn put_count(&mut self, word: usize, count: u64);
    /// A text into a further word; false if it goes on beyond.
    fn put_text(&mut self, word: usize, text: Text<'_>) -> bool;
    /// A text into both; false if it goes on beyond.
    fn put_long_text(&mut self, text: &[u8]) -> bool;
    /// The attributes.
    fn put_attributes(&mut self, bits: u16);
}

impl Fill for Tick {
    #[inline(always)]
    fn put_price(&mut self, number: Number) {
        let (word, flags) = word(number, ring::HAS_PRICE, ring::PRICE_F64);
        self.price = word;
        self.flags |= flags;
    }

    #[inline(always)]
    fn put_size(&mut self, number: Number) {
        let (word, flags) = word(number, ring::HAS_SIZE, ring::SIZE_F64);
        self.size = word;
        self.flags |= flags;
    }

    #[inline(always)]
    fn put_seconds(&mut self, seconds: i64) -> bool {
        put_time(self, seconds, NS_PER_S)
    }

    #[inline(always)]
    fn put_milliseconds(&mut self, milliseconds: i64) -> bool {
        put_time(self, milliseconds, NS_PER_MS)
    }

    #[inline(always)]
    fn put_extra(&mut self, word_number: usize, number: Number) {
        let (word, flags) = word(number, HAS_EXTRA[word_number], EXTRA_WIDE[word_number]);
        self.extra[word_number] = word.cast_unsigned();
        self.flags |= flags;
    }

    #[inline(always)]
    fn put_count(&mut self, word: usize, count: u64) {
        self.extra[word] = count;
        self.flags |= HAS_EXTRA[word];
    }

    #[inline(always)]
    fn put_text(&mut self, word: usize, text: Text<'_>) -> bool {
        self.put_count(word, text.head);
        let whole = text.bytes.len() <= WORD_BYTES;
        if !whole {
            self.flags |= EXTRA_WIDE[word];
        }
        whole
    }

    #[inline(always)]
    fn put_long_text(&mut self, text: &[u8]) -> bool {
        let (first, rest) = text.split_at(text.len().min(WORD_BYTES));
        self.put_count(0, packed(first));
        self.put_count(1, packed(&rest[..rest.len().min(WORD_BYTES)]));
        let whole = text.len() <= TEXT_BYTES;
        if !whole {
            self.flags |= flag::EXTRA_0_WIDE;
        }
        whole
    }

    #[inline(always)]
    fn put_attributes(&mut self, bits: u16) {
        self.flags |= bits * flag::ATTRIBUTE_0;
    }
}

#[inline(always)]
fn put_time(tick: &mut Tick, count: i64, unit_ns: i64) -> bool {
    let Some(ns) = count.checked_mul(unit_ns) else { return false };
    tick.exchange_ns = ns;
    tick.flags |= ring::HAS_EXCHANGE_NS;
    true
}

#[inline(always)]
fn word(number: Number, has: u16, wide: u16) -> (i64, u16) {
    match number {
        Number::Fixed(fixed) => (fixed, has),
        Number::Float(float) => (float.to_bits().cast_signed(), has | wide),
        Number::Absent => (0, 0),
        Number::Unset => (0, flag::UNSET),
    }
}
