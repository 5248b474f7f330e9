//! Borrowed columns of any type that the bulk diff compares, in Arrow's memory layout.

use std::fmt;

use crate::column::{Bits, Texts};

/// Where a column's values are.
#[derive(Debug, Clone)]
pub enum Values<'a> {
    /// 8 bits, signed.
    I8(&'a [i8]),
    /// 16 bits, signed.
    I16(&'a [i16]),
    /// 32 bits, signed.
    I32(&'a [i32]),
    /// 64 bits, signed.
    I64(&'a [i64]),
    /// 128 bits, signed: decimals.
    I128(&'a [i128]),
    /// 8 bits.
    U8(&'a [u8]),
    /// 16 bits.
    U16(&'a [u16]),
    /// 32 bits.
    U32(&'a [u32]),
    /// 64 bits.
    U64(&'a [u64]),
    /// Single precision.
    F32(&'a [f32]),
    /// Double precision.
    F64(&'a [f64]),
    /// Booleans, a bit each.
    Bool(Bits<'a>),
    /// Text or other bytes, compared as bytes.
    Text(Texts<'a>),
    /// A dictionary: whole numbers that say which text.
    Coded(Box<Values<'a>>, Texts<'a>),
}

impl Values<'_> {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::I8(values) => values.len(),
            Self::I16(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::I128(values) => values.len(),
            Self::U8(values) => values.len(),
            Self::U16(values) => values.len(),
            Self::U32(values) => values.len(),
            Self::U64(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::Bool(values) => values.len(),
            Self::Text(values) => values.len(),
            Self::Coded(codes, _) => codes.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The whole number of that row; 0 where the values are no whole numbers.
    #[inline]
    pub(crate) fn int(&self, row: usize) -> i128 {
        match self {
            Self::I8(values) => values[row].into(),
            Self::I16(values) => values[row].into(),
            Self::I32(values) => values[row].into(),
            Self::I64(values) => values[row].into(),
            Self::I128(values) => values[row],
            Self::U8(values) => values[row].into(),
            Self::U16(values) => values[row].into(),
            Self::U32(values) => values[row].into(),
            Self::U64(values) => values[row].into(),
            Self::Bool(values) => values.get(row).into(),
            Self::F32(_) | Self::F64(_) | Self::Text(_) | Self::Coded(..) => 0,
        }
    }

    /// The place of that row's text in the dictionary, of a column that has one.
    #[inline]
    pub(crate) fn place(&self, row: usize) -> usize {
        usize::try_from(self.int(row)).expect("codes of a dictionary are not negative")
    }
}

/// What a column's values mean. Two columns are compared only where this is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Whole numbers of any width, and decimals of any scale.
    Number,
    /// Floating point of either width.
    Float,
    /// Yes or no.
    Bool,
    /// Text, plain or by a dictionary.
    Text,
    /// Bytes that are no text.
    Binary,
    /// A moment in UTC.
    Instant,
    /// A date and time without a zone.
    LocalTime,
    /// A time of day.
    TimeOfDay,
    /// A length of time.
    Duration,
    /// A day.
    Date,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number => "a number",
            Self::Float => "floating point",
            Self::Bool => "a boolean",
            Self::Text => "text",
            Self::Binary => "bytes",
            Self::Instant => "a time with a zone",
            Self::LocalTime => "a time without a zone",
            Self::TimeOfDay => "a time of day",
            Self::Duration => "a duration",
            Self::Date => "a date",
        })
    }
}

/// A column: values, what they mean, and which of them are known.
#[derive(Debug, Clone)]
pub struct Column<'a> {
    pub(crate) values: Values<'a>,
    pub(crate) validity: Option<Bits<'a>>,
    pub(crate) class: Class,
    pub(crate) digits: u32,
}

/// The most digits after the point that a decimal of 128 bits has.
pub const DIGITS_MAX: u32 = 38;

impl<'a> Column<'a> {
    /// A view of these values. A whole number `n` stands for `n / 10^digits`: the scale of a decimal, 9 for
    /// nanoseconds, 0 for what is counted in ones. `validity` has a bit for each row that is known.
    ///
    /// # Panics
    /// When the bitmap has another length, or the digits are more than [`DIGITS_MAX`].
    #[must_use]
    pub fn new(values: Values<'a>, validity: Option<Bits<'a>>, (class, digits): (Class, u32)) -> Self {
        assert!(validity.is_none_or(|bits| bits.len() == values.len()), "a bitmap of another length");
        assert!(digits <= DIGITS_MAX, "{digits} digits after the point");
        Self { values, validity, class, digits }
    }

    /// The same values, of which others are known.
    pub(crate) fn known_where(&self, validity: Option<Bits<'a>>) -> Self {
        Self { validity, ..self.clone() }
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether that row's value is known.
    #[inline]
    pub(crate) fn is_known(&self, row: usize) -> bool {
        self.validity.as_ref().is_none_or(|bits| bits.get(row))
            && match &self.values {
                Values::Coded(codes, texts) => texts.is_known(codes.place(row)),
                _ => true,
            }
    }

    /// Whether a value may be unknown.
    pub(crate) fn has_nulls(&self) -> bool {
        self.validity.is_some() || matches!(&self.values, Values::Coded(_, texts) if texts.has_nulls())
    }
}
