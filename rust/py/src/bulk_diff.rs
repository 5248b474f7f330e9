//! `Differ` and `key_parts`: two frames of any columns in, every row of both in one list out.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, RecordBatch, UInt32Array, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use pyo3::prelude::*;
use pyo3_arrow::{PyRecordBatch, PyTable};
use tieout_core::bulk::{self, BulkError, Memory, Request};

use crate::any_columns::{columns, one_piece};
use crate::bulk_repeats::Repeats;
use crate::door::{Failure, compute};
use crate::frames;

/// Threads and memory for one diff after the other; `_core.pyi` has the contract.
#[pyclass(frozen, module = "tieout._core")]
pub(crate) struct Differ {
    inner: Mutex<bulk::Differ>,
    #[pyo3(get)]
    threads: usize,
}

#[pymethods]
impl Differ {
    #[new]
    #[pyo3(signature = (threads = 0, *, wide = true))]
    fn new(threads: usize, wide: bool) -> Result<Self, Failure> {
        let inner = bulk::Differ::new(threads, if wide { Memory::Wide } else { Memory::Plain })?;
        Ok(Self { threads: inner.threads(), inner: Mutex::new(inner) })
    }

    #[pyo3(signature = (left, right, *, keys, tolerances = None, list_equal = true))]
    fn diff(
        &self,
        py: Python<'_>,
        left: PyTable,
        right: PyTable,
        keys: usize,
        tolerances: Option<Vec<Option<f64>>>,
        list_equal: bool,
    ) -> PyResult<Diff> {
        let (left, right) = (left.into_inner(), right.into_inner());
        let tolerances = tolerances.unwrap_or_default();
        compute(py, || {
            let (left, right) = (one_piece("left", left.0, left.1)?, one_piece("right", right.0, right.1)?);
            let (a, b) = (columns("left", &left)?, columns("right", &right)?);
            let request = Request { left: &a, right: &b, keys, tolerances: &tolerances, list_equal };
            let found = self.inner.lock().unwrap_or_else(PoisonError::into_inner).diff(&request);
            found.map(Diff::new).map_err(|error| named(error, &left))
        })
    }

    #[pyo3(signature = (table, *, keys))]
    fn repeats(&self, py: Python<'_>, table: PyTable, keys: usize) -> PyResult<Repeats> {
        let table = table.into_inner();
        compute(py, || {
            let table = one_piece("table", table.0, table.1)?;
            let columns = columns("table", &table)?;
            let found = self.inner.lock().unwrap_or_else(PoisonError::into_inner).repeats(&columns, keys)?;
            Ok(Repeats::new(found))
        })
    }

    fn release(&self, py: Python<'_>) {
        py.detach(|| self.inner.lock().unwrap_or_else(PoisonError::into_inner).release());
    }
}

/// Says the column's name where the kernel knows its number.
fn named(error: BulkError, left: &RecordBatch) -> Failure {
    let at = match &error {
        BulkError::OtherClass { column, .. } | BulkError::Tolerance { column, .. } => Some(*column),
        _ => None,
    };
    let name = at.and_then(|at| left.schema_ref().fields().get(at).map(|field| field.name().clone()));
    Failure::Bulk { error, name }
}

/// The answer; `_core.pyi` has the contract.
#[pyclass(frozen, module = "tieout._core")]
pub(crate) struct Diff {
    #[pyo3(get)]
    equal_count: usize,
    #[pyo3(get)]
    changed_count: usize,
    #[pyo3(get)]
    duplicate_keys: usize,
    equal: (Vec<RecordBatch>, SchemaRef),
    changed: (Vec<RecordBatch>, SchemaRef),
    rows: [RecordBatch; 6],
}

impl Diff {
    fn new(diff: bulk::Diff) -> Self {
        let rows = [
            diff.left_only,
            diff.right_only,
            diff.duplicate_left,
            diff.duplicate_right,
            diff.null_left,
            diff.null_right,
        ];
        let changed_count = diff.changed.iter().map(|piece| piece.left.len()).sum();
        let pair = [("left", DataType::UInt32), ("right", DataType::UInt32)];
        let triple = [pair[0].clone(), pair[1].clone(), ("mask", DataType::UInt64)];
        let equal = diff.equal.into_iter().map(|piece| vec![numbers(piece.left), numbers(piece.right)]);
        let changed = diff.changed.into_iter().map(|piece| {
            vec![numbers(piece.left), numbers(piece.right), Arc::new(UInt64Array::from(piece.masks)) as ArrayRef]
        });
        Self {
            equal_count: diff.equal_count,
            changed_count,
            duplicate_keys: diff.duplicate_keys,
            equal: pieces(&pair, equal),
            changed: pieces(&triple, changed),
            rows: rows.map(|rows| frames::rows(rows).into_inner()),
        }
    }
}

fn numbers(rows: Vec<u32>) -> ArrayRef {
    Arc::new(UInt32Array::from(rows))
}

fn pieces(
    columns: &[(&'static str, DataType)],
    arrays: impl Iterator<Item = Vec<ArrayRef>>,
) -> (Vec<RecordBatch>, SchemaRef) {
    let fields: Vec<Field> = columns.iter().map(|(name, kind)| Field::new(*name, kind.clone(), false)).collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = |arrays| RecordBatch::try_new(schema.clone(), arrays).expect("columns of the types just named");
    (arrays.map(batch).collect(), schema.clone())
}

#[pymethods]
impl Diff {
    fn equal(&self) -> PyResult<PyTable> {
        PyTable::try_new(self.equal.0.clone(), self.equal.1.clone())
    }

    fn changed(&self) -> PyResult<PyTable> {
        PyTable::try_new(self.changed.0.clone(), self.changed.1.clone())
    }

    fn left_only(&self) -> PyRecordBatch {
        PyRecordBatch::new(self.rows[0].clone())
    }

    fn right_only(&self) -> PyRecordBatch {
        PyRecordBatch::new(self.rows[1].clone())
    }

    fn duplicate_left(&self) -> PyRecordBatch {
        PyRecordBatch::new(self.rows[2].clone())
    }

    fn duplicate_right(&self) -> PyRecordBatch {
        PyRecordBatch::new(self.rows[3].clone())
    }

    fn null_left(&self) -> PyRecordBatch {
        PyRecordBatch::new(self.rows[4].clone())
    }

    fn null_right(&self) -> PyRecordBatch {
        PyRecordBatch::new(self.rows[5].clone())
    }
}

/// Rows by the hash of their key; `_core.pyi` has the contract.
#[pyfunction]
#[pyo3(signature = (keys, *, parts))]
pub(crate) fn key_parts(py: Python<'_>, keys: PyTable, parts: u32) -> PyResult<(PyRecordBatch, Vec<usize>)> {
    let keys = keys.into_inner();
    compute(py, || {
        let batch = one_piece("keys", keys.0, keys.1)?;
        if parts == 0 {
            return Err(Failure::NoParts);
        }
        let split = bulk::parts(&columns("keys", &batch)?, parts)?;
        Ok((frames::rows(split.rows), split.starts))
    })
}
