#![allow(dead_code, reason = "each test takes the part of it that it needs")]
//! Columns of any kind from plain values, and what the bulk diff should answer, told the slow and obvious way.

use std::collections::BTreeMap;

use tieout_core::bulk::{Class, Column, Diff, Request, Values};
use tieout_core::column::{Bits, Texts};

/// A value. Numbers are in the column's own unit.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Null,
    Int(i128),
    Float(f64),
    Text(String),
}

/// How a column is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Decimal(u32),
    F32,
    F64,
    Bool,
    Small,
    Large,
    Views,
    Coded,
    Instant(u32),
}

/// Owned storage of a column.
#[derive(Debug)]
pub struct Store {
    pub cells: Vec<Cell>,
    pub kind: Kind,
    ints: Vec<i128>,
    i8s: Vec<i8>,
    i16s: Vec<i16>,
    i32s: Vec<i32>,
    i64s: Vec<i64>,
    u8s: Vec<u8>,
    u16s: Vec<u16>,
    u32s: Vec<u32>,
    u64s: Vec<u64>,
    f32s: Vec<f32>,
    f64s: Vec<f64>,
    bits: Vec<u8>,
    known: Option<Vec<u8>>,
    bytes: Vec<u8>,
    small: Vec<i32>,
    large: Vec<i64>,
    views: Vec<u128>,
    codes: Vec<u8>,
}

/// Bitmaps start in the middle of a byte, as those of a slice of a frame do.
const BIT_OFFSET: usize = 3;

fn bitmap(bits: &[bool]) -> Vec<u8> {
    let mut bytes = vec![0; (bits.len() + BIT_OFFSET).div_ceil(8)];
    for (row, &bit) in bits.iter().enumerate() {
        bytes[(row + BIT_OFFSET) / 8] |= u8::from(bit) << ((row + BIT_OFFSET) % 8);
    }
    bytes
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "cells fit their kind"
)]
impl Store {
    pub fn new(kind: Kind, cells: Vec<Cell>) -> Self {
        // What a null slot holds means nothing: values that would show if they were read.
        let ints: Vec<i128> = cells.iter().map(|cell| if let Cell::Int(int) = cell { *int } else { 1 }).collect();
        let floats: Vec<f64> = cells.iter().map(|cell| if let Cell::Float(n) = cell { *n } else { 1.5 }).collect();
        let texts: Vec<&str> = cells.iter().map(|cell| if let Cell::Text(t) = cell { t } else { "rubbish" }).collect();
        let is_known: Vec<bool> = cells.iter().map(|cell| *cell != Cell::Null).collect();
        let mut words: Vec<&str> = texts.clone();
        if kind == Kind::Coded {
            words.sort_unstable();
            words.dedup();
        }
        let place = |text| if kind == Kind::Coded { words.binary_search(text).unwrap_or(0) as u8 } else { 0 };
        let codes = texts.iter().map(place).collect();
        let (mut bytes, mut small, mut large, mut views) = (Vec::new(), vec![0], vec![0], Vec::new());
        for word in words {
            views.push(view(word, bytes.len()));
            bytes.extend(word.bytes());
            small.push(bytes.len() as i32);
            large.push(bytes.len() as i64);
        }
        Self {
            i8s: ints.iter().map(|&n| n as i8).collect(),
            i16s: ints.iter().map(|&n| n as i16).collect(),
            i32s: ints.iter().map(|&n| n as i32).collect(),
            i64s: ints.iter().map(|&n| n as i64).collect(),
            u8s: ints.iter().map(|&n| n as u8).collect(),
            u16s: ints.iter().map(|&n| n as u16).collect(),
            u32s: ints.iter().map(|&n| n as u32).collect(),
            u64s: ints.iter().map(|&n| n as u64).collect(),
            f32s: floats.iter().map(|&n| n as f32).collect(),
            f64s: floats,
            bits: bitmap(&ints.iter().map(|&n| n != 0).collect::<Vec<_>>()),
            known: is_known.contains(&false).then(|| bitmap(&is_known)),
            ints,
            cells,
            kind,
            bytes,
            small,
            large,
            views,
            codes,
        }
    }

