//! The 64 bytes of a tick. `docs/ring.md` has the table.

use crate::record::{Record, SUPERSEDES};

/// Words of a tick's record.
pub const TICK_WORDS: usize = 8;

/// A tick as the ring carries it.
pub type TickRecord = Record<TICK_WORDS>;

/// The words by what they hold; word 0 is packed ([`Tick::to_record`]).
pub mod word {
    /// Instrument, kind, field, flags.
    pub const HEAD: usize = 0;
    /// Price.
    pub const PRICE: usize = 1;
    /// Size.
    pub const SIZE: usize = 2;
    /// The exchange's time.
    pub const EXCHANGE_NS: usize = 3;
    /// The time at which the bytes were read from the socket.
    pub const RECEIVED_NS: usize = 4;
    /// The producer's number.
    pub const SEQUENCE: usize = 5;
    /// The first word whose meaning the kind gives.
    pub const EXTRA: usize = 6;
}

/// Bits of [`Tick::flags`]. A value without its `HAS_` flag was not sent, and its word is 0.
pub mod flag {
    /// There is a price.
    pub const HAS_PRICE: u16 = 1;
    /// There is a size.
    pub const HAS_SIZE: u16 = 1 << 1;
    /// There is an exchange time.
    pub const HAS_EXCHANGE_NS: u16 = 1 << 2;
    /// The price is an f64's bits, because 1e-8 fixed point could not hold what was sent.
    pub const PRICE_F64: u16 = 1 << 3;
    /// The size is an f64's bits, likewise.
    pub const SIZE_F64: u16 = 1 << 4;
    /// The lowest of the seven bits that the kind gives a meaning to, 8 to 14.
    pub const BY_KIND: u16 = 1 << 8;
    /// A newer tick of the same instrument, kind and field says all that this one says ([`crate::record::SUPERSEDES`]).
    pub const SUPERSEDES: u16 = 1 << 15;
}

/// A tick.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// tieout's own number of the instrument, small and dense.
    pub instrument: u32,
    /// What kind of message it came from; the decoder's numbers.
    pub kind: u8,
    /// The field within the kind: for prices, sizes, strings and generic ticks IB's tick type.
    pub field: u8,
    /// Bits of [`flag`].
    pub flags: u16,
    /// Units of 1e-8 (or an f64's bits, by flag).
    pub price: i64,
    /// Units of 1e-8 (or an f64's bits, by flag).
    pub size: i64,
    /// UTC nanoseconds.
    pub exchange_ns: i64,
    /// UTC nanoseconds.
    pub received_ns: i64,
    /// Ascending by 1 from each producer: a gap is a loss.
    pub sequence: u64,
    /// By kind.
    pub extra: [u64; 2],
}

impl Tick {
    /// The tick's 64 bytes.
    #[must_use]
    pub fn to_record(&self) -> TickRecord {
        let head = u64::from(self.instrument)
            | u64::from(self.kind) << 32
            | u64::from(self.field) << 40
            | u64::from(self.flags) << 48;
        [
            head,
            self.price.cast_unsigned(),
            self.size.cast_unsigned(),
            self.exchange_ns.cast_unsigned(),
            self.received_ns.cast_unsigned(),
            self.sequence,
            self.extra[0],
            self.extra[1],
        ]
    }

    /// The tick that these 64 bytes are; every record is one.
    #[must_use]
    pub fn from_record(record: &TickRecord) -> Self {
        let head = record[word::HEAD].to_le_bytes();
        Self {
            instrument: u32::from_le_bytes([head[0], head[1], head[2], head[3]]),
            kind: head[4],
            field: head[5],
            flags: u16::from_le_bytes([head[6], head[7]]),
            price: record[word::PRICE].cast_signed(),
            size: record[word::SIZE].cast_signed(),
            exchange_ns: record[word::EXCHANGE_NS].cast_signed(),
            received_ns: record[word::RECEIVED_NS].cast_signed(),
            sequence: record[word::SEQUENCE],
            extra: [record[word::EXTRA], record[word::EXTRA + 1]],
        }
    }
}

const _: () = assert!((flag::SUPERSEDES as u64) << 48 == SUPERSEDES, "one flag, two names");
