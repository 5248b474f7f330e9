//! The one door through which the interpreter lock is released, and the one place where errors become exceptions.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use tieout_core::CoreError;
use tieout_core::bulk::BulkError;
use tieout_ring::RingError;
use tieout_wire::WireError;

use crate::tick_decoder::{busy, wire_error};
use crate::tick_ring::ring_error;

/// What a call can fail with.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The frame has no such column.
    Missing { frame: &'static str, column: &'static str },
    /// The column is of another type.
    Type { frame: &'static str, column: &'static str, found: String, expected: &'static str },
    /// The frame came in more than one piece.
    Pieces { frame: &'static str, found: usize },
    /// The column is of a type that the bulk diff does not take.
    Incomparable { frame: &'static str, column: String, found: String, expected: &'static str },
    /// Split into no parts.
    NoParts,
    /// The kernel refused it.
    Core(CoreError),
    /// The bulk diff refused it; the name of the column that its error tells by number.
    Bulk { error: BulkError, name: Option<String> },
    /// The tick decoder refused it.
    Wire(WireError),
    /// Two threads feed one tick decoder at once.
    Busy,
    /// No ring can be made of that.
    Ring(RingError),
    /// A frame of ticks has a column that no tick has.
    NotATicksColumn { found: String },
    /// An instrument's number is below the one from which they are told.
    BelowBase { found: u32, base: u32 },
    /// An instrument's number is beyond those that are asked for.
    BeyondEnd { found: u32, end: u32 },
    /// Bytes that are not whole records.
    NotWholeRecords { bytes: usize, record_bytes: usize },
}

impl From<BulkError> for Failure {
    fn from(error: BulkError) -> Self {
        Self::Bulk { error, name: None }
    }
}

impl From<CoreError> for Failure {
    fn from(error: CoreError) -> Self {
        Self::Core(error)
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Missing { frame, column } => {
                PyValueError::new_err(format!("{frame}: there is no column {column}"))
            }
            Failure::Type { frame, column, found, expected } => {
                PyTypeError::new_err(format!("{frame}: column {column} is {found}, not {expected}"))
            }
            Failure::Pieces { frame, found } => {
                PyValueError::new_err(format!("{frame}: {found} record batches, not one; rechunk it first"))
            }
            Failure::Incomparable { frame, column, found, expected } => {
                PyTypeError::new_err(format!("{frame}: column {column} is {found}, not {expected}"))
            }
            Failure::NoParts => PyValueError::new_err("0 parts; at least 1"),
            Failure::Bulk { error, name } => bulk_error(&error, name.as_deref()),
            Failure::Wire(error) => wire_error(&error),
            Failure::Busy => busy(),
            Failure::Ring(error) => ring_error(&error),
            Failure::NotATicksColumn { found } => PyValueError::new_err(format!(
                "ticks: no tick has a column {found}; drop it or call it by one of docs/ring.md's names"
            )),
            Failure::BelowBase { found, base } => {
                PyValueError::new_err(format!("ticks: instrument {found} is below instrument_base, {base}"))
            }
            Failure::BeyondEnd { found, end } => {
                PyValueError::new_err(format!("ticks: instrument {found} is not below instrument_end, {end}"))
            }
            Failure::NotWholeRecords { bytes, record_bytes } => {
                PyValueError::new_err(format!("ticks: {bytes} bytes are not whole records of {record_bytes}"))
            }
            Failure::Core(
                error @ (CoreError::Ragged { .. }
                | CoreError::TooManyRows { .. }
                | CoreError::NoSuchRow { .. }
                | CoreError::UnevenPairs { .. }),
            ) => PyValueError::new_err(error.to_string()),
        }
    }
}

/// Runs the work without the interpreter lock.
pub(crate) fn compute<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T, Failure> + Send) -> PyResult<T> {
    Ok(py.detach(work)?)
}

fn bulk_error(error: &BulkError, name: Option<&str>) -> PyErr {
    let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
    match error {
        BulkError::OtherClass { column, left, right } => PyTypeError::new_err(format!(
            "column {column}{name} is {left} on the left and {right} on the right; cast one of them first"
        )),
        BulkError::Tolerance { column, class, tolerance } => PyValueError::new_err(format!(
            "column {column}{name} is {class} and cannot have a tolerance of {tolerance}; floats can, from 0 up"
        )),
        BulkError::Uneven { .. }
        | BulkError::Keys { .. }
        | BulkError::TooManyFields { .. }
        | BulkError::Ragged { .. }
        | BulkError::TooManyRows { .. }
        | BulkError::Tolerances { .. }
        | BulkError::Threads { .. } => PyValueError::new_err(error.to_string()),
    }
}
