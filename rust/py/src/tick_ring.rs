//! `TickRing`: ticks in, record batches out; `_core.pyi` has the contract.
//!
//! Each end has a lock of its own, so that threads that share an end wait for one another and never for the other end
//! (but see `conflate`, whose ends share one). Nobody asks for the interpreter lock while holding one of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Instant;

use arrow_array::RecordBatch;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyMemoryError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use pyo3_arrow::PyRecordBatch;
use pyo3_arrow::input::AnyRecordBatch;
use tieout_ring::tick::{TICK_WORDS, Tick, TickRecord, flag as ring, word};
use tieout_ring::{Pushed, RingError, Settings, Watch, WhenFull, conflate, spsc};
use tieout_wire::kind::flag;
use tieout_wire::{Columns, Sink};

use crate::door::{Failure, compute};
use crate::tick_decoder::now_ns;
use crate::tick_frame::tick_frame;
use crate::tick_rows::{STAGE_RECORDS, Stage, TickRows};

const RECORD_BYTES: usize = TICK_WORDS * 8;

/// Account, losses by instrument, losses of unlisted instruments, nanoseconds full.
type Stats = (BTreeMap<&'static str, u64>, BTreeMap<u32, u64>, u64, u64);

/// The end that pushes.
enum Producer {
    One(spsc::Producer<TICK_WORDS>),
    Conflate(conflate::Producer<TICK_WORDS>),
}

/// The end that takes.
enum Consumer {
    One(spsc::Consumer<TICK_WORDS>),
    Conflate(conflate::Consumer<TICK_WORDS>),
}

/// What a push needs: the end, and the number of the next tick that has none.
struct Source {
    producer: Producer,
    sequence: u64,
}

/// Since when, and how long, something had to give way.
struct Fullness {
    start: Instant,
    /// Nanoseconds from `start` to the first loss after the last drain, plus 1; 0: none.
    since: AtomicU64,
    total_ns: AtomicU64,
}

/// A bounded ring of ticks.
#[pyclass(frozen, module = "tieout._core")]
pub(crate) struct TickRing {
    source: Mutex<Source>,
    consumer: Mutex<Consumer>,
    watch: Watch,
    full: Fullness,
}

#[pymethods]
impl TickRing {
    #[new]
    #[pyo3(signature = (capacity, *, policy, drop_count, instruments))]
    fn new(py: Python<'_>, capacity: usize, policy: &str, drop_count: usize, instruments: usize) -> PyResult<Self> {
        let settings = Settings { capacity, instruments };
        let when_full = match policy {
            "drop_newest" | "conflate" => WhenFull::DropNewest,
            "drop_oldest" => WhenFull::DropOldest { batch: drop_count },
            _ => return Err(unknown_policy(policy)),
        };
        let conflates = policy == "conflate";
        compute(py, || {
            let (producer, consumer, watch) = if conflates {
                let (producer, consumer, watch) = conflate::ring(settings)?;
                (Producer::Conflate(producer), Consumer::Conflate(consumer), watch)
            } else {
                let (producer, consumer, watch) = spsc::ring(settings, when_full)?;
                (Producer::One(producer), Consumer::One(consumer), watch)
            };
            let source = Mutex::new(Source { producer, sequence: 0 });
            Ok(Self { source, consumer: Mutex::new(consumer), watch, full: Fullness::new() })
        })
    }

    #[pyo3(signature = (instrument, kind, field, price=None, size=None, *, exchange_ns=None, received_ns=None,
                        extra_0=None, extra_1=None, flags=0))]
    #[expect(clippy::too_many_arguments, reason = "a tick has so many values, and an object for them costs more")]
    fn push(
        &self,
        py: Python<'_>,
        instrument: u32,
        kind: u8,
        field: u8,
        price: Option<i64>,
        size: Option<i64>,
        exchange_ns: Option<i64>,
        received_ns: Option<i64>,
        extra_0: Option<u64>,
        extra_1: Option<u64>,
        flags: u16,
    ) -> PyResult<usize> {
        let has = [
            (price.is_some(), ring::HAS_PRICE),
            (size.is_some(), ring::HAS_SIZE),
            (exchange_ns.is_some(), ring::HAS_EXCHANGE_NS),
            (extra_0.is_some(), flag::HAS_EXTRA_0),
            (extra_1.is_some(), flag::HAS_EXTRA_1),
        ];
        let flags = has.iter().fold(flags, |flags, (there, flag)| if *there { flags | flag } else { flags & !flag });
        let tick = Tick {
            instrument,
            kind,
            field,
            flags,
            price: price.unwrap_or(0),
            size: size.unwrap_or(0),
            exchange_ns: exchange_ns.unwrap_or(0),
            received_ns: received_ns.map_or_else(now_ns, Ok)?,
            sequence: 0,
            extra: [extra_0.unwrap_or(0), extra_1.unwrap_or(0)],
        };
        let push = |mut source: MutexGuard<'_, Source>| {
            let mut record = tick.to_record();
            record[word::SEQUENCE] = source.number(1);
            source.producer.push_batch(std::slice::from_ref(&record))
        };
        let pushed = match self.source.try_lock() {
            Ok(source) => push(source),
            Err(TryLockError::Poisoned(poisoned)) => push(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => py.detach(|| push(waiting(&self.source))),
        };
        self.full.note(pushed);
        Ok(pushed.lost)
    }

    #[pyo3(signature = (ticks, *, instrument_base=0, instrument_end=u32::MAX, renumber=false))]
    fn push_batch(
        &self,
        py: Python<'_>,
        ticks: &Bound<'_, PyAny>,
        instrument_base: u32,
        instrument_end: u32,
        renumber: bool,
    ) -> PyResult<usize> {
        if let Some(bytes) = bytes_of(ticks)? {
            return compute(py, || self.push_bytes(&bytes, instrument_base));
        }
        let batches = batches_of(ticks)?;
        compute(py, || {
            let instruments = instrument_base..instrument_end;
            let rows = |batch| TickRows::new(batch, &instruments, renumber);
            let all: Vec<TickRows<'_>> = batches.iter().map(rows).collect::<Result<_, _>>()?;
            let mut source = waiting(&self.source);
            Ok(all.iter().map(|rows| self.push_rows(&mut source, rows)).sum())
        })
    }

    #[pyo3(signature = (max_rows))]
    fn drain(&self, py: Python<'_>, max_rows: usize) -> PyResult<PyRecordBatch> {
        compute(py, || {
            let mut consumer = waiting(&self.consumer);
            let room = usize::try_from(self.watch.account().waiting).unwrap_or(usize::MAX).min(max_rows);
            let mut columns = Columns::with_capacity(room);
            let mut records = [[0; TICK_WORDS]; STAGE_RECORDS];
            let mut left = max_rows;
            while left > 0 {
                let wanted = left.min(STAGE_RECORDS);
                let count = consumer.drain(&mut records[..wanted]);
                let ticks: [Tick; STAGE_RECORDS] = std::array::from_fn(|number| Tick::from_record(&records[number]));
                columns.ticks(&ticks[..count]);
                left -= count;
                if count < wanted {
                    break;
                }
            }
            if left < max_rows {
                self.full.drained();
            }
            Ok(tick_frame(columns))
        })
    }

    fn stats(&self, py: Python<'_>) -> Stats {
        py.detach(|| {
            let account = self.watch.account();
            let (lost, unlisted) = self.watch.lost();
            let counts = BTreeMap::from([
                ("produced", account.produced),
                ("consumed", account.consumed),
                ("dropped", account.dropped),
                ("conflated", account.conflated),
                ("waiting", account.waiting),
            ]);
            (counts, lost.into_iter().collect(), unlisted, self.full.total_ns())
        })
    }

    fn lost_of(&self, instrument: u32) -> u64 {
        self.watch.lost_of(instrument)
    }
}

