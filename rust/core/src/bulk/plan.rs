//! What is carried with each row, and where: decided once for both sides, from a sample.
//!
//! A row becomes a record of a few 64-bit words. Word 0 is its handle: equal keys have equal handles. Then come the bits
//! of the compared fields. The last word has the row's number in its low 32 bits, and above it a bit that says that some
//! field did not fit.

use super::coder::{Number, Words, bits};
use super::column::{Class, Values};
use super::spelling::{SPELLED_WORDS_MAX, Spelling};
use super::twin::{Twin, Value};
use crate::field::{Place, Side};

/// The most words of a record.
pub(crate) const WORDS_MAX: usize = 8;
/// Of the last word: says that a field of the row did not fit.
pub(crate) const MISFIT: u64 = 1 << 32;
/// Of the last word: the bits that belong to no field.
pub(crate) const TAIL_TAKEN: u32 = 33;
/// Rows that the plan looks at, on each side.
const SAMPLE_ROWS: usize = 2048;
/// Dictionaries of more texts are not numbered anew.
const DICTIONARY_MAX: usize = 1 << 16;
/// Most words that the key may take, if it is carried.
const KEY_WORDS_MAX: usize = 3;

/// Bits of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) word: usize,
    pub(crate) shift: u32,
    pub(crate) width: u32,
}

impl Piece {
    fn mask(self) -> u64 {
        u64::MAX >> (u64::BITS - self.width) << self.shift
    }
}

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

/// What equal handles mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handle {
    /// The same key.
    Key,
    /// The same hash of the key, whose own bits are carried too.
    CarriedHash,
    /// The same hash of the key, which is looked up.
    Hash,
}

/// The layout of a record.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) handle: Handle,
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

impl<'a> Plan<'a> {
    /// The layout for these keys and fields; without `carry`, the key is hashed whatever it is.
    pub(crate) fn new(keys: &[Twin<'a>], fields: &[Twin<'a>], carry: bool) -> Self {
        let (handle, keys, key_words) = if carry { plan_keys(keys) } else { (Handle::Hash, Vec::new(), 0) };
        let mut layout = Layout::new(1 + key_words);
        let mut plan = Self {
            handle,
            keys,
            fields: Vec::new(),
            words: 0,
            key_words,
            field_bits: Vec::new(),
            left_out: Vec::new(),
        };
        let mut wanted: Vec<(usize, Coder<'a>, Vec<u32>)> = Vec::new();
        for (at, twin) in fields.iter().enumerate() {
            match coder(twin) {
                Some((coder, widths)) => wanted.push((at, coder, widths)),
                None => plan.left_out.push(at),
            }
        }
        wanted.sort_by_key(|(_, _, widths)| std::cmp::Reverse(widths.iter().copied().max()));
        for (at, coder, widths) in wanted {
            let Some((pieces, known)) = layout.place(&widths, fields[at].has_nulls()) else {
                plan.left_out.push(at);
                continue;
            };
            let bit = u32::try_from(at).expect("at most 64 fields");
            plan.field_bits.extend(pieces.iter().chain(&known).map(|piece| (bit, piece.word, piece.mask())));
            plan.fields.push(Carried { twin: fields[at], coder, pieces, known });
        }
        plan.left_out.sort_unstable();
        plan.words = layout.close(&mut plan.fields, &mut plan.field_bits);
        plan.field_bits.sort_unstable();
        plan
    }

    /// The field bits of each word.
    pub(crate) fn field_masks(&self) -> [u64; WORDS_MAX] {
        let mut masks = [0; WORDS_MAX];
        for &(_, word, mask) in &self.field_bits {
            masks[word] |= mask;
        }
        masks
    }
}

/// Places that are given out, word by word. The last word of a record is called `TAIL` until it is known.
struct Layout {
    first: usize,
    used: Vec<u32>,
    tail: u32,
}

const TAIL: usize = usize::MAX;

impl Layout {
    fn new(first: usize) -> Self {
        Self { first, used: Vec::new(), tail: TAIL_TAKEN }
    }

    /// Places of these widths, and of one bit more where asked for; `None` where a record has no such room.
    fn place(&mut self, widths: &[u32], known: bool) -> Option<(Vec<Piece>, Option<Piece>)> {
        let before = (self.used.clone(), self.tail);
        let pieces: Option<Vec<Piece>> = widths.iter().map(|&width| self.piece(width)).collect();
        let flag = if known { self.piece(1).map(Some) } else { Some(None) };
        if let (Some(pieces), Some(flag)) = (pieces, flag) {
            return Some((pieces, flag));
        }
        (self.used, self.tail) = before;
        None
    }

