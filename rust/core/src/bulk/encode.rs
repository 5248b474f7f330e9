//! Rows as records, a block at a time and a column at a time, so that each loop reads one column and stays in the cache.

use tieout_wide::{Code, Scalar, pack, prefetch, scramble};

use super::column::Values;
use super::handle::Handle;
use super::layout::{Piece, WORDS_MAX};
use super::plan::{Carried, Coder, Plan};
use super::rows::Rows;
use super::spelling::{SPELLED_WORDS_MAX, Spelling};
use super::twin::{Lane, Twin};
use crate::column::{Text, of_view};
use crate::field::Side;
use crate::mix::mix;

/// Rows of a block.
pub(crate) const BLOCK: usize = 256;

type Row64 = [u64; BLOCK];

/// The records of some rows, word by word.
pub(crate) struct Block {
    /// Rows of one key have one handle. Its low bits are missing in word 0.
    pub(crate) handles: Row64,
    pub(crate) words: [Row64; WORDS_MAX],
    /// Not 0 where the key has a null: the row has no record.
    pub(crate) key_null: Row64,
    /// Not 0 where the key did not fit: the row has no record.
    pub(crate) key_misfit: Row64,
    /// Whether any of the two is set anywhere.
    pub(crate) has_special: bool,
    misfit: Row64,
    known: Row64,
}

impl Block {
    pub(crate) fn new() -> Box<Self> {
        let zeros = [0; BLOCK];
        Box::new(Self {
            handles: zeros,
            words: [zeros; WORDS_MAX],
            key_null: zeros,
            key_misfit: zeros,
            has_special: false,
            misfit: zeros,
            known: zeros,
        })
    }

    /// Encodes at most [`BLOCK`] rows of a side.
    pub(crate) fn encode(&mut self, (plan, keys): (&Plan<'_>, &[Twin<'_>]), side: Side, rows: Rows<'_>) {
        self.words[..plan.words].iter_mut().for_each(|word| word.fill(0));
        self.misfit.fill(0);
        self.encode_keys((plan, keys), side, rows);
        for field in &plan.fields {
            let known = read_known(field.twin.lane(side), rows, &mut self.known);
            if let Some(piece) = field.known {
                let (word, all) = (&mut self.words[piece.word], u64::from(!known).wrapping_neg());
                (0..rows.len()).for_each(|at| word[at] |= (all | self.known[at]) & 1 << piece.shift);
            }
            let known = known.then_some(&self.known);
            put(field, (side, rows, known), &mut self.words, &mut self.misfit);
        }
        let misfit = plan.misfit();
        let tail = self.words[plan.words - 1].iter_mut().zip(&self.misfit);
        for ((tail, &other), row) in tail.zip(rows.iter()) {
            *tail |= row as u64 | if other == 0 { 0 } else { misfit };
        }
    }

    /// Encodes the keys alone.
    pub(crate) fn encode_keys(&mut self, (plan, keys): (&Plan<'_>, &[Twin<'_>]), side: Side, rows: Rows<'_>) {
        self.has_special = false;
        self.handles.fill(0);
        self.key_misfit.fill(0);
        let nullable = keys.iter().any(|twin| twin.lane(side).column.has_nulls());
        if nullable {
            self.key_null.fill(0);
            for twin in keys {
                if read_known(twin.lane(side), rows, &mut self.known) {
                    self.key_null.iter_mut().zip(&self.known).for_each(|(null, known)| *null |= !known);
                }
            }
            self.has_special = self.key_null[..rows.len()].iter().any(|&null| null != 0);
        }
        let words = match plan.handle {
            Handle::Key => std::slice::from_mut(&mut self.handles),
            Handle::CarriedHash | Handle::Hash => &mut self.words,
        };
        for key in &plan.keys {
            let known = read_known(key.twin.lane(side), rows, &mut self.known).then_some(&self.known);
            put(key, (side, rows, known), words, &mut self.key_misfit);
        }
        match plan.handle {
            Handle::Key => scramble(&mut self.handles, plan.handle_bits),
            Handle::CarriedHash => {
                for word in &self.words[1..=plan.key_words] {
                    self.handles.iter_mut().zip(word).for_each(|(handle, word)| *handle = mix(*handle, *word));
                }
            }
            Handle::Hash => keys.iter().for_each(|twin| fold(twin, side, rows, &mut self.handles)),
        }
        self.has_special |= self.key_misfit[..rows.len()].iter().any(|&misfit| misfit != 0);
        if self.has_special && !nullable {
            self.key_null.fill(0);
        }
    }
}