impl TickRing {
    fn push_rows(&self, source: &mut Source, rows: &TickRows<'_>) -> usize {
        let mut stage = Stage::new();
        let mut pushed = Pushed::default();
        for from in (0..rows.len()).step_by(STAGE_RECORDS) {
            let records = rows.records(from, source.sequence, &mut stage);
            if !rows.is_numbered() {
                source.number(records.len());
            }
            pushed.lost += source.producer.push_batch(records).lost;
        }
        self.full.note(pushed);
        pushed.lost
    }

    fn push_bytes(&self, bytes: &[u8], instrument_base: u32) -> Result<usize, Failure> {
        let (whole, rest) = bytes.as_chunks::<RECORD_BYTES>();
        if !rest.is_empty() {
            return Err(Failure::NotWholeRecords { bytes: bytes.len(), record_bytes: RECORD_BYTES });
        }
        let base = u64::from(instrument_base);
        let low = |record: &[u8; RECORD_BYTES]| u32::from_le_bytes([record[0], record[1], record[2], record[3]]);
        if let Some(found) = whole.iter().map(low).find(|number| *number < instrument_base) {
            return Err(Failure::BelowBase { found, base: instrument_base });
        }
        let mut source = waiting(&self.source);
        let mut records = [[0; TICK_WORDS]; STAGE_RECORDS];
        let mut pushed = Pushed::default();
        for some in whole.chunks(STAGE_RECORDS) {
            for (record, bytes) in records.iter_mut().zip(some) {
                let words = bytes.as_chunks::<8>().0;
                *record = std::array::from_fn(|number| u64::from_le_bytes(words[number]));
                record[word::HEAD] -= base;
            }
            pushed.lost += source.producer.push_batch(&records[..some.len()]).lost;
        }
        self.full.note(pushed);
        Ok(pushed.lost)
    }
}

