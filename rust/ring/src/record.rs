//! A record: `N` words, of which the ring itself reads only the first.
//!
//! Word 0, from its lowest bit: 32 bits instrument, 16 bits kind and field, 16 bits flags. The ring counts losses by
//! instrument; [`crate::conflate`] also reads [`SUPERSEDES`] and takes the low 48 bits as what a quote is about.

/// `N` words of 64 bits; `N` is at least 1.
pub type Record<const N: usize> = [u64; N];

/// The flag in word 0: a newer record of the same instrument, kind and field says all that this one says.
///
/// Set on quotes; never on trades, nor on changes to a book, which mean something only one after the other.
pub const SUPERSEDES: u64 = 1 << 63;

/// Instrument, kind and field.
const SUBJECT: u64 = (1 << 48) - 1;

/// Whose record it is.
#[must_use]
pub fn instrument<const N: usize>(record: &Record<N>) -> u32 {
    instrument_of(record[0])
}

/// The same from word 0 alone.
#[must_use]
pub(crate) fn instrument_of(word: u64) -> u32 {
    let [a, b, c, d, ..] = word.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// What a record is about, if a newer one of the same subject replaces it.
#[must_use]
pub fn subject<const N: usize>(record: &Record<N>) -> Option<u64> {
    (record[0] & SUPERSEDES != 0).then_some(record[0] & SUBJECT)
}
