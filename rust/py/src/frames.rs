//! The kernel's answers as Arrow frames.

use std::sync::Arc;

use arrow_array::{ArrayRef, LargeStringArray, RecordBatch, UInt8Array, UInt16Array, UInt32Array};
use arrow_schema::{DataType, Field, Schema};
use pyo3_arrow::PyRecordBatch;
use tieout_core::bulk::Later;
use tieout_core::{Edge, Pair};

type Column = (&'static str, DataType, bool, ArrayRef);

/// The pairs: broker, book, tier.
pub(crate) fn pairs(pairs: &[Pair]) -> PyRecordBatch {
    frame(vec![
        ("broker", DataType::UInt32, false, Arc::new(UInt32Array::from_iter_values(pairs.iter().map(|p| p.broker)))),
        ("book", DataType::UInt32, false, Arc::new(UInt32Array::from_iter_values(pairs.iter().map(|p| p.book)))),
        ("tier", DataType::UInt8, false, Arc::new(UInt8Array::from_iter_values(pairs.iter().map(|p| p.tier as u8)))),
    ])
}

/// Row numbers: row.
pub(crate) fn rows(rows: Vec<u32>) -> PyRecordBatch {
    frame(vec![("row", DataType::UInt32, false, Arc::new(UInt32Array::from(rows)))])
}

/// Rows, and for each an earlier one: row, of.
pub(crate) fn later(later: Later) -> PyRecordBatch {
    frame(vec![
        ("row", DataType::UInt32, false, Arc::new(UInt32Array::from(later.rows))),
        ("of", DataType::UInt32, false, Arc::new(UInt32Array::from(later.of))),
    ])
}

/// Bit masks: mask.
pub(crate) fn masks(masks: Vec<u16>) -> PyRecordBatch {
    frame(vec![("mask", DataType::UInt16, false, Arc::new(UInt16Array::from(masks)))])
}

/// The possibilities: group, broker, book, tier, reason, candidates.
pub(crate) fn edges(edges: &[Edge]) -> PyRecordBatch {
    let numbers = |of: fn(&Edge) -> u32| -> ArrayRef { Arc::new(UInt32Array::from_iter_values(edges.iter().map(of))) };
    let reasons = LargeStringArray::from_iter_values(edges.iter().map(|edge| edge.reason.as_str()));
    frame(vec![
        ("group", DataType::UInt32, false, numbers(|edge| edge.group)),
        ("broker", DataType::UInt32, false, numbers(|edge| edge.broker)),
        ("book", DataType::UInt32, true, Arc::new(edges.iter().map(|edge| edge.book).collect::<UInt32Array>())),
        ("tier", DataType::UInt8, false, Arc::new(UInt8Array::from_iter_values(edges.iter().map(|e| e.tier as u8)))),
        ("reason", DataType::LargeUtf8, false, Arc::new(reasons)),
        ("candidates", DataType::UInt32, false, numbers(|edge| edge.candidates)),
    ])
}

fn frame(columns: Vec<Column>) -> PyRecordBatch {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) =
        columns.into_iter().map(|(name, data_type, null, array)| (Field::new(name, data_type, null), array)).unzip();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays);
    PyRecordBatch::new(batch.expect("columns of one length and of the types just named"))
}
