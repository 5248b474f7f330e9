//! One column of both sides: what two rows have there, the same or not. This is what "equal" means; everything faster
//! must agree with it.

use super::column::{Class, Column, Values};
use super::error::BulkError;
use crate::column::Text;
use crate::field::{Place, Side};
use crate::mix::{mix, mix_text};

/// A value as it is compared.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'v> {
    Null,
    /// In the finer of both sides' units.
    Int(i128),
    /// In its own side's unit, since the finer one would need more than 128 bits: equal to nothing of the other side.
    Beyond(i128),
    Float(f64),
    Text(Text<'v>),
}

/// A side's column, and what its numbers are multiplied with to have the other's unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lane<'a> {
    pub(crate) column: &'a Column<'a>,
    pub(crate) factor: i128,
}

/// What a null of a compared field agrees with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Nulls {
    /// With a null, and nothing else.
    #[default]
    Equal,
    /// The left side's with everything: what that side did not report is no difference.
    LeftSilent,
    /// Either side's with everything: only what both know can contradict.
    BothSilent,
}

/// The same column of both sides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Twin<'a> {
    lanes: [Lane<'a>; 2],
    /// How far apart two floats may be that count as equal; without it their bits must be.
    pub(crate) tolerance: Option<f64>,
    /// What nulls agree with. Keys know [`Nulls::Equal`] alone.
    pub(crate) nulls: Nulls,
}

impl<'a> Twin<'a> {
    pub(crate) fn new(left: &'a Column<'a>, right: &'a Column<'a>, at: usize) -> Result<Self, BulkError> {
        if left.class != right.class {
            return Err(BulkError::OtherClass { column: at, left: left.class, right: right.class });
        }
        let digits = left.digits.max(right.digits);
        let lane = |column: &'a Column<'a>| Lane { column, factor: 10_i128.pow(digits - column.digits) };
        Ok(Self { lanes: [lane(left), lane(right)], tolerance: None, nulls: Nulls::Equal })
    }

    pub(crate) fn lane(&self, side: Side) -> &Lane<'a> {
        &self.lanes[side as usize]
    }

    pub(crate) fn class(&self) -> Class {
        self.lanes[0].column.class
    }

    pub(crate) fn has_nulls(&self) -> bool {
        self.lanes.iter().any(|lane| lane.column.has_nulls())
    }

    #[inline]
    pub(crate) fn value(&self, (side, row): Place) -> Value<'a> {
        let Lane { column, factor } = *self.lane(side);
        let row = row as usize;
        if !column.is_known(row) {
            return Value::Null;
        }
        match &column.values {
            Values::F64(values) => Value::Float(values[row]),
            Values::F32(values) => Value::Float(values[row].into()),
            Values::Text(texts) => Value::Text(texts.get(row)),
            Values::Coded(codes, texts) => Value::Text(texts.get(codes.place(row))),
            values => {
                let int = values.int(row);
                int.checked_mul(factor).map_or(Value::Beyond(int), Value::Int)
            }
        }
    }

    /// Whether numbers are taken as 64-bit words without a sign: floats by their bits, and where no side has a sign.
    pub(crate) fn is_unsigned(&self) -> bool {
        let plain = |lane: &Lane<'_>| matches!(lane.column.values, Values::U64(_)) && lane.factor == 1;
        matches!(self.class(), Class::Float | Class::Bool) || self.lanes.iter().all(plain)
    }

    /// The number there as a 64-bit word, if it is one and fits: equal words mean equal numbers.
    #[inline]
    pub(crate) fn word(&self, unsigned: bool, place: Place) -> Option<u64> {
        match self.value(place) {
            Value::Int(int) if unsigned => u64::try_from(int).ok(),
            Value::Int(int) => i64::try_from(int).ok().map(i64::cast_unsigned),
            Value::Float(float) => Some(float.to_bits()),
            Value::Null | Value::Beyond(_) | Value::Text(_) => None,
        }
    }

    /// Whether the two places hold the same: null is the same as null, and floats are the same by their bits.
    #[inline]
    pub(crate) fn same(&self, a: Place, b: Place) -> bool {
        match (self.value(a), self.value(b)) {
            (Value::Null, Value::Null) => true,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Beyond(x), Value::Beyond(y)) => x == y && a.0 == b.0,
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Value::Text(a), Value::Text(b)) => a == b,
            _ => false,
        }
    }

    /// Whether values that are not the same may agree all the same.
    pub(crate) fn is_lenient(&self) -> bool {
        self.tolerance.is_some() || (self.nulls != Nulls::Equal && self.has_nulls())
    }

    /// The same, but floats may be as far apart as the tolerance allows, and nulls agree with what they are said to.
    #[inline]
    pub(crate) fn agrees(&self, left: u32, right: u32) -> bool {
        let (left, right) = ((Side::Left, left), (Side::Right, right));
        match (self.nulls, self.value(left), self.value(right)) {
            (Nulls::LeftSilent | Nulls::BothSilent, Value::Null, _) | (Nulls::BothSilent, _, Value::Null) => true,
            (_, Value::Float(a), Value::Float(b)) if self.tolerance.is_some_and(|far| close(a, b, far)) => true,
            _ => self.same(left, right),
        }
    }

    /// Whether the two rows differ, where one of them is null; `None` where both are known.
    #[inline]
    pub(crate) fn differs_by_null(&self, left: usize, right: usize) -> Option<bool> {
        let [a, b] = [(Side::Left, left), (Side::Right, right)].map(|(side, row)| self.lane(side).column.is_known(row));
        let silent = match self.nulls {
            Nulls::Equal => false,
            Nulls::LeftSilent => !a,
            Nulls::BothSilent => !a || !b,
        };
        (!a || !b).then_some(a != b && !silent)
    }

    /// Folds the value into a hash: the same for what is the same.
    pub(crate) fn fold(&self, hash: u64, place: Place) -> u64 {
        match self.value(place) {
            Value::Null => mix(hash, 1),
            Value::Int(int) | Value::Beyond(int) => fold_int(hash, int),
            Value::Float(float) => mix(hash, float.to_bits()),
            Value::Text(text) => mix_text(hash, text),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "both halves of the number are kept")]
pub(crate) fn fold_int(hash: u64, int: i128) -> u64 {
    mix(mix(hash, int as u64), (int >> 64) as u64)
}

/// NaN is close to NaN, an infinity to itself, 0.0 to -0.0.
#[inline]
#[expect(clippy::float_cmp, reason = "equal infinities have no difference")]
pub(crate) fn close(a: f64, b: f64, tolerance: f64) -> bool {
    a == b || (a - b).abs() <= tolerance || (a.is_nan() && b.is_nan())
}
