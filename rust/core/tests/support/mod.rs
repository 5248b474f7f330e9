#![allow(dead_code, reason = "each test takes the part of it that it needs")]
//! Orders as rows, and rows as the columns that the kernel takes, in any of the three text layouts.

use tieout_core::column::{Bits, Bools, Ints, Texts};
use tieout_core::matching::Contracts;
use tieout_core::{Fields, Orders};

/// One order. `None` is null.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Row {
    pub account: Option<String>,
    pub perm_id: Option<i64>,
    pub order_ref: Option<String>,
    pub client_id: Option<i64>,
    pub order_id: Option<i64>,
    pub session: Option<String>,
    pub con_id: Option<i64>,
    pub symbol: Option<String>,
    pub sec_type: Option<String>,
    pub expiry: Option<String>,
    pub strike_e8: Option<i64>,
    pub right: Option<String>,
    pub multiplier_e8: Option<i64>,
    pub currency: Option<String>,
    pub local_symbol: Option<String>,
    pub trading_class: Option<String>,
    pub side: Option<String>,
    pub quantity_e8: Option<i64>,
    pub order_type: Option<String>,
    pub limit_price_e8: Option<i64>,
    pub stop_price_e8: Option<i64>,
    pub tif: Option<String>,
    pub status: Option<String>,
    pub filled_quantity_e8: Option<i64>,
    pub placed_ns: Option<i64>,
    pub inexact: bool,
}

impl Row {
    /// As `live` follows from the status.
    pub fn live(&self) -> Option<bool> {
        self.status.as_deref().map(|status| matches!(status, "Submitted" | "PreSubmitted"))
    }
}

/// Where the bytes of a text column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    Small,
    Large,
    Views,
}

/// The columns of rows.
pub struct Frame {
    texts: Vec<TextColumn>,
    ints: Vec<IntColumn>,
    live: (Vec<u8>, Vec<u8>),
    inexact: Vec<u8>,
    len: usize,
}

const TEXTS: [fn(&Row) -> Option<&str>; 14] = [
    |row| row.account.as_deref(),
    |row| row.order_ref.as_deref(),
    |row| row.session.as_deref(),
    |row| row.symbol.as_deref(),
    |row| row.sec_type.as_deref(),
    |row| row.expiry.as_deref(),
    |row| row.right.as_deref(),
    |row| row.currency.as_deref(),
    |row| row.local_symbol.as_deref(),
    |row| row.trading_class.as_deref(),
    |row| row.side.as_deref(),
    |row| row.status.as_deref(),
    |row| row.order_type.as_deref(),
    |row| row.tif.as_deref(),
];

const INTS: [fn(&Row) -> Option<i64>; 11] = [
    |row| row.perm_id,
    |row| row.client_id,
    |row| row.order_id,
    |row| row.con_id,
    |row| row.strike_e8,
    |row| row.multiplier_e8,
    |row| row.quantity_e8,
    |row| row.limit_price_e8,
    |row| row.stop_price_e8,
    |row| row.placed_ns,
    |row| row.filled_quantity_e8,
];

impl Frame {
    pub fn new(rows: &[Row], layout: Layout) -> Self {
        Self {
            texts: TEXTS.iter().map(|get| TextColumn::new(rows.iter().map(get), layout)).collect(),
            ints: INTS.iter().map(|get| IntColumn::new(rows.iter().map(get))).collect(),
            live: (
                bitmap(rows.iter().map(|row| row.live() == Some(true))),
                bitmap(rows.iter().map(|row| row.live().is_some())),
            ),
            inexact: bitmap(rows.iter().map(|row| row.inexact)),
            len: rows.len(),
        }
    }