    pub fn column(&self) -> Column<'_> {
        let rows = self.cells.len();
        let values = match self.kind {
            Kind::I8 => Values::I8(&self.i8s),
            Kind::I16 => Values::I16(&self.i16s),
            Kind::I32 => Values::I32(&self.i32s),
            Kind::I64 | Kind::Instant(_) => Values::I64(&self.i64s),
            Kind::U8 => Values::U8(&self.u8s),
            Kind::U16 => Values::U16(&self.u16s),
            Kind::U32 => Values::U32(&self.u32s),
            Kind::U64 => Values::U64(&self.u64s),
            Kind::Decimal(_) => Values::I128(&self.ints),
            Kind::F32 => Values::F32(&self.f32s),
            Kind::F64 => Values::F64(&self.f64s),
            Kind::Bool => Values::Bool(Bits::new(&self.bits, BIT_OFFSET, rows)),
            Kind::Small => Values::Text(Texts::small(&self.small, &self.bytes, None)),
            Kind::Large => Values::Text(Texts::large(&self.large, &self.bytes, None)),
            Kind::Views => Values::Text(Texts::views(&self.views, vec![&self.bytes], None)),
            Kind::Coded => {
                let texts = Texts::large(&self.large, &self.bytes, None);
                Values::Coded(Box::new(Values::U8(&self.codes)), texts)
            }
        };
        let known = self.known.as_ref().map(|known| Bits::new(known, BIT_OFFSET, rows));
        Column::new(values, known, (self.class(), self.digits()))
    }

    fn class(&self) -> Class {
        match self.kind {
            Kind::F32 | Kind::F64 => Class::Float,
            Kind::Bool => Class::Bool,
            Kind::Small | Kind::Large | Kind::Views | Kind::Coded => Class::Text,
            Kind::Instant(_) => Class::Instant,
            _ => Class::Number,
        }
    }

    fn digits(&self) -> u32 {
        match self.kind {
            Kind::Decimal(digits) | Kind::Instant(digits) => digits,
            _ => 0,
        }
    }

    /// What the cell stands for, as text: the same text for the same value.
    pub fn canonical(&self, row: usize) -> Option<String> {
        Some(match &self.cells[row] {
            Cell::Null => return None,
            Cell::Int(int) => {
                let whole = int * 10_i128.pow(9 - self.digits());
                if self.kind == Kind::Bool { (*int != 0).to_string() } else { whole.to_string() }
            }
            Cell::Float(float) if self.kind == Kind::F32 => f64::from(*float as f32).to_bits().to_string(),
            Cell::Float(float) => float.to_bits().to_string(),
            Cell::Text(text) => text.clone(),
        })
    }

    fn float(&self, row: usize) -> Option<f64> {
        match self.cells[row] {
            Cell::Float(float) if self.kind == Kind::F32 => Some(f64::from(float as f32)),
            Cell::Float(float) => Some(float),
            _ => None,
        }
    }
}

fn view(text: &str, offset: usize) -> u128 {
    let mut word = [0_u8; 16];
    word[..4].copy_from_slice(&u32::try_from(text.len()).expect("a small test").to_le_bytes());
    if text.len() <= 12 {
        word[4..4 + text.len()].copy_from_slice(text.as_bytes());
    } else {
        word[4..8].copy_from_slice(&text.as_bytes()[..4]);
        word[12..].copy_from_slice(&u32::try_from(offset).expect("a small test").to_le_bytes());
    }
    u128::from_le_bytes(word)
}

/// A side: its columns, the key first.
pub type Frame = Vec<Store>;

pub fn columns(frame: &Frame) -> Vec<Column<'_>> {
    frame.iter().map(Store::column).collect()
}

