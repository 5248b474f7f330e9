//! What is carried with each row, and where: decided once for both sides, from a sample.
//!
//! A row becomes a record of a few 64-bit words. Equal keys have equal handles; the handle's top bits say the record's
//! part, and the others are the low bits of word 0. The last word has the row's number in its low bits, and above it a
//! bit that says that some field did not fit. The bits of the compared fields are wherever there is room.

use super::coder::{Number, Words, bits};
use super::column::{Class, Values};
use super::handle::{Effort, Handle, Key};
use super::layout::{Layout, Piece, Placed, Size, TAIL, WORDS_MAX};
use super::spelling::{SPELLED_WORDS_MAX, Spelling};
use super::twin::{Twin, Value};
use crate::field::{Place, Side};

/// Rows that the plan looks at, on each side.
const SAMPLE_ROWS: usize = 2048;
/// Dictionaries of more texts are not numbered anew.
const DICTIONARY_MAX: usize = 1 << 16;

/// How a column's values become bits.
#[derive(Debug)]
pub(crate) enum Coder<'a> {
    Number(Number),
    /// Texts by number; for each side with a dictionary, the numbers of its texts.
    Listed(Words<'a>, [Vec<u32>; 2]),
    Spelled(Spelling),
}

/// A column that is carried.
#[derive(Debug)]
pub(crate) struct Carried<'a> {
    pub(crate) twin: Twin<'a>,
    pub(crate) coder: Coder<'a>,
    pub(crate) pieces: Vec<Piece>,
    /// One bit that says that the value is known, where some are not.
    pub(crate) known: Option<Piece>,
}

/// The layout of a record.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) handle: Handle,
    /// Bits of a handle, of which the first say the part.
    pub(crate) handle_bits: u32,
    pub(crate) size: Size,
    pub(crate) keys: Vec<Carried<'a>>,
    pub(crate) fields: Vec<Carried<'a>>,
    /// Words of a record.
    pub(crate) words: usize,
    /// Words of the key itself after word 0.
    pub(crate) key_words: usize,
    /// Field, word and bits, by field.
    pub(crate) field_bits: Vec<(u32, usize, u64)>,
    /// Fields that are not carried.
    pub(crate) left_out: Vec<usize>,
}

/// A field that may be carried: its number, its code, and the widths of that.
type Wanted<'a> = (usize, Coder<'a>, Vec<u32>);

impl<'a> Plan<'a> {
    /// The layout for these keys and fields.
    pub(crate) fn new(keys: &[Twin<'a>], fields: &[Twin<'a>], effort: Effort, size: Size) -> Self {
        let mut wanted: Vec<Wanted<'a>> = Vec::new();
        let mut left_out = Vec::new();
        for (at, twin) in fields.iter().enumerate() {
            match coder(twin) {
                Some((coder, widths)) => wanted.push((at, coder, widths)),
                None => left_out.push(at),
            }
        }
        wanted.sort_by_key(|(_, _, widths)| std::cmp::Reverse(widths.iter().copied().max()));
        let arrange = |key: &Key<'a>| {
            let mut layout = Layout::new(key, size);
            let place = |(at, _, widths): &Wanted<'a>| layout.place(widths, fields[*at].has_nulls());
            let places: Vec<Placed> = wanted.iter().map(place).collect();
            (layout, places)
        };
        let mut key = Key::new(keys, effort, size);
        let (mut layout, mut places) = arrange(&key);
        if effort == Effort::Narrow {
            let whole = Key::new(keys, Effort::Whole, size);
            let other = arrange(&whole);
            if other.0.words() <= layout.words() {
                (key, (layout, places)) = (whole, other);
            } else {
                let spare = layout.close_up(&mut places, u64::BITS - key.bits);
                key.widen(keys, spare);
            }
        }
        let mut plan = Self {
            handle: key.handle,
            handle_bits: key.bits,
            size,
            keys: key.carried,
            fields: Vec::new(),
            words: layout.words(),
            key_words: key.words,
            field_bits: Vec::new(),
            left_out,
        };
        for ((at, coder, _), place) in wanted.into_iter().zip(places) {
            let Some((mut pieces, mut known)) = place else {
                plan.left_out.push(at);
                continue;
            };
            for piece in pieces.iter_mut().chain(&mut known) {
                piece.word = if piece.word == TAIL { plan.words - 1 } else { piece.word };
            }
            let bit = u32::try_from(at).expect("at most 64 fields");
            plan.field_bits.extend(pieces.iter().chain(&known).map(|piece| (bit, piece.word, piece.mask())));
            plan.fields.push(Carried { twin: fields[at], coder, pieces, known });
        }
        plan.left_out.sort_unstable();
        plan.field_bits.sort_unstable();
        plan
    }

    /// Bits of a handle that are in its record.
    pub(crate) fn kept_bits(&self) -> u32 {
        self.handle_bits - self.size.part_bits
    }

    /// The bits of word 0 that are the handle's.
    pub(crate) fn handle_mask(&self) -> u64 {
        u64::MAX >> (u64::BITS - self.kept_bits())
    }

    /// The bits of the last word that are the row's number.
    pub(crate) fn row_mask(&self) -> u64 {
        u64::MAX >> (u64::BITS - self.size.row_bits())
    }

    /// Of the last word: says that a field of the row did not fit.
    pub(crate) fn misfit(&self) -> u64 {
        1 << self.size.row_bits()
    }

    /// The field bits of each word.
    pub(crate) fn field_masks(&self) -> [u64; WORDS_MAX] {
        let mut masks = [0; WORDS_MAX];
        for &(_, word, mask) in &self.field_bits {
            masks[word] |= mask;
        }
        masks
    }

    /// The bits of each word that are a key's beside the handle.
    pub(crate) fn key_masks(&self) -> [u64; WORDS_MAX] {
        let mut masks = [0; WORDS_MAX];
        if self.handle == Handle::CarriedHash {
            self.keys.iter().flat_map(|key| &key.pieces).for_each(|piece| masks[piece.word] |= piece.mask());
        }
        masks
    }
}

