//! `Repeats`: which rows of one frame have the key of an earlier one.

use arrow_array::RecordBatch;
use pyo3::prelude::*;
use pyo3_arrow::PyRecordBatch;
use tieout_core::bulk;

use crate::frames;

/// The answer; `_core.pyi` has the contract.
#[pyclass(frozen, module = "tieout._core")]
pub(crate) struct Repeats {
    copies: RecordBatch,
    others: RecordBatch,
    null: RecordBatch,
}

impl Repeats {
    pub(crate) fn new(found: bulk::Repeats) -> Self {
        let bulk::Repeats { copies, others, null } = found;
        Self {
            copies: frames::later(copies).into_inner(),
            others: frames::later(others).into_inner(),
            null: frames::rows(null).into_inner(),
        }
    }
}

#[pymethods]
impl Repeats {
    fn copies(&self) -> PyRecordBatch {
        PyRecordBatch::new(self.copies.clone())
    }

    fn others(&self) -> PyRecordBatch {
        PyRecordBatch::new(self.others.clone())
    }

    fn null(&self) -> PyRecordBatch {
        PyRecordBatch::new(self.null.clone())
    }
}
