//! Arrow columns of any type as the bulk diff's views of them.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowDictionaryKeyType, Date32Type, Decimal128Type, DurationMicrosecondType, DurationMillisecondType,
    DurationNanosecondType, DurationSecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, ArrowPrimitiveType, RecordBatch};
use arrow_schema::{DataType, SchemaRef, TimeUnit};
use tieout_core::bulk::{Class, Column, Values};
use tieout_core::column::{Bits, Texts};

use crate::door::Failure;

/// What can be compared, for messages.
const EXPECTED: &str = "a type that can be compared: integers, floats, Decimal128, text, binary, booleans, dictionaries \
                        of text, dates, times, timestamps, durations. Cast it first";

/// A frame in one piece, whose columns go by their place.
pub(crate) fn one_piece(
    frame: &'static str,
    batches: Vec<RecordBatch>,
    schema: SchemaRef,
) -> Result<RecordBatch, Failure> {
    let found = batches.len();
    let mut batches = batches.into_iter();
    match (batches.next(), found) {
        (None, _) => Ok(RecordBatch::new_empty(schema)),
        (Some(batch), 1) => Ok(batch),
        _ => Err(Failure::Pieces { frame, found }),
    }
}

/// The frame's columns.
pub(crate) fn columns<'a>(frame: &'static str, batch: &'a RecordBatch) -> Result<Vec<Column<'a>>, Failure> {
    let schema = batch.schema_ref();
    let column = |(at, array): (usize, &'a arrow_array::ArrayRef)| {
        let (values, meaning) = values(array.as_ref()).ok_or_else(|| Failure::Incomparable {
            frame,
            column: schema.field(at).name().clone(),
            found: array.data_type().to_string(),
            expected: EXPECTED,
        })?;
        Ok(Column::new(values, validity(array.as_ref()), meaning))
    };
    batch.columns().iter().enumerate().map(column).collect()
}

fn validity(array: &dyn Array) -> Option<Bits<'_>> {
    let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0)?;
    Some(Bits::new(nulls.validity(), nulls.offset(), nulls.len()))
}

type Meaning = (Class, u32);

/// The values and what they mean; `None` where they cannot be compared.
fn values(array: &dyn Array) -> Option<(Values<'_>, Meaning)> {
    let number = (Class::Number, 0);
    Some(match array.data_type() {
        DataType::Int8 => (Values::I8(slice::<Int8Type>(array)), number),
        DataType::Int16 => (Values::I16(slice::<Int16Type>(array)), number),
        DataType::Int32 => (Values::I32(slice::<Int32Type>(array)), number),
        DataType::Int64 => (Values::I64(slice::<Int64Type>(array)), number),
        DataType::UInt8 => (Values::U8(slice::<UInt8Type>(array)), number),
        DataType::UInt16 => (Values::U16(slice::<UInt16Type>(array)), number),
        DataType::UInt32 => (Values::U32(slice::<UInt32Type>(array)), number),
        DataType::UInt64 => (Values::U64(slice::<UInt64Type>(array)), number),
        DataType::Decimal128(_, scale) => {
            (Values::I128(slice::<Decimal128Type>(array)), (Class::Number, u32::try_from(*scale).ok()?))
        }
        DataType::Float32 => (Values::F32(slice::<Float32Type>(array)), (Class::Float, 0)),
        DataType::Float64 => (Values::F64(slice::<Float64Type>(array)), (Class::Float, 0)),
        DataType::Boolean => {
            let bits = array.as_boolean().values();
            (Values::Bool(Bits::new(bits.values(), bits.offset(), bits.len())), (Class::Bool, 0))
        }
        DataType::Dictionary(key, _) => (coded(array, key)?, (Class::Text, 0)),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            (Values::Text(texts(array, None)?), (Class::Binary, 0))
        }
        _ => match texts(array, None) {
            Some(texts) => (Values::Text(texts), (Class::Text, 0)),
            None => return times(array),
        },
    })
}

