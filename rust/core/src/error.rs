//! What the kernel refuses.

use thiserror::Error;

/// Input that the kernel cannot take. Expected outcomes (no match, several candidates) are values, not errors.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CoreError {
    /// Two columns of one side have different lengths.
    #[error("the {side}'s column {column} has {found} rows, and its first column has {expected}")]
    Ragged {
        /// Broker or book.
        side: &'static str,
        /// The column that is off.
        column: &'static str,
        /// Its number of rows.
        found: usize,
        /// The number of rows of the side's first column.
        expected: usize,
    },
    /// Row numbers are 32 bits wide.
    #[error("the {side} has {found} rows; one call takes at most {limit}")]
    TooManyRows {
        /// Broker or book.
        side: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A pair names a row that its side does not have.
    #[error("a pair names {side} row {row}, and the {side} has {rows} rows")]
    NoSuchRow {
        /// Broker or book.
        side: &'static str,
        /// The row that was named.
        row: u32,
        /// How many rows there are.
        rows: usize,
    },
    /// The two halves of a list of pairs have different lengths.
    #[error("{broker} broker rows are paired with {book} book rows")]
    UnevenPairs {
        /// How many broker rows.
        broker: usize,
        /// How many book rows.
        book: usize,
    },
}
