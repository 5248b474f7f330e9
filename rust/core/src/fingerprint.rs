//! A 128-bit fingerprint of what an order asks for.
//!
//! 1. The encoding is injective: different fields never give the same bytes. A word says which fields are known, then
//!    come the texts, each with its length, and the numbers, each 8 bytes wide, in the order of [`FIELDS`].
//! 2. The fingerprint is XXH3-128 of the encoding. It finds an equal order; the encoding, kept beside it, decides.
//! 3. One order and a batch of orders give the same bytes.

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_128;

use crate::column::{Bools, Ints, Text, Texts, is_long};
use crate::error::CoreError;

/// The fields that are texts, in the order of their bits.
pub const TEXTS: [&str; 14] = [
    "account",
    "symbol",
    "sec_type",
    "exchange",
    "currency",
    "expiry",
    "right",
    "local_symbol",
    "trading_class",
    "side",
    "order_type",
    "tif",
    "order_ref",
    "oca_group",
];

/// The fields that are whole numbers: ids, and counts of 1e-8.
pub const INTS: [&str; 7] =
    ["con_id", "strike_e8", "multiplier_e8", "quantity_e8", "limit_price_e8", "stop_price_e8", "parent_id"];

/// The fields that are true or false.
pub const BOOLS: [&str; 2] = ["outside_rth", "transmit"];

/// The layout of the encoding; a change of the fields is another version.
pub const VERSION: u32 = 1;

const INT_BIT: usize = TEXTS.len();
const BOOL_BIT: usize = INT_BIT + INTS.len();
const VERSION_BIT: usize = 24;
const _: () = assert!(BOOL_BIT + BOOLS.len() <= VERSION_BIT, "the fields' bits run into the version");

/// Rows whose encodings are made side by side: few enough to stay in the nearest cache.
const BLOCK_ROWS: usize = 64;

/// The longest encoding of an order whose texts are all short.
const SHORT_BYTES: usize = 4 + 16 * TEXTS.len() + 8 * INTS.len();

/// One order's fields.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// In the order of [`TEXTS`].
    pub texts: [Option<&'a str>; TEXTS.len()],
    /// In the order of [`INTS`].
    pub ints: [Option<i64>; INTS.len()],
    /// In the order of [`BOOLS`].
    pub bools: [bool; BOOLS.len()],
}

