//! The one door through which the interpreter lock is released, and the one place where errors become exceptions.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use tieout_core::CoreError;

/// What a call can fail with.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The frame has no such column.
    Missing { frame: &'static str, column: &'static str },
    /// The column is of another type.
    Type { frame: &'static str, column: &'static str, found: String, expected: &'static str },
    /// The frame came in more than one piece.
    Pieces { frame: &'static str, found: usize },
    /// The kernel refused it.
    Core(CoreError),
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