fn fold(twin: &Twin<'_>, side: Side, rows: Rows<'_>, hashes: &mut Row64) {
    for (hash, row) in hashes.iter_mut().zip(rows.iter()) {
        *hash = twin.fold(*hash, (side, u32::try_from(row).expect("the number of rows was checked")));
    }
}

/// All bits set where the value is known; `false`, and nothing written, where every value of the column is.
fn read_known(lane: &Lane<'_>, rows: Rows<'_>, known: &mut Row64) -> bool {
    let column = lane.column;
    if !column.has_nulls() {
        return false;
    }
    if let (Some(bits), false) = (&column.validity, matches!(column.values, Values::Coded(..))) {
        known.iter_mut().zip(rows.iter()).for_each(|(known, row)| *known = u64::from(bits.get(row)).wrapping_neg());
    } else {
        known
            .iter_mut()
            .zip(rows.iter())
            .for_each(|(known, row)| *known = u64::from(column.is_known(row)).wrapping_neg());
    }
    true
}

type Some<'k> = (Side, Rows<'k>, Option<&'k Row64>);

/// Puts a column's codes into the words, and notes what did not fit.
fn put(column: &Carried<'_>, (side, rows, known): Some<'_>, words: &mut [Row64], misfit: &mut Row64) {
    let lane = column.twin.lane(side);
    match &column.coder {
        Coder::Number(number) => {
            let unsigned = column.twin.is_unsigned();
            let slot = Slot { code: number.code_at(column.pieces[0].shift), known };
            slot.put((&column.twin, lane, unsigned), (side, rows), &mut words[column.pieces[0].word], misfit);
        }
        Coder::Listed(texts, maps) => {
            let piece = column.pieces[0];
            let word = &mut words[piece.word];
            if let (Values::Text(plain), None) = (&lane.column.values, known)
                && let (Some((views, buffers)), Rows::Run(start, end)) = (plain.dense(), rows)
            {
                prefetch(&views[end..views.len().min(end + BLOCK)]);
                for ((word, misfit), &view) in word.iter_mut().zip(misfit).zip(&views[start..end]) {
                    let number = texts.number(of_view(view, buffers));
                    *word |= u64::from(number.unwrap_or(0)) << piece.shift;
                    *misfit |= u64::from(number.is_none());
                }
                return;
            }
            for (at, row) in rows.iter().enumerate() {
                if known.is_some_and(|known| known[at] == 0) {
                    continue;
                }
                let number = match &lane.column.values {
                    Values::Coded(codes, _) => Some(maps[side as usize][codes.place(row)]),
                    Values::Text(plain) => texts.number(plain.get(row)),
                    _ => None,
                };
                word[at] |= u64::from(number.unwrap_or(0)) << piece.shift;
                misfit[at] |= u64::from(number.is_none());
            }
        }
        Coder::Spelled(spelling) => spell((spelling, &column.pieces), lane, (rows, known), (words, misfit)),
    }
}

/// Puts a column's spelled texts into the words.
fn spell(
    (spelling, pieces): (&Spelling, &[Piece]),
    lane: &Lane<'_>,
    (rows, known): (Rows<'_>, Option<&Row64>),
    (words, misfit): (&mut [Row64], &mut Row64),
) {
    let (mut codes, mut odd) = ([[0; BLOCK]; SPELLED_WORDS_MAX], [0; BLOCK]);
    let to = (&mut codes[..pieces.len()], &mut odd);
    let known_rows = rows.iter().enumerate().map(|(at, row)| (known.is_none_or(|known| known[at] != 0), row));
    match &lane.column.values {
        Values::Text(texts) => match (texts.dense(), known) {
            (Some((views, buffers)), None) => {
                spelling.codes(rows.iter().map(|row| of_view(views[row], buffers)), to);
            }
            _ => spelling.codes(known_rows.map(|(known, row)| if known { texts.get(row) } else { Text::Null }), to),
        },
        Values::Coded(places, texts) => {
            let text = |(known, row)| if known { texts.get(places.place(row)) } else { Text::Null };
            spelling.codes(known_rows.map(text), to);
        }
        _ => odd.fill(1),
    }
    for at in 0..rows.len() {
        let known = known.map_or(u64::MAX, |known| known[at]);
        for (piece, codes) in pieces.iter().zip(&codes) {
            words[piece.word][at] |= (codes[at] & known) << piece.shift;
        }
        misfit[at] |= odd[at] & known;
    }
}

/// Where a column of numbers goes.
#[derive(Clone, Copy)]
struct Slot<'a> {
    code: Code,
    known: Option<&'a Row64>,
}

