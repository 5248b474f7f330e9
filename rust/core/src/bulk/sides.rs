//! What is asked, checked.

use super::column::{Class, Column};
use super::error::BulkError;
use super::twin::Twin;

/// A mask has this many bits.
pub const FIELDS_MAX: usize = 64;
/// The most rows of a side in one call; more are split by key first.
pub const ROWS_MAX: usize = 1 << 28;

/// Two sets of columns: the key columns first, then the compared ones, at the same places on both sides.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The left side's columns.
    pub left: &'a [Column<'a>],
    /// The right side's columns.
    pub right: &'a [Column<'a>],
    /// How many of them are the key, at least one.
    pub keys: usize,
    /// For each compared column, how far apart floats may be; empty where none may be.
    pub tolerances: &'a [Option<f64>],
    /// Whether equal pairs are listed, not only counted.
    pub list_equal: bool,
}

/// The same, checked.
pub(crate) struct Sides<'a> {
    pub(crate) keys: Vec<Twin<'a>>,
    pub(crate) fields: Vec<Twin<'a>>,
    pub(crate) rows: [usize; 2],
    pub(crate) list_equal: bool,
}

impl<'a> Sides<'a> {
    pub(crate) fn new(request: &Request<'a>) -> Result<Self, BulkError> {
        let Request { left, right, keys, tolerances, list_equal } = *request;
        if left.len() != right.len() {
            return Err(BulkError::Uneven { left: left.len(), right: right.len() });
        }
        if keys == 0 || keys > left.len() {
            return Err(BulkError::Keys { keys, columns: left.len() });
        }
        if left.len() - keys > FIELDS_MAX {
            return Err(BulkError::TooManyFields { found: left.len() - keys, limit: FIELDS_MAX });
        }
        let rows = [rows("left", left)?, rows("right", right)?];
        let twins: Result<Vec<_>, _> = (0..left.len()).map(|at| Twin::new(&left[at], &right[at], at)).collect();
        let mut keyed = twins?;
        let mut fields = keyed.split_off(keys);
        if !tolerances.is_empty() && tolerances.len() != fields.len() {
            return Err(BulkError::Tolerances { found: tolerances.len(), expected: fields.len() });
        }
        for (at, (field, tolerance)) in fields.iter_mut().zip(tolerances).enumerate() {
            let Some(far) = *tolerance else { continue };
            if field.class() != Class::Float || !far.is_finite() || far < 0.0 {
                let (column, class) = (keys + at, field.class());
                return Err(BulkError::Tolerance { column, class, tolerance: far.to_string() });
            }
            field.tolerance = *tolerance;
        }
        Ok(Self { keys: keyed, fields, rows, list_equal })
    }
}

/// The length of a side's columns.
pub(crate) fn rows(side: &'static str, columns: &[Column<'_>]) -> Result<usize, BulkError> {
    let expected = columns.first().map_or(0, Column::len);
    if let Some((column, other)) = columns.iter().enumerate().find(|(_, column)| column.len() != expected) {
        return Err(BulkError::Ragged { side, column, found: other.len(), expected });
    }
    if expected > ROWS_MAX {
        return Err(BulkError::TooManyRows { side, found: expected, limit: ROWS_MAX });
    }
    Ok(expected)
}
