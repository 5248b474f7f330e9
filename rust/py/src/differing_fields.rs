//! `differing_fields`: two frames of orders and the pairs in, a bit mask per pair out.

use pyo3::prelude::*;
use pyo3_arrow::{PyRecordBatch, PyTable};
use tieout_core::Fields;

use crate::columns::Frame;
use crate::door::{Failure, compute};
use crate::frames;

/// Compares the rows that each pair names; `_core.pyi` has the contract.
#[pyfunction]
pub(crate) fn differing_fields(
    py: Python<'_>,
    broker: PyTable,
    book: PyTable,
    pairs: PyTable,
) -> PyResult<PyRecordBatch> {
    let [broker, book, pairs] = [broker, book, pairs].map(|table| table.into_inner().0);
    compute(py, || {
        let pairs = Frame::new("pairs", &pairs)?;
        let (broker, book) = (fields(Frame::new("broker", &broker)?)?, fields(Frame::new("book", &book)?)?);
        let (broker_rows, book_rows) = (pairs.row_numbers("broker")?, pairs.row_numbers("book")?);
        Ok(frames::masks(tieout_core::differing_fields((&broker, &book), broker_rows, book_rows)?))
    })
}

fn fields(frame: Frame<'_>) -> Result<Fields<'_>, Failure> {
    Ok(Fields {
        status: frame.texts("status")?,
        quantity_e8: frame.ints("quantity_e8")?,
        order_type: frame.texts("order_type")?,
        limit_price_e8: frame.ints("limit_price_e8")?,
        stop_price_e8: frame.ints("stop_price_e8")?,
        tif: frame.texts("tif")?,
        filled_quantity_e8: frame.ints("filled_quantity_e8")?,
        perm_id: frame.ints("perm_id")?,
    })
}
