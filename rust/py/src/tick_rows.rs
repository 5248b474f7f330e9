//! Arrow columns of ticks to the ring's records; the reverse of `tick_frame`.

use std::ops::Range;

use arrow_array::types::{ArrowPrimitiveType, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, PrimitiveArray, RecordBatch};
use arrow_buffer::NullBuffer;
use tieout_lanes::{Wide, across};
use tieout_ring::tick::{TickRecord, flag as ring, word};
use tieout_wire::kind::flag;

use crate::door::Failure;

/// Records that are made at once: they stay in the first cache.
pub(crate) const STAGE_RECORDS: usize = 128;

/// Room for that many records, word by word and across; for one batch, whose columns are the same throughout.
pub(crate) struct Stage {
    /// The words of columns that the batch does not have stay 0.
    words: [[u64; STAGE_RECORDS]; 8],
    records: [TickRecord; STAGE_RECORDS],
    wide: Option<Wide>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { words: [[0; STAGE_RECORDS]; 8], records: [[0; 8]; STAGE_RECORDS], wide: Wide::detect() }
    }
}

/// The name under which errors tell of the frame.
const FRAME: &str = "ticks";

/// The columns that a batch may have.
const COLUMNS: [&str; 11] = [
    "instrument",
    "kind",
    "field",
    "price",
    "size",
    "exchange_ns",
    "received_ns",
    "sequence",
    "extra_0",
    "extra_1",
    "flags",
];

/// The flags that say that there is a value; what is null decides them, not the column `flags`.
const PRESENT: u16 = ring::HAS_PRICE | ring::HAS_SIZE | ring::HAS_EXCHANGE_NS | flag::HAS_EXTRA_0 | flag::HAS_EXTRA_1;

/// Where the flags are in word 0.
const FLAGS_AT: u32 = 48;

/// A value that may be missing: its column, the word it goes to, and the flag that says that it is there.
struct Value<'a, T> {
    values: &'a [T],
    nulls: Option<&'a NullBuffer>,
    word: usize,
    has: u16,
}

/// One batch, checked.
pub(crate) struct TickRows<'a> {
    rows: usize,
    instrument: &'a [u32],
    instrument_base: u32,
    kind: &'a [u8],
    field: &'a [u8],
    flags: Option<&'a [u16]>,
    received_ns: &'a [i64],
    sequence: Option<&'a [u64]>,
    signed: Vec<Value<'a, i64>>,
    unsigned: Vec<Value<'a, u64>>,
}

