//! Records as columns, for whoever makes Arrow arrays of them, and the other messages beside.

use crate::Tick;
use crate::sink::Sink;

/// A sink that makes columns: of each word one, and the head's parts apart.
#[derive(Debug, Default)]
pub struct Columns {
    /// The request id.
    pub instrument: Vec<u32>,
    /// [`crate::kind`].
    pub kind: Vec<u8>,
    /// The field within the kind.
    pub field: Vec<u8>,
    /// `tieout_ring::tick::flag` and [`crate::kind::flag`].
    pub flags: Vec<u16>,
    /// Units of 1e-8, or an f64's bits by flag.
    pub price: Vec<i64>,
    /// Units of 1e-8, or an f64's bits by flag.
    pub size: Vec<i64>,
    /// UTC nanoseconds.
    pub exchange_ns: Vec<i64>,
    /// UTC nanoseconds.
    pub received_ns: Vec<i64>,
    /// Ascending by 1.
    pub sequence: Vec<u64>,
    /// By kind.
    pub extra_0: Vec<u64>,
    /// By kind.
    pub extra_1: Vec<u64>,
    /// The other messages, whole frames in order.
    pub others: Vec<Box<[u8]>>,
}

impl Columns {
    /// Empty columns with room for so many ticks.
    #[must_use]
    pub fn with_capacity(ticks: usize) -> Self {
        Self {
            instrument: Vec::with_capacity(ticks),
            kind: Vec::with_capacity(ticks),
            field: Vec::with_capacity(ticks),
            flags: Vec::with_capacity(ticks),
            price: Vec::with_capacity(ticks),
            size: Vec::with_capacity(ticks),
            exchange_ns: Vec::with_capacity(ticks),
            received_ns: Vec::with_capacity(ticks),
            sequence: Vec::with_capacity(ticks),
            extra_0: Vec::with_capacity(ticks),
            extra_1: Vec::with_capacity(ticks),
            others: Vec::new(),
        }
    }

    /// How many ticks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kind.len()
    }

    /// Whether there is no tick.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kind.is_empty()
    }

    /// Which rows have this flag, as bits from the lowest of each byte on; none if all rows have it.
    #[must_use]
    pub fn bits(&self, flag: u16) -> Option<Vec<u8>> {
        if self.flags.iter().fold(flag, |all, flags| all & flags) == flag {
            return None;
        }
        let (eights, rest) = self.flags.as_chunks::<8>();
        let byte = |rows: &[u16]| {
            let bits = rows.iter().enumerate().map(|(row, flags)| u8::from(flags & flag != 0) << row);
            bits.fold(0, |byte, bit| byte | bit)
        };
        let mut bytes: Vec<u8> = eights.iter().map(|rows| byte(rows)).collect();
        bytes.extend((!rest.is_empty()).then(|| byte(rest)));
        Some(bytes)
    }
}

impl Sink for Columns {
    #[inline]
    fn ticks(&mut self, ticks: &[Tick]) {
        self.instrument.extend(ticks.iter().map(|tick| tick.instrument));
        self.kind.extend(ticks.iter().map(|tick| tick.kind));
        self.field.extend(ticks.iter().map(|tick| tick.field));
        self.flags.extend(ticks.iter().map(|tick| tick.flags));
        self.price.extend(ticks.iter().map(|tick| tick.price));
        self.size.extend(ticks.iter().map(|tick| tick.size));
        self.exchange_ns.extend(ticks.iter().map(|tick| tick.exchange_ns));
        self.received_ns.extend(ticks.iter().map(|tick| tick.received_ns));
        self.sequence.extend(ticks.iter().map(|tick| tick.sequence));
        self.extra_0.extend(ticks.iter().map(|tick| tick.extra[0]));
        self.extra_1.extend(ticks.iter().map(|tick| tick.extra[1]));
    }

    fn other(&mut self, frame: &[u8]) {
        self.others.push(frame.into());
    }
}
