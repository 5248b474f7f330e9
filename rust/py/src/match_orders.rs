//! `match_orders`: two frames of orders in, the partition out.

use pyo3::prelude::*;
use pyo3_arrow::{PyRecordBatch, PyTable};
use tieout_core::Settings;
use tieout_core::matching::{Contracts, Orders};

use crate::columns::Frame;
use crate::door::{Failure, compute};
use crate::frames;

/// Pairs, broker only, book only, ambiguous: four frames.
type Frames = (PyRecordBatch, PyRecordBatch, PyRecordBatch, PyRecordBatch);

/// Splits the rows of both frames; `_core.pyi` has the contract.
#[pyfunction]
#[pyo3(signature = (broker, book, *, window_ns, price_tolerance_e8, accept_unique))]
pub(crate) fn match_orders(
    py: Python<'_>,
    broker: PyTable,
    book: PyTable,
    window_ns: u64,
    price_tolerance_e8: u64,
    accept_unique: bool,
) -> PyResult<Frames> {
    let settings = Settings { window_ns, price_tolerance_e8, accept_unique };
    let ((broker, _), (book, _)) = (broker.into_inner(), book.into_inner());
    compute(py, || {
        let broker = orders(Frame::new("broker", &broker)?)?;
        let book = orders(Frame::new("book", &book)?)?;
        let matching = tieout_core::match_orders(&broker, &book, &settings)?;
        Ok((
            frames::pairs(&matching.pairs),
            frames::rows(matching.broker_only),
            frames::rows(matching.book_only),
            frames::edges(&matching.ambiguous),
        ))
    })
}

fn orders(frame: Frame<'_>) -> Result<Orders<'_>, Failure> {
    Ok(Orders {
        account: frame.texts("account")?,
        perm_id: frame.ints("perm_id")?,
        order_ref: frame.texts("order_ref")?,
        client_id: frame.ints("client_id")?,
        order_id: frame.ints("order_id")?,
        session: frame.texts("session")?,
        contract: contracts(frame)?,
        side: frame.texts("side")?,
        quantity_e8: frame.ints("quantity_e8")?,
        limit_price_e8: frame.ints("limit_price_e8")?,
        stop_price_e8: frame.ints("stop_price_e8")?,
        status: frame.texts("status")?,
        placed_ns: frame.ints("placed_ns")?,
        live: frame.bools("live")?,
        inexact: frame.bools("inexact")?,
    })
}

fn contracts(frame: Frame<'_>) -> Result<Contracts<'_>, Failure> {
    Ok(Contracts {
        con_id: frame.ints("con_id")?,
        symbol: frame.texts("symbol")?,
        sec_type: frame.texts("sec_type")?,
        expiry: frame.texts("expiry")?,
        strike_e8: frame.ints("strike_e8")?,
        right: frame.texts("right")?,
        multiplier_e8: frame.ints("multiplier_e8")?,
        currency: frame.texts("currency")?,
        local_symbol: frame.texts("local_symbol")?,
        trading_class: frame.texts("trading_class")?,
    })
}