/// The best coder for a column and the widths of its codes.
pub(crate) fn coder<'a>(twin: &Twin<'a>) -> Option<(Coder<'a>, Vec<u32>)> {
    if !matches!(twin.class(), Class::Text | Class::Binary) {
        let number = match twin.class() {
            Class::Bool => Number::around(&[0, 1], false, 1),
            _ => Number::of(&sample_words(twin), !twin.is_unsigned()),
        };
        return Some((Coder::Number(number), vec![number.width]));
    }
    let texts: Vec<_> = sample(twin).filter_map(|place| text(twin, place)).collect();
    listed(twin, &texts).or_else(|| {
        let bytes: Vec<Vec<u8>> = texts.iter().map(|text| text.with_bytes(<[u8]>::to_vec)).collect();
        let spelling = Spelling::of(&bytes.iter().map(Vec::as_slice).collect::<Vec<_>>(), SPELLED_WORDS_MAX)?;
        let widths = spelling.widths.clone();
        Some((Coder::Spelled(spelling), widths.into_iter().map(|width| width.max(1)).collect()))
    })
}

/// Numbers for texts, where there are few of them.
fn listed<'a>(twin: &Twin<'a>, sample: &[crate::column::Text<'a>]) -> Option<(Coder<'a>, Vec<u32>)> {
    let mut words = Words::new();
    let mut maps = [Vec::new(), Vec::new()];
    let mut plain = false;
    for side in [Side::Left, Side::Right] {
        match &twin.lane(side).column.values {
            Values::Coded(_, texts) if texts.len() > DICTIONARY_MAX => return None,
            // An unknown text of a dictionary has a number, which no row shows.
            Values::Coded(_, texts) => {
                maps[side as usize] = (0..texts.len()).map(|at| words.add(texts.get(at))).collect();
            }
            _ => plain = true,
        }
    }
    if plain {
        for &text in sample {
            words.add(text);
        }
        if words.len() > 4 && words.len() * 8 > sample.len() {
            return None;
        }
    }
    let width = bits(words.len() as u64);
    Some((Coder::Listed(words, maps), vec![width]))
}

fn text<'a>(twin: &Twin<'a>, place: Place) -> Option<crate::column::Text<'a>> {
    match twin.value(place) {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

pub(crate) fn sample_words(twin: &Twin<'_>) -> Vec<u64> {
    let unsigned = twin.is_unsigned();
    sample(twin).filter_map(|place| twin.word(unsigned, place)).collect()
}

/// Rows of both sides at equal distances, the first and the last among them.
fn sample(twin: &Twin<'_>) -> impl Iterator<Item = Place> {
    [Side::Left, Side::Right].into_iter().flat_map(|side| {
        let rows = twin.lane(side).column.len();
        let count = rows.min(SAMPLE_ROWS);
        (0..count).map(move |n| {
            let row = if count > 1 { n * (rows - 1) / (count - 1) } else { 0 };
            (side, u32::try_from(row).expect("the number of rows was checked"))
        })
    })
}