impl<'a> TickRows<'a> {
    /// Checks the batch. Numbers of instruments are told from the range's start on. With `renumber` the batch's own
    /// numbers of rows do not count.
    pub(crate) fn new(batch: &'a RecordBatch, instruments: &Range<u32>, renumber: bool) -> Result<Self, Failure> {
        let schema = batch.schema_ref();
        for field in schema.fields() {
            if !COLUMNS.contains(&field.name().as_str()) {
                return Err(Failure::NotATicksColumn { found: field.name().clone() });
            }
        }
        let required = |column| Failure::Missing { frame: FRAME, column };
        let instrument = full::<UInt32Type>(batch, "instrument")?.ok_or_else(|| required("instrument"))?;
        if let Some(found) = instrument.iter().copied().find(|number| *number < instruments.start) {
            return Err(Failure::BelowBase { found, base: instruments.start });
        }
        // The largest number there is stands for no end at all.
        if instruments.end < u32::MAX
            && let Some(found) = instrument.iter().copied().find(|number| *number >= instruments.end)
        {
            return Err(Failure::BeyondEnd { found, end: instruments.end });
        }
        let sequence = full::<UInt64Type>(batch, "sequence")?;
        let mut signed = Vec::new();
        for (name, word, has) in [
            ("price", word::PRICE, ring::HAS_PRICE),
            ("size", word::SIZE, ring::HAS_SIZE),
            ("exchange_ns", word::EXCHANGE_NS, ring::HAS_EXCHANGE_NS),
        ] {
            signed.extend(value::<Int64Type>(batch, name, (word, has))?);
        }
        let mut unsigned = Vec::new();
        for (name, word, has) in
            [("extra_0", word::EXTRA, flag::HAS_EXTRA_0), ("extra_1", word::EXTRA + 1, flag::HAS_EXTRA_1)]
        {
            unsigned.extend(value::<UInt64Type>(batch, name, (word, has))?);
        }
        Ok(Self {
            rows: batch.num_rows(),
            instrument,
            instrument_base: instruments.start,
            kind: full::<UInt8Type>(batch, "kind")?.ok_or_else(|| required("kind"))?,
            field: full::<UInt8Type>(batch, "field")?.ok_or_else(|| required("field"))?,
            flags: full::<UInt16Type>(batch, "flags")?,
            received_ns: full::<Int64Type>(batch, "received_ns")?.ok_or_else(|| required("received_ns"))?,
            sequence: sequence.filter(|_| !renumber),
            signed,
            unsigned,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// Whether the batch numbers its rows itself.
    pub(crate) fn is_numbered(&self) -> bool {
        self.sequence.is_some()
    }

    /// The rows from `from` on as records: as many as the stage holds, fewer at the end.
    ///
    /// `numbered_from`: the number of the first of them, if the batch has none. Word by word first, which the compiler
    /// does with wide instructions, and then across.
    pub(crate) fn records<'s>(&self, from: usize, numbered_from: u64, stage: &'s mut Stage) -> &'s [TickRecord] {
        let Stage { words, records, wide } = stage;
        let count = STAGE_RECORDS.min(self.rows - from);
        let rows = from..from + count;
        let heads = self.instrument[rows.clone()].iter().zip(&self.kind[rows.clone()]).zip(&self.field[rows.clone()]);
        for (head, ((instrument, kind), field)) in words[word::HEAD].iter_mut().zip(heads) {
            let instrument = instrument.wrapping_sub(self.instrument_base);
            *head = u64::from(instrument) | u64::from(*kind) << 32 | u64::from(*field) << 40;
        }
        if let Some(flags) = self.flags {
            for (head, flags) in words[word::HEAD].iter_mut().zip(&flags[rows.clone()]) {
                *head |= u64::from(flags & !PRESENT) << FLAGS_AT;
            }
        }
        for (word, received) in words[word::RECEIVED_NS].iter_mut().zip(&self.received_ns[rows.clone()]) {
            *word = received.cast_unsigned();
        }
        match self.sequence {
            Some(sequence) => words[word::SEQUENCE][..count].copy_from_slice(&sequence[rows]),
            None => words[word::SEQUENCE].iter_mut().zip(numbered_from..).for_each(|(word, number)| *word = number),
        }
        for column in &self.signed {
            column.put(from, words, i64::cast_unsigned);
        }
        for column in &self.unsigned {
            column.put(from, words, |value| value);
        }
        across(*wide, words, records);
        &records[..count]
    }
}

impl<T: Copy> Value<'_, T> {
    fn put(&self, from: usize, words: &mut [[u64; STAGE_RECORDS]; 8], bits: impl Fn(T) -> u64) {
        let has = u64::from(self.has) << FLAGS_AT;
        let values = &self.values[from..self.values.len().min(from + STAGE_RECORDS)];
        for (word, value) in words[self.word].iter_mut().zip(values) {
            *word = bits(*value);
        }
        let Some(nulls) = self.nulls else {
            words[word::HEAD].iter_mut().for_each(|head| *head |= has);
            return;
        };
        let [heads, sent] = words.get_disjoint_mut([word::HEAD, self.word]).expect("a value is not in word 0");
        for (row, (head, value)) in (from..from + values.len()).zip(heads.iter_mut().zip(sent)) {
            // All ones where there is a value.
            let there = u64::from(nulls.is_valid(row)).wrapping_neg();
            *value &= there;
            *head |= has & there;
        }
    }
}

/// A column without nulls, if the batch has it.
fn full<'a, T: ArrowPrimitiveType>(
    batch: &'a RecordBatch,
    name: &'static str,
) -> Result<Option<&'a [T::Native]>, Failure> {
    let Some(array) = column::<T>(batch, name)? else { return Ok(None) };
    if array.null_count() > 0 {
        let (found, expected) = (format!("{} with nulls", T::DATA_TYPE), "without nulls");
        return Err(Failure::Type { frame: FRAME, column: name, found, expected });
    }
    Ok(Some(array.values()))
}

/// A column with its nulls, if the batch has it and one of its values is there.
fn value<'a, T: ArrowPrimitiveType>(
    batch: &'a RecordBatch,
    name: &'static str,
    (word, has): (usize, u16),
) -> Result<Option<Value<'a, T::Native>>, Failure> {
    let Some(array) = column::<T>(batch, name)?.filter(|array| array.null_count() < array.len()) else {
        return Ok(None);
    };
    let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
    Ok(Some(Value { values: array.values(), nulls, word, has }))
}

fn column<'a, T: ArrowPrimitiveType>(
    batch: &'a RecordBatch,
    name: &'static str,
) -> Result<Option<&'a PrimitiveArray<T>>, Failure> {
    let Some(array) = batch.column_by_name(name) else { return Ok(None) };
    match array.as_any().downcast_ref::<PrimitiveArray<T>>() {
        Some(array) => Ok(Some(array)),
        None => Err(Failure::Type {
            frame: FRAME,
            column: name,
            found: array.data_type().to_string(),
            expected: expected_of(name),
        }),
    }
}

fn expected_of(name: &str) -> &'static str {
    match name {
        "instrument" => "UInt32",
        "kind" | "field" => "UInt8",
        "flags" => "UInt16",
        "sequence" | "extra_0" | "extra_1" => "UInt64",
        _ => "Int64",
    }
}
