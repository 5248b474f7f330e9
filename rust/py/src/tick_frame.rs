//! Ticks as an Arrow record batch: the columns of the ring's record, taken over without a copy.

use std::sync::Arc;

use arrow_array::types::{ArrowPrimitiveType, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{ArrayRef, PrimitiveArray, RecordBatch};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow_schema::{Field, Schema};
use pyo3_arrow::PyRecordBatch;
use tieout_ring::tick::flag as ring;
use tieout_wire::{Columns, kind::flag};

/// The batch; a value whose flag says that it was not sent is null.
pub(crate) fn tick_frame(ticks: Columns) -> PyRecordBatch {
    let rows = ticks.len();
    let flags = [ring::HAS_PRICE, ring::HAS_SIZE, ring::HAS_EXCHANGE_NS, flag::HAS_EXTRA_0, flag::HAS_EXTRA_1];
    let [price, size, exchange, extra_0, extra_1] = flags.map(|flag| {
        let bits = ticks.bits(flag)?;
        Some(NullBuffer::new(BooleanBuffer::new(Buffer::from_vec(bits), 0, rows)))
    });
    let columns = [
        ("instrument", column::<UInt32Type>(ticks.instrument, None)),
        ("kind", column::<UInt8Type>(ticks.kind, None)),
        ("field", column::<UInt8Type>(ticks.field, None)),
        ("price", column::<Int64Type>(ticks.price, price)),
        ("size", column::<Int64Type>(ticks.size, size)),
        ("exchange_ns", column::<Int64Type>(ticks.exchange_ns, exchange)),
        ("received_ns", column::<Int64Type>(ticks.received_ns, None)),
        ("sequence", column::<UInt64Type>(ticks.sequence, None)),
        ("extra_0", column::<UInt64Type>(ticks.extra_0, extra_0)),
        ("extra_1", column::<UInt64Type>(ticks.extra_1, extra_1)),
        ("flags", column::<UInt16Type>(ticks.flags, None)),
    ];
    let nullable = |name| matches!(name, "price" | "size" | "exchange_ns" | "extra_0" | "extra_1");
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns
        .into_iter()
        .map(|(name, array)| (Field::new(name, array.data_type().clone(), nullable(name)), array))
        .unzip();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays);
    PyRecordBatch::new(batch.expect("columns of one length and of the types just named"))
}

fn column<T: ArrowPrimitiveType>(values: Vec<T::Native>, nulls: Option<NullBuffer>) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(ScalarBuffer::from(values), nulls))
}
