//! What the bulk diff refuses.

use thiserror::Error;

use super::column::Class;

/// Input that the bulk diff cannot take. Columns are told by their number, from 0.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BulkError {
    /// The sides have different numbers of columns.
    #[error("{left} columns on the left and {right} on the right; a column has to have its twin at the same place")]
    Uneven {
        /// Columns of the left side.
        left: usize,
        /// Columns of the right side.
        right: usize,
    },
    /// No key, or more key columns than columns.
    #[error("{keys} key columns of {columns}; at least one and at most all of them")]
    Keys {
        /// How many were asked for.
        keys: usize,
        /// How many columns there are.
        columns: usize,
    },
    /// A mask has 64 bits.
    #[error("{found} compared columns; one call takes at most {limit}")]
    TooManyFields {
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Two columns of one side have different lengths.
    #[error("column {column} of the {side} side has {found} rows, and its first column has {expected}")]
    Ragged {
        /// Left or right.
        side: &'static str,
        /// The column that is off.
        column: usize,
        /// Its number of rows.
        found: usize,
        /// The number of rows of the side's first column.
        expected: usize,
    },
    /// Row numbers are 32 bits wide.
    #[error("the {side} side has {found} rows; one call takes at most {limit}: split both sides by key first")]
    TooManyRows {
        /// Left or right.
        side: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The two sides mean different things.
    #[error("column {column} is {left} on the left and {right} on the right; cast one of them first")]
    OtherClass {
        /// The column.
        column: usize,
        /// What it is on the left.
        left: Class,
        /// What it is on the right.
        right: Class,
    },
    /// The list of tolerances has another length than the list of fields.
    #[error("{found} tolerances for {expected} compared columns")]
    Tolerances {
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A tolerance for what is no float, or one that is negative or not finite.
    #[error("column {column} is {class} and cannot have a tolerance of {tolerance}; floats can, from 0 up")]
    Tolerance {
        /// The column.
        column: usize,
        /// What it is.
        class: Class,
        /// What was asked for.
        tolerance: String,
    },
    /// The threads could not be started.
    #[error("{threads} threads could not be started: {why}")]
    Threads {
        /// How many.
        threads: usize,
        /// What the system said.
        why: String,
    },
}
