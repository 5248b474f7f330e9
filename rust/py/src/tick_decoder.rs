//! `TickDecoder`: TWS bytes in, a record batch of ticks and the other messages out; `_core.pyi` has the contract.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::exceptions::{PyOverflowError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use pyo3_arrow::PyRecordBatch;
use tieout_wire::{Account, Columns, Decoder, WireError};

use crate::door::{Failure, compute};
use crate::tick_frame::tick_frame;

/// A tick message has about so many bytes with its prefix; the columns have room for as many ticks.
const TICK_BYTES: usize = 28;

/// Memory that the room for a feed's ticks may claim beforehand; more grows as it comes.
const ROOM_TICKS_MAX: usize = 1 << 16;

/// The decoder of one connection.
#[pyclass(frozen, module = "tieout._core")]
pub(crate) struct TickDecoder {
    decoder: Mutex<Decoder>,
}

#[pymethods]
impl TickDecoder {
    #[new]
    fn new(server_version: u32, hand_on: Vec<u32>) -> PyResult<Self> {
        let mut decoder = Decoder::new(server_version).map_err(Failure::from)?;
        for message_id in hand_on {
            decoder.hand_on(message_id).map_err(Failure::from)?;
        }
        Ok(Self { decoder: Mutex::new(decoder) })
    }

    #[pyo3(signature = (data, received_ns=None))]
    #[expect(clippy::needless_pass_by_value, reason = "it is made of the argument, for this call alone")]
    fn feed<'py>(
        &self,
        py: Python<'py>,
        data: PyBackedBytes,
        received_ns: Option<i64>,
    ) -> PyResult<(PyRecordBatch, Vec<Bound<'py, PyBytes>>, Option<String>)> {
        let received_ns = received_ns.map_or_else(now_ns, Ok)?;
        let (batch, others, error) = compute(py, || {
            let mut columns = Columns::with_capacity((data.len() / TICK_BYTES).min(ROOM_TICKS_MAX));
            let outcome = self.exclusive()?.feed(&data, received_ns, &mut columns);
            let others = std::mem::take(&mut columns.others);
            Ok((tick_frame(columns), others, outcome.err().map(|error| error.to_string())))
        })?;
        let others = others.iter().map(|frame| PyBytes::new(py, frame)).collect();
        Ok((batch, others, error))
    }

    fn pending_bytes(&self, py: Python<'_>) -> usize {
        py.detach(|| self.waiting().pending_bytes())
    }

    fn account(&self, py: Python<'_>) -> BTreeMap<&'static str, u64> {
        let account = self.account_now(py);
        BTreeMap::from([
            ("frames", account.frames),
            ("decoded", account.decoded),
            ("ticks", account.ticks),
            ("handed_on", account.handed_on),
            ("beyond", account.beyond),
            ("malformed", account.malformed),
        ])
    }

    fn malformed(&self, py: Python<'_>) -> BTreeMap<u8, u64> {
        self.account_now(py).malformed_by_message().collect()
    }

    fn last_malformed<'py>(&self, py: Python<'py>) -> Option<(u8, String, Bound<'py, PyBytes>)> {
        let account = self.account_now(py);
        let last = account.last_malformed()?;
        Some((last.message_id, last.flaw.to_string(), PyBytes::new(py, &last.sample)))
    }
}

impl TickDecoder {
    /// The decoder for a feed. Two feeds at once would have no order of their bytes.
    fn exclusive(&self) -> Result<MutexGuard<'_, Decoder>, Failure> {
        match self.decoder.try_lock() {
            Ok(decoder) => Ok(decoder),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(Failure::Busy),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Decoder> {
        self.decoder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn account_now(&self, py: Python<'_>) -> Account {
        py.detach(|| self.waiting().account().clone())
    }
}

pub(crate) fn now_ns() -> PyResult<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ns = since.ok().and_then(|since| i64::try_from(since.as_nanos()).ok());
    ns.ok_or_else(|| PyOverflowError::new_err("the computer's clock is before 1970 or after 2261; set it"))
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

/// The exceptions of this room.
pub(crate) fn wire_error(error: &WireError) -> PyErr {
    match error {
        WireError::FrameTooLong { .. } | WireError::ServerVersion { .. } | WireError::NotATick { .. } => {
            PyValueError::new_err(error.to_string())
        }
    }
}

/// Two feeds at once.
pub(crate) fn busy() -> PyErr {
    PyRuntimeError::new_err("two threads feed one decoder at once; give each connection a decoder and one thread")
}
