//! `order_fingerprint` and `order_fingerprints`: what an order asks for, in 128 bits.

use std::sync::Arc;

use arrow_array::{BinaryViewArray, RecordBatch};
use arrow_buffer::{Buffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3_arrow::{PyRecordBatch, PyTable};
use tieout_core::fingerprint::{BOOLS, INTS, Order, OrderColumns, TEXTS, encode, fingerprint, fingerprints};

use crate::columns::Frame;
use crate::door::compute;

const PRINT_BYTES: usize = 16;

/// A place in a buffer of views is a signed 32-bit number.
const ROWS_OF_A_BUFFER: usize = 1 << 26;

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
        let prints = views(fingerprints(&columns)?);
        let schema = Schema::new(vec![Field::new("fingerprint", DataType::BinaryView, false)]);
        let batch = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(prints)]);
        Ok(PyRecordBatch::new(batch.expect("one column of the type just named")))
    })
}

/// The fingerprints as the layout that the frame library itself has, so that taking them over copies nothing.
fn views(prints: Vec<[u8; PRINT_BYTES]>) -> BinaryViewArray {
    let views: ScalarBuffer<u128> = prints.iter().enumerate().map(|(row, print)| view(row, print)).collect();
    let bytes = Buffer::from_vec(prints.into_flattened());
    let buffers = (0..views.len().div_ceil(ROWS_OF_A_BUFFER)).map(|at| {
        let rows = ROWS_OF_A_BUFFER.min(views.len() - at * ROWS_OF_A_BUFFER);
        bytes.slice_with_length(at * ROWS_OF_A_BUFFER * PRINT_BYTES, rows * PRINT_BYTES)
    });
    BinaryViewArray::new(views.clone(), buffers.collect::<Vec<Buffer>>(), None)
}

/// The view of that row's fingerprint: its length, its first four bytes, its buffer, its place there; 32 bits each.
fn view(row: usize, print: &[u8; PRINT_BYTES]) -> u128 {
    let prefix = u32::from_le_bytes([print[0], print[1], print[2], print[3]]);
    let (buffer, place) = (row / ROWS_OF_A_BUFFER, row % ROWS_OF_A_BUFFER * PRINT_BYTES);
    PRINT_BYTES as u128 | u128::from(prefix) << 32 | (buffer as u128) << 64 | (place as u128) << 96
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
