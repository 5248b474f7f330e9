//! Arrow columns as the kernel's views of them.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt32Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use tieout_core::column::{Bits, Bools, Ints, Texts};

use crate::door::Failure;

/// A frame whose columns are taken by name.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    name: &'static str,
    batch: Option<&'a RecordBatch>,
}

impl<'a> Frame<'a> {
    /// The frame of these batches: at most one, since a column is one slice.
    pub(crate) fn new(name: &'static str, batches: &'a [RecordBatch]) -> Result<Self, Failure> {
        match batches {
            [] => Ok(Self { name, batch: None }),
            [batch] => Ok(Self { name, batch: Some(batch) }),
            _ => Err(Failure::Pieces { frame: name, found: batches.len() }),
        }
    }

    pub(crate) fn ints(self, column: &'static str) -> Result<Ints<'a>, Failure> {
        let Some(array) = self.array(column)? else { return Ok(Ints::new(&[], None)) };
        match array.as_primitive_opt::<Int64Type>() {
            Some(ints) => Ok(Ints::new(ints.values(), validity(array))),
            None => Err(self.wrong(column, array, "Int64")),
        }
    }

    pub(crate) fn row_numbers(self, column: &'static str) -> Result<&'a [u32], Failure> {
        let Some(array) = self.array(column)? else { return Ok(&[]) };
        match array.as_primitive_opt::<UInt32Type>() {
            Some(rows) if rows.null_count() == 0 => Ok(rows.values()),
            _ => Err(self.wrong(column, array, "UInt32 without nulls")),
        }
    }

    pub(crate) fn bools(self, column: &'static str) -> Result<Bools<'a>, Failure> {
        let Some(array) = self.array(column)? else { return Ok(Bools::new(Bits::new(&[], 0, 0), None)) };
        match array.as_boolean_opt() {
            Some(bools) => {
                let values = bools.values();
                Ok(Bools::new(Bits::new(values.values(), values.offset(), values.len()), validity(array)))
            }
            None => Err(self.wrong(column, array, "Boolean")),
        }
    }

    /// Booleans of which none is null.
    pub(crate) fn sure_bools(self, column: &'static str) -> Result<Bools<'a>, Failure> {
        match self.array(column)? {
            Some(array) if array.null_count() > 0 => Err(self.wrong(column, array, "Boolean without nulls")),
            _ => self.bools(column),
        }
    }

    pub(crate) fn texts(self, column: &'static str) -> Result<Texts<'a>, Failure> {
        let Some(array) = self.array(column)? else { return Ok(Texts::views(&[], Vec::new(), None)) };
        match array.data_type() {
            DataType::Utf8View => {
                let views = array.as_string_view();
                let buffers = views.data_buffers().iter().map(std::ops::Deref::deref).collect();
                Ok(Texts::views(views.views(), buffers, validity(array)))
            }
            DataType::LargeUtf8 => {
                let texts = array.as_string::<i64>();
                Ok(Texts::large(texts.offsets(), texts.value_data(), validity(array)))
            }
            DataType::Utf8 => {
                let texts = array.as_string::<i32>();
                Ok(Texts::small(texts.offsets(), texts.value_data(), validity(array)))
            }
            _ => Err(self.wrong(column, array, "text")),
        }
    }

    fn array(self, column: &'static str) -> Result<Option<&'a dyn Array>, Failure> {
        let Some(batch) = self.batch else { return Ok(None) };
        match batch.column_by_name(column) {
            Some(array) => Ok(Some(array.as_ref())),
            None => Err(Failure::Missing { frame: self.name, column }),
        }
    }

    fn wrong(self, column: &'static str, array: &dyn Array, expected: &'static str) -> Failure {
        Failure::Type { frame: self.name, column, found: array.data_type().to_string(), expected }
    }
}

fn validity(array: &dyn Array) -> Option<Bits<'_>> {
    let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0)?;
    Some(Bits::new(nulls.validity(), nulls.offset(), nulls.len()))
}