impl Slot<'_> {
    #[inline]
    fn put(
        self,
        (twin, lane, unsigned): (&Twin<'_>, &Lane<'_>, bool),
        (side, rows): (Side, Rows<'_>),
        word: &mut Row64,
        misfit: &mut Row64,
    ) {
        let at = rows;
        match &lane.column.values {
            Values::I8(values) if lane.factor == 1 => self.read(values, at, word, misfit),
            Values::I16(values) if lane.factor == 1 => self.read(values, at, word, misfit),
            Values::I32(values) if lane.factor == 1 => self.read(values, at, word, misfit),
            Values::I64(values) if lane.factor == 1 => self.read(values, at, word, misfit),
            Values::U8(values) if lane.factor == 1 => self.read(values, at, word, misfit),
            Values::U16(values) if lane.factor == 1 => self.read(values, at, word, misfit),
            Values::U32(values) if lane.factor == 1 => self.read(values, at, word, misfit),
            Values::U64(values) if lane.factor == 1 && unsigned => self.read(values, at, word, misfit),
            Values::F32(values) => self.read(values, at, word, misfit),
            Values::F64(values) => self.read(values, at, word, misfit),
            _ => self.pack_any(twin, unsigned, (side, rows), (word, misfit)),
        }
    }

    /// Packs the rows' values, and asks for those that come next: so many columns are more than the processor foresees.
    #[inline]
    fn read<T: Scalar>(self, values: &[T], rows: Rows<'_>, word: &mut Row64, misfit: &mut Row64) {
        match rows {
            Rows::Run(start, end) => {
                prefetch(&values[end..values.len().min(end + BLOCK)]);
                self.pack(&values[start..end], word, misfit);
            }
            Rows::Picked(&[]) => {}
            Rows::Picked(rows) => {
                let mut picked = [values[rows[0] as usize]; BLOCK];
                picked.iter_mut().zip(rows).for_each(|(value, &row)| *value = values[row as usize]);
                self.pack(&picked[..rows.len()], word, misfit);
            }
        }
    }

    #[inline]
    fn pack<T: Scalar>(self, values: &[T], word: &mut Row64, misfit: &mut Row64) {
        let rows = values.len();
        pack(values, self.known.map(|known| &known[..rows]), self.code, (&mut word[..rows], &mut misfit[..rows]));
    }

    /// Numbers that are wider, of another unit, or may be too large for their words.
    fn pack_any(
        self,
        twin: &Twin<'_>,
        unsigned: bool,
        (side, rows): (Side, Rows<'_>),
        (word, misfit): (&mut Row64, &mut Row64),
    ) {
        let mut values = [0; BLOCK];
        for (at, row) in rows.iter().enumerate() {
            let place = (side, u32::try_from(row).expect("the number of rows was checked"));
            match twin.word(unsigned, place) {
                Some(found) => values[at] = found,
                None => misfit[at] |= self.known.map_or(1, |known| known[at]),
            }
        }
        self.pack(&values[..rows.len()], word, misfit);
    }
}

/// The text of a record's key or field has its bytes inline or elsewhere.
impl Text<'_> {
    #[inline]
    pub(crate) fn with_bytes<T>(&self, take: impl FnOnce(&[u8]) -> T) -> T {
        match self {
            Self::Null => take(&[]),
            #[expect(clippy::cast_possible_truncation, reason = "the low 32 bits are the length")]
            Self::Short(word) => take(&word.to_le_bytes()[4..][..*word as u32 as usize]),
            Self::Long(bytes) => take(bytes),
        }
    }
}