impl Source {
    /// The first of `count` new numbers.
    fn number(&mut self, count: usize) -> u64 {
        let first = self.sequence;
        self.sequence = first.wrapping_add(count as u64);
        first
    }
}

impl Producer {
    fn push_batch(&mut self, records: &[TickRecord]) -> Pushed {
        match self {
            Self::One(producer) => producer.push_batch(records),
            Self::Conflate(producer) => producer.push_batch(records),
        }
    }
}

impl Consumer {
    fn drain(&mut self, records: &mut [TickRecord]) -> usize {
        match self {
            Self::One(consumer) => consumer.drain(records),
            Self::Conflate(consumer) => consumer.drain(records),
        }
    }
}

/// All relaxed: a figure for people, off by one drain at most while both ends move.
impl Fullness {
    fn new() -> Self {
        Self { start: Instant::now(), since: AtomicU64::new(0), total_ns: AtomicU64::new(0) }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX - 1) + 1
    }

    fn note(&self, pushed: Pushed) {
        if pushed.lost > 0 && self.since.load(Ordering::Relaxed) == 0 {
            self.since.store(self.now(), Ordering::Relaxed);
        }
    }

    fn drained(&self) {
        if self.since.load(Ordering::Relaxed) > 0 {
            let since = self.since.swap(0, Ordering::Relaxed);
            self.total_ns.fetch_add(self.now().saturating_sub(since.max(1)), Ordering::Relaxed);
        }
    }

    fn total_ns(&self) -> u64 {
        let since = self.since.load(Ordering::Relaxed);
        let going_on = if since > 0 { self.now().saturating_sub(since) } else { 0 };
        self.total_ns.load(Ordering::Relaxed) + going_on
    }
}

fn waiting<T>(end: &Mutex<T>) -> MutexGuard<'_, T> {
    end.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The bytes of an object that is a buffer. Those that somebody may change meanwhile are copied first.
fn bytes_of(ticks: &Bound<'_, PyAny>) -> PyResult<Option<PyBackedBytes>> {
    if let Ok(bytes) = ticks.cast::<PyBytes>() {
        return Ok(Some(bytes.clone().into()));
    }
    match PyBuffer::<u8>::get(ticks) {
        Ok(buffer) => Ok(Some(PyBytes::new(ticks.py(), &buffer.to_vec(ticks.py())?).into())),
        Err(_) => Ok(None),
    }
}

/// The batches of Arrow rows. Those of a decoder or a drain are this module's own and need no way through Arrow's C
/// interface, which costs as much as some thousand rows.
fn batches_of(ticks: &Bound<'_, PyAny>) -> PyResult<Vec<RecordBatch>> {
    if let Ok(own) = ticks.cast::<PyRecordBatch>() {
        return Ok(vec![own.get().as_ref().clone()]);
    }
    let Ok(batches) = ticks.extract::<AnyRecordBatch>() else {
        return Err(PyTypeError::new_err(
            "ticks are neither Arrow rows (a record batch, table or polars frame) nor bytes of 64-byte records",
        ));
    };
    Ok(batches.into_table()?.into_inner().0)
}

fn unknown_policy(found: &str) -> PyErr {
    PyValueError::new_err(format!("policy is {found:?}; expected drop_oldest, drop_newest or conflate"))
}

impl From<RingError> for Failure {
    fn from(error: RingError) -> Self {
        Self::Ring(error)
    }
}

/// The exceptions of this room.
pub(crate) fn ring_error(error: &RingError) -> PyErr {
    match error {
        RingError::Capacity { .. } | RingError::Batch { .. } | RingError::Instruments { .. } => {
            PyValueError::new_err(error.to_string())
        }
        RingError::Memory { .. } => PyMemoryError::new_err(error.to_string()),
    }
}