    pub fn orders(&self) -> Orders<'_> {
        let text = |at: usize| self.texts[at].view();
        let int = |at: usize| self.ints[at].view();
        let contract = Contracts {
            con_id: int(3),
            symbol: text(3),
            sec_type: text(4),
            expiry: text(5),
            strike_e8: int(4),
            right: text(6),
            multiplier_e8: int(5),
            currency: text(7),
            local_symbol: text(8),
            trading_class: text(9),
        };
        Orders {
            account: text(0),
            perm_id: int(0),
            order_ref: text(1),
            client_id: int(1),
            order_id: int(2),
            session: text(2),
            contract,
            side: text(10),
            quantity_e8: int(6),
            limit_price_e8: int(7),
            stop_price_e8: int(8),
            status: text(11),
            placed_ns: int(9),
            live: Bools::new(self.bits(&self.live.0), Some(self.bits(&self.live.1))),
            inexact: Bools::new(self.bits(&self.inexact), None),
        }
    }

    pub fn fields(&self) -> Fields<'_> {
        let text = |at: usize| self.texts[at].view();
        let int = |at: usize| self.ints[at].view();
        Fields {
            status: text(11),
            quantity_e8: int(6),
            order_type: text(12),
            limit_price_e8: int(7),
            stop_price_e8: int(8),
            tif: text(13),
            filled_quantity_e8: int(10),
            perm_id: int(0),
        }
    }

    fn bits<'a>(&self, bytes: &'a [u8]) -> Bits<'a> {
        Bits::new(bytes, BIT_OFFSET, self.len)
    }
}

/// Every bitmap starts in the middle of a byte, as those of a slice of a frame do.
const BIT_OFFSET: usize = 3;

fn bitmap(bits: impl ExactSizeIterator<Item = bool>) -> Vec<u8> {
    let mut bytes = vec![0; (bits.len() + BIT_OFFSET).div_ceil(8)];
    for (row, bit) in bits.enumerate() {
        let at = row + BIT_OFFSET;
        bytes[at / 8] |= u8::from(bit) << (at % 8);
    }
    bytes
}

/// The bitmap of what is known; none where everything is, as Arrow has it.
fn known(bits: impl ExactSizeIterator<Item = bool> + Clone) -> Option<Vec<u8>> {
    (!bits.clone().all(|known| known)).then(|| bitmap(bits))
}

struct IntColumn {
    values: Vec<i64>,
    known: Option<Vec<u8>>,
}

impl IntColumn {
    fn new(values: impl ExactSizeIterator<Item = Option<i64>> + Clone) -> Self {
        // What a null slot holds means nothing: a value that would show if it were read.
        Self { known: known(values.clone().map(|v| v.is_some())), values: values.map(|v| v.unwrap_or(1)).collect() }
    }

    fn view(&self) -> Ints<'_> {
        Ints::new(&self.values, self.known.as_ref().map(|known| Bits::new(known, BIT_OFFSET, self.values.len())))
    }
}

struct TextColumn {
    layout: Layout,
    bytes: Vec<u8>,
    small: Vec<i32>,
    large: Vec<i64>,
    views: Vec<u128>,
    known: Option<Vec<u8>>,
}

impl TextColumn {
    fn new<'a>(values: impl ExactSizeIterator<Item = Option<&'a str>> + Clone, layout: Layout) -> Self {
        let mut column = Self {
            layout,
            bytes: Vec::new(),
            small: vec![0],
            large: vec![0],
            views: Vec::new(),
            known: known(values.clone().map(|value| value.is_some())),
        };
        for value in values {
            column.views.push(view(value.unwrap_or("rubbish"), column.bytes.len()));
            column.bytes.extend(value.unwrap_or("rubbish").bytes());
            column.small.push(i32::try_from(column.bytes.len()).expect("a small test"));
            column.large.push(i64::try_from(column.bytes.len()).expect("a small test"));
        }
        column
    }

    fn view(&self) -> Texts<'_> {
        let known = self.known.as_ref().map(|known| Bits::new(known, BIT_OFFSET, self.views.len()));
        match self.layout {
            Layout::Small => Texts::small(&self.small, &self.bytes, known),
            Layout::Large => Texts::large(&self.large, &self.bytes, known),
            Layout::Views => Texts::views(&self.views, vec![&[], &self.bytes], known),
        }
    }
}

/// A view into buffer 1.
fn view(text: &str, offset: usize) -> u128 {
    let mut word = [0_u8; 16];
    word[..4].copy_from_slice(&u32::try_from(text.len()).expect("a small test").to_le_bytes());
    if text.len() <= 12 {
        word[4..4 + text.len()].copy_from_slice(text.as_bytes());
    } else {
        word[4..8].copy_from_slice(&text.as_bytes()[..4]);
        word[8..12].copy_from_slice(&1_u32.to_le_bytes());
        word[12..].copy_from_slice(&u32::try_from(offset).expect("a small test").to_le_bytes());
    }
    u128::from_le_bytes(word)
}