    /// The fullest word that has the room.
    fn piece(&mut self, width: u32) -> Option<Piece> {
        let words = self.used.iter_mut().enumerate().map(|(at, used)| (self.first + at, used));
        let all = words.chain(std::iter::once((TAIL, &mut self.tail)));
        let fullest = all.filter(|(_, used)| **used + width <= u64::BITS).max_by_key(|(_, used)| **used);
        if let Some((word, used)) = fullest {
            *used += width;
            return Some(Piece { word, shift: *used - width, width });
        }
        if self.first + self.used.len() + 1 >= WORDS_MAX {
            return None;
        }
        self.used.push(width);
        Some(Piece { word: self.first + self.used.len() - 1, shift: 0, width })
    }

    /// The words of a record, of which there are kinds enough; names the last word.
    fn close(&self, fields: &mut [Carried<'_>], bits: &mut [(u32, usize, u64)]) -> usize {
        let words = match self.first + self.used.len() + 1 {
            few @ ..=4 => few,
            5 | 6 => 6,
            _ => WORDS_MAX,
        };
        let name = |word: &mut usize| *word = if *word == TAIL { words - 1 } else { *word };
        for (_, word, _) in bits.iter_mut() {
            name(word);
        }
        let pieces = fields.iter_mut().flat_map(|field| field.pieces.iter_mut().chain(&mut field.known));
        pieces.for_each(|piece| name(&mut piece.word));
        words
    }
}

/// Carries the key where it fits: in the handle itself, or beside a hash of it. Rows without a whole key have no record.
fn plan_keys<'a>(keys: &[Twin<'a>]) -> (Handle, Vec<Carried<'a>>, usize) {
    if let [twin] = keys
        && !matches!(twin.class(), Class::Text | Class::Binary)
    {
        let coder = Coder::Number(Number::whole(!twin.is_unsigned()));
        let whole = Piece { word: 0, shift: 0, width: u64::BITS };
        return (Handle::Key, vec![Carried { twin: *twin, coder, pieces: vec![whole], known: None }], 0);
    }
    let coders: Option<Vec<(Coder<'a>, Vec<u32>)>> = keys.iter().map(coder_of_key).collect();
    let Some(mut coders) = coders else { return (Handle::Hash, Vec::new(), 0) };
    let total: u32 = coders.iter().flat_map(|(_, widths)| widths).sum();
    let (handle, first) = if total <= u64::BITS { (Handle::Key, 0) } else { (Handle::CarriedHash, 1) };
    if handle == Handle::Key {
        spend(keys, &mut coders, u64::BITS - total);
    }
    let mut carried = Vec::with_capacity(keys.len());
    let (mut word, mut room) = (first, u64::BITS);
    for (twin, (coder, widths)) in keys.iter().zip(coders) {
        let mut pieces = Vec::with_capacity(widths.len());
        for width in widths {
            if width > room {
                (word, room) = (word + 1, u64::BITS);
            }
            // From the top, so that sorted keys have sorted handles.
            room -= width;
            pieces.push(Piece { word, shift: room, width });
        }
        carried.push(Carried { twin: *twin, coder, pieces, known: None });
    }
    let key_words = if handle == Handle::Key { 0 } else { word };
    if key_words > KEY_WORDS_MAX { (Handle::Hash, Vec::new(), 0) } else { (handle, carried, key_words) }
}

/// Gives the bits that are left to the numbers, so that hardly any number does not fit.
fn spend(keys: &[Twin<'_>], coders: &mut [(Coder<'_>, Vec<u32>)], bits: u32) {
    let numbers = coders.iter().filter(|(coder, _)| matches!(coder, Coder::Number(_))).count();
    let Ok(numbers @ 1..) = u32::try_from(numbers) else { return };
    for (twin, (coder, widths)) in keys.iter().zip(coders) {
        if let Coder::Number(number) = coder {
            let width = (widths[0] + bits / numbers).min(u64::BITS);
            *number = Number::around(&sample_words(twin), !twin.is_unsigned(), width);
            widths[0] = width;
        }
    }
}

fn coder_of_key<'a>(twin: &Twin<'a>) -> Option<(Coder<'a>, Vec<u32>)> {
    if matches!(twin.class(), Class::Text | Class::Binary) {
        return coder(twin);
    }
    let words = sample_words(twin);
    let width = Number::of(&words, !twin.is_unsigned()).width;
    // Without a divisor: a key that is no multiple is as likely as any.
    let spread = words.iter().max().zip(words.iter().min()).map_or(1, |(high, low)| bits(high.wrapping_sub(*low)) + 1);
    let width = width.max(spread).min(u64::BITS);
    Some((Coder::Number(Number::around(&words, !twin.is_unsigned(), width)), vec![width]))
}

/// The best coder for a column and the widths of its codes.
fn coder<'a>(twin: &Twin<'a>) -> Option<(Coder<'a>, Vec<u32>)> {
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

fn sample_words(twin: &Twin<'_>) -> Vec<u64> {
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