/// Orders as columns.
#[derive(Debug, Clone)]
pub struct OrderColumns<'a> {
    /// In the order of [`TEXTS`].
    pub texts: [Texts<'a>; TEXTS.len()],
    /// In the order of [`INTS`].
    pub ints: [Ints<'a>; INTS.len()],
    /// In the order of [`BOOLS`]; none is null.
    pub bools: [Bools<'a>; BOOLS.len()],
}

/// The bytes that stand for this order and for no other.
#[must_use]
pub fn encode(order: &Order<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let texts = order.texts.map(|text| text.map_or(Text::Null, |text| Text::of(text.as_bytes())));
    write(&mut out, &texts, &order.ints, order.bools);
    out
}

/// The fingerprint of an encoding, most significant byte first.
#[must_use]
pub fn fingerprint(encoding: &[u8]) -> [u8; 16] {
    xxh3_128(encoding).to_be_bytes()
}

/// The fingerprint of each row.
///
/// # Errors
/// [`CoreError::Ragged`] when two columns have different lengths.
pub fn fingerprints(orders: &OrderColumns<'_>) -> Result<Vec<[u8; 16]>, CoreError> {
    let rows = orders.rows()?;
    let mut out = vec![[0_u8; 16]; rows];
    out.par_chunks_mut(BLOCK_ROWS).with_min_len(64).enumerate().for_each_init(Block::new, |block, (at, prints)| {
        block.fill(orders, at * BLOCK_ROWS, prints.len());
        for (row, print) in prints.iter_mut().enumerate() {
            *print = block.print(orders, row);
        }
    });
    Ok(out)
}

impl OrderColumns<'_> {
    /// The encoding of that row, as [`encode`] gives it.
    fn write(&self, row: usize, out: &mut Vec<u8>) {
        let texts =
            std::array::from_fn(|at| if self.texts[at].is_void() { Text::Null } else { self.texts[at].get(row) });
        let ints = std::array::from_fn(|at| if self.ints[at].is_void() { None } else { self.ints[at].get(row) });
        write(out, &texts, &ints, std::array::from_fn(|at| self.bools[at].is_true(row)));
    }

    fn rows(&self) -> Result<usize, CoreError> {
        let expected = self.texts[0].len();
        let texts = TEXTS.iter().zip(self.texts.iter().map(Texts::len));
        let ints = INTS.iter().zip(self.ints.iter().map(Ints::len));
        let bools = BOOLS.iter().zip(self.bools.iter().map(Bools::len));
        match texts.chain(ints).chain(bools).find(|&(_, found)| found != expected) {
            Some((column, found)) => Err(CoreError::Ragged { side: "orders", column, found, expected }),
            None => Ok(expected),
        }
    }
}

/// The encodings of neighbouring rows, made column by column.
///
/// As long as no row had a null where another had a value, all rows have the same length: then a column is one loop of
/// stores to one place in each row. From the first column on that tells the rows apart, each row has its own length.
struct Block {
    bytes: Vec<[u8; SHORT_BYTES]>,
    /// The length of every row so far; `None` once the rows differ, and `ends` holds them.
    end: Option<usize>,
    ends: [usize; BLOCK_ROWS],
    /// What every row's word has, and what only some have.
    head: u32,
    heads: [u32; BLOCK_ROWS],
    /// Which rows have a text that is not short: those are encoded one by one.
    long: [bool; BLOCK_ROWS],
    first: usize,
    rows: usize,
}

impl Block {
    fn new() -> Self {
        Self {
            bytes: vec![[0; SHORT_BYTES]; BLOCK_ROWS],
            end: Some(4),
            ends: [4; BLOCK_ROWS],
            head: 0,
            heads: [0; BLOCK_ROWS],
            long: [false; BLOCK_ROWS],
            first: 0,
            rows: 0,
        }
    }

    fn fill(&mut self, orders: &OrderColumns<'_>, first: usize, rows: usize) {
        (self.first, self.rows) = (first, rows);
        self.end = Some(4);
        self.head = VERSION << VERSION_BIT;
        self.heads = [0; BLOCK_ROWS];
        self.long = [false; BLOCK_ROWS];
        for (at, texts) in orders.texts.iter().enumerate().filter(|(_, texts)| !texts.is_void()) {
            match texts.dense() {
                Some((views, _)) => self.put_views(at, &views[first..first + rows]),
                None => self.put_texts(at, texts),
            }
        }
        for (at, ints) in orders.ints.iter().enumerate().filter(|(_, ints)| !ints.is_void()) {
            match ints.dense() {
                Some(values) => self.put_values(INT_BIT + at, &values[first..first + rows]),
                None => self.put_ints(INT_BIT + at, ints),
            }
        }
        for (at, bools) in orders.bools.iter().enumerate() {
            for (row, head) in self.heads[..rows].iter_mut().enumerate() {
                *head |= u32::from(bools.is_true(first + row)) << (BOOL_BIT + at);
            }
        }
    }

    /// Texts of which none is null, as views: a short one is its own encoding.
    fn put_views(&mut self, bit: usize, views: &[u128]) {
        for (long, &view) in self.long.iter_mut().zip(views) {
            *long |= is_long(view);
        }
        self.head |= 1 << bit;
        self.put_all(views.iter().map(|view| view.to_le_bytes()));
    }

    /// Whole numbers of which none is null.
    fn put_values(&mut self, bit: usize, values: &[i64]) {
        self.head |= 1 << bit;
        self.put_all(values.iter().map(|value| value.to_le_bytes()));
    }

    /// The same number of bytes for every row.
    #[inline]
    fn put_all<const WIDTH: usize>(&mut self, values: impl Iterator<Item = [u8; WIDTH]>) {
        let rows = self.bytes.iter_mut().zip(values);
        if let Some(end) = self.end {
            rows.for_each(|(bytes, value)| bytes[end..end + WIDTH].copy_from_slice(&value));
            self.end = Some(end + WIDTH);
        } else {
            for ((bytes, value), end) in rows.zip(&mut self.ends) {
                bytes[*end..*end + WIDTH].copy_from_slice(&value);
                *end += WIDTH;
            }
        }
    }

    fn put_texts(&mut self, bit: usize, texts: &Texts<'_>) {
        self.tell_apart();
        for row in 0..self.rows {
            match texts.get(self.first + row) {
                Text::Null => {}
                Text::Short(word) => self.put_one(row, bit, word.to_le_bytes()),
                Text::Long(_) => self.long[row] = true,
            }
        }
    }

    fn put_ints(&mut self, bit: usize, ints: &Ints<'_>) {
        self.tell_apart();
        for row in 0..self.rows {
            if let Some(int) = ints.get(self.first + row) {
                self.put_one(row, bit, int.to_le_bytes());
            }
        }
    }

    /// From here on each row has its own length.
    fn tell_apart(&mut self) {
        if let Some(end) = self.end.take() {
            self.ends = [end; BLOCK_ROWS];
        }
    }

    #[inline]
    fn put_one<const WIDTH: usize>(&mut self, row: usize, bit: usize, value: [u8; WIDTH]) {
        let end = self.ends[row];
        self.bytes[row][end..end + WIDTH].copy_from_slice(&value);
        self.ends[row] = end + WIDTH;
        self.heads[row] |= 1 << bit;
    }

    fn print(&mut self, orders: &OrderColumns<'_>, row: usize) -> [u8; 16] {
        if self.long[row] {
            let mut bytes = Vec::with_capacity(2 * SHORT_BYTES);
            orders.write(self.first + row, &mut bytes);
            return fingerprint(&bytes);
        }
        self.bytes[row][..4].copy_from_slice(&(self.head | self.heads[row]).to_le_bytes());
        fingerprint(&self.bytes[row][..self.end.unwrap_or(self.ends[row])])
    }
}

#[inline]
fn write(
    out: &mut Vec<u8>,
    texts: &[Text<'_>; TEXTS.len()],
    ints: &[Option<i64>; INTS.len()],
    bools: [bool; BOOLS.len()],
) {
    let mut head = VERSION << VERSION_BIT;
    for (at, text) in texts.iter().enumerate() {
        head |= u32::from(*text != Text::Null) << at;
    }
    for (at, int) in ints.iter().enumerate() {
        head |= u32::from(int.is_some()) << (INT_BIT + at);
    }
    for (at, &set) in bools.iter().enumerate() {
        head |= u32::from(set) << (BOOL_BIT + at);
    }
    out.extend_from_slice(&head.to_le_bytes());
    for text in texts {
        match *text {
            Text::Null => {}
            // The length, then the bytes padded to twelve: which of the two forms it is follows from the length.
            Text::Short(word) => out.extend_from_slice(&word.to_le_bytes()),
            Text::Long(bytes) => {
                let len = u32::try_from(bytes.len()).expect("a text of less than 4 GiB");
                out.extend_from_slice(&len.to_le_bytes());
                out.extend_from_slice(bytes);
            }
        }
    }
    for int in ints.iter().flatten() {
        out.extend_from_slice(&int.to_le_bytes());
    }
}

#[cfg(test)]
#[path = "fingerprint_tests.rs"]
mod tests;