fn times(array: &dyn Array) -> Option<(Values<'_>, Meaning)> {
    use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
    let values = match array.data_type() {
        DataType::Date32 => Values::I32(slice::<Date32Type>(array)),
        DataType::Time32(Second) => Values::I32(slice::<Time32SecondType>(array)),
        DataType::Time32(_) => Values::I32(slice::<Time32MillisecondType>(array)),
        DataType::Time64(Nanosecond) => Values::I64(slice::<Time64NanosecondType>(array)),
        DataType::Time64(_) => Values::I64(slice::<Time64MicrosecondType>(array)),
        DataType::Timestamp(Second, _) => Values::I64(slice::<TimestampSecondType>(array)),
        DataType::Timestamp(Millisecond, _) => Values::I64(slice::<TimestampMillisecondType>(array)),
        DataType::Timestamp(Microsecond, _) => Values::I64(slice::<TimestampMicrosecondType>(array)),
        DataType::Timestamp(Nanosecond, _) => Values::I64(slice::<TimestampNanosecondType>(array)),
        DataType::Duration(Second) => Values::I64(slice::<DurationSecondType>(array)),
        DataType::Duration(Millisecond) => Values::I64(slice::<DurationMillisecondType>(array)),
        DataType::Duration(Microsecond) => Values::I64(slice::<DurationMicrosecondType>(array)),
        DataType::Duration(Nanosecond) => Values::I64(slice::<DurationNanosecondType>(array)),
        _ => return None,
    };
    let digits = |unit: &TimeUnit| match unit {
        Second => 0,
        Millisecond => 3,
        Microsecond => 6,
        Nanosecond => 9,
    };
    let meaning = match array.data_type() {
        DataType::Time32(unit) | DataType::Time64(unit) => (Class::TimeOfDay, digits(unit)),
        DataType::Timestamp(unit, Some(_)) => (Class::Instant, digits(unit)),
        DataType::Timestamp(unit, None) => (Class::LocalTime, digits(unit)),
        DataType::Duration(unit) => (Class::Duration, digits(unit)),
        _ => (Class::Date, 0),
    };
    Some((values, meaning))
}

fn slice<T: ArrowPrimitiveType>(array: &dyn Array) -> &[T::Native] {
    array.as_primitive::<T>().values()
}

fn texts<'a>(array: &'a dyn Array, validity: Option<Bits<'a>>) -> Option<Texts<'a>> {
    Some(match array.data_type() {
        DataType::Utf8View => {
            let views = array.as_string_view();
            Texts::views(views.views(), views.data_buffers().iter().map(std::ops::Deref::deref).collect(), validity)
        }
        DataType::BinaryView => {
            let views = array.as_binary_view();
            Texts::views(views.views(), views.data_buffers().iter().map(std::ops::Deref::deref).collect(), validity)
        }
        DataType::LargeUtf8 => {
            Texts::large(array.as_string::<i64>().offsets(), array.as_string::<i64>().value_data(), validity)
        }
        DataType::Utf8 => {
            Texts::small(array.as_string::<i32>().offsets(), array.as_string::<i32>().value_data(), validity)
        }
        DataType::LargeBinary => {
            Texts::large(array.as_binary::<i64>().offsets(), array.as_binary::<i64>().value_data(), validity)
        }
        DataType::Binary => {
            Texts::small(array.as_binary::<i32>().offsets(), array.as_binary::<i32>().value_data(), validity)
        }
        _ => return None,
    })
}

/// A dictionary of text.
fn coded<'a>(array: &'a dyn Array, key: &DataType) -> Option<Values<'a>> {
    let (codes, words) = match key {
        DataType::Int8 => codes::<Int8Type>(array, Values::I8),
        DataType::Int16 => codes::<Int16Type>(array, Values::I16),
        DataType::Int32 => codes::<Int32Type>(array, Values::I32),
        DataType::Int64 => codes::<Int64Type>(array, Values::I64),
        DataType::UInt8 => codes::<UInt8Type>(array, Values::U8),
        DataType::UInt16 => codes::<UInt16Type>(array, Values::U16),
        DataType::UInt32 => codes::<UInt32Type>(array, Values::U32),
        _ => codes::<UInt64Type>(array, Values::U64),
    };
    match words.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            Some(Values::Coded(Box::new(codes), texts(words, validity(words))?))
        }
        _ => None,
    }
}

fn codes<'a, K: ArrowDictionaryKeyType>(
    array: &'a dyn Array,
    values: fn(&'a [K::Native]) -> Values<'a>,
) -> (Values<'a>, &'a dyn Array) {
    let dictionary = array.as_dictionary::<K>();
    (values(dictionary.keys().values()), dictionary.values().as_ref())
}
