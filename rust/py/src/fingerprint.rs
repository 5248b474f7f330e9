//! `order_fingerprint` and `order_fingerprints`: what an order asks for, in 128 bits.

use std::sync::Arc;

use arrow_array::{BinaryArray, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3_arrow::{PyRecordBatch, PyTable};
use tieout_core::fingerprint::{BOOLS, INTS, Order, OrderColumns, TEXTS, encode, fingerprint, fingerprints};

use crate::columns::Frame;
use crate::door::compute;

/// One order: its fingerprint and its encoding; `_core.pyi` has the contract.
#[pyfunction]
pub(crate) fn order_fingerprint(
    py: Python<'_>,
    texts: Vec<Option<String>>,
    ints: Vec<Option<i64>>,
    bools: Vec<bool>,
) -> PyResult<(Bound<'_, PyBytes>, Bound<'_, PyBytes>)> {
    let texts: [Option<String>; TEXTS.len()] = exactly("texts", texts)?;
    let order = Order {
        texts: std::array::from_fn(|at| texts[at].as_deref()),
        ints: exactly("ints", ints)?,
        bools: exactly("bools", bools)?,
    };
    let encoding = encode(&order);
    Ok((PyBytes::new(py, &fingerprint(&encoding)), PyBytes::new(py, &encoding)))
}

/// A frame of orders: one fingerprint for each row.
#[pyfunction]
pub(crate) fn order_fingerprints(py: Python<'_>, orders: PyTable) -> PyResult<PyRecordBatch> {
    let (orders, _) = orders.into_inner();
    compute(py, || {
        let frame = Frame::new("orders", &orders)?;
        let columns = OrderColumns {
            texts: all(TEXTS, |name| frame.texts(name))?,
            ints: all(INTS, |name| frame.ints(name))?,
            bools: all(BOOLS, |name| frame.sure_bools(name))?,
        };
        let prints = BinaryArray::from_iter_values(fingerprints(&columns)?);
        let schema = Schema::new(vec![Field::new("fingerprint", DataType::Binary, false)]);
        let batch = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(prints)]);
        Ok(PyRecordBatch::new(batch.expect("one column of the type just named")))
    })
}

fn exactly<T, const N: usize>(what: &str, values: Vec<T>) -> PyResult<[T; N]> {
    let found = values.len();
    values.try_into().map_err(|_| PyValueError::new_err(format!("{found} {what}, expected {N}")))
}

fn all<T, E, const N: usize>(
    names: [&'static str; N],
    mut column: impl FnMut(&'static str) -> Result<T, E>,
) -> Result<[T; N], E> {
    let found: Vec<T> = names.into_iter().map(&mut column).collect::<Result<_, _>>()?;
    Ok(found.try_into().ok().expect("a column for each name"))
}