/// The answer with its pieces joined and its pairs sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub pairs: Vec<(u32, u32, u64)>,
    pub left_only: Vec<u32>,
    pub right_only: Vec<u32>,
    pub duplicate_left: Vec<u32>,
    pub duplicate_right: Vec<u32>,
    pub duplicate_keys: usize,
    pub null_left: Vec<u32>,
    pub null_right: Vec<u32>,
}

impl Answer {
    pub fn of(diff: &Diff) -> Self {
        let equal = diff.equal.iter().flat_map(|piece| piece.left.iter().zip(&piece.right));
        let mut pairs: Vec<(u32, u32, u64)> = equal.map(|(&left, &right)| (left, right, 0)).collect();
        assert_eq!(diff.equal_count, pairs.len());
        for piece in &diff.changed {
            assert!(!piece.masks.contains(&0));
            pairs.extend(piece.left.iter().zip(&piece.right).zip(&piece.masks).map(|((&l, &r), &mask)| (l, r, mask)));
        }
        pairs.sort_unstable();
        let diff = diff.clone();
        Self {
            pairs,
            left_only: diff.left_only,
            right_only: diff.right_only,
            duplicate_left: diff.duplicate_left,
            duplicate_right: diff.duplicate_right,
            duplicate_keys: diff.duplicate_keys,
            null_left: diff.null_left,
            null_right: diff.null_right,
        }
    }

    /// What the rules say.
    pub fn expected((left, right): (&Frame, &Frame), keys: usize, tolerances: &[Option<f64>]) -> Self {
        let mut answer = Self::default();
        let mut groups: BTreeMap<Vec<String>, [Vec<u32>; 2]> = BTreeMap::new();
        for (side, frame) in [left, right].into_iter().enumerate() {
            for row in 0..frame[0].cells.len() {
                let number = u32::try_from(row).expect("a small test");
                match frame[..keys].iter().map(|store| store.canonical(row)).collect::<Option<Vec<_>>>() {
                    Some(key) => groups.entry(key).or_default()[side].push(number),
                    None if side == 0 => answer.null_left.push(number),
                    None => answer.null_right.push(number),
                }
            }
        }
        for [lefts, rights] in groups.into_values() {
            match (lefts.as_slice(), rights.as_slice()) {
                (&[l], &[r]) => answer.pairs.push((l, r, mask((left, right), keys, (tolerances, l, r)))),
                (&[row], []) => answer.left_only.push(row),
                ([], &[row]) => answer.right_only.push(row),
                _ => {
                    answer.duplicate_keys += 1;
                    answer.duplicate_left.extend(lefts);
                    answer.duplicate_right.extend(rights);
                }
            }
        }
        answer.pairs.sort_unstable();
        for list in [&mut answer.left_only, &mut answer.right_only] {
            list.sort_unstable();
        }
        for list in [&mut answer.duplicate_left, &mut answer.duplicate_right] {
            list.sort_unstable();
        }
        answer
    }
}

#[expect(clippy::float_cmp, reason = "equal infinities have no difference")]
fn mask((left, right): (&Frame, &Frame), keys: usize, (tolerances, l, r): (&[Option<f64>], u32, u32)) -> u64 {
    let fields = left[keys..].iter().zip(&right[keys..]).enumerate();
    let differs = fields.map(|(bit, (a, b))| {
        let (l, r) = (l as usize, r as usize);
        let same = match (tolerances.get(bit).copied().flatten(), a.float(l), b.float(r)) {
            (Some(far), Some(x), Some(y)) => {
                x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan()) || x == y || (x - y).abs() <= far
            }
            _ => a.canonical(l) == b.canonical(r),
        };
        u64::from(!same) << bit
    });
    differs.sum()
}

pub fn request<'a>(left: &'a [Column<'a>], right: &'a [Column<'a>], keys: usize) -> Request<'a> {
    Request { left, right, keys, tolerances: &[], list_equal: true }
}
