//! Which bits of which word of a record belong to what.

use super::coder::bits;
use super::handle::Key;

/// The most words of a record.
pub(crate) const WORDS_MAX: usize = 8;

/// Bits of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) word: usize,
    pub(crate) shift: u32,
    pub(crate) width: u32,
}

impl Piece {
    pub(crate) fn mask(self) -> u64 {
        u64::MAX >> (u64::BITS - self.width) << self.shift
    }
}

/// How many rows there are, and into how many parts they go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// The greater number of both sides.
    pub(crate) rows: usize,
    pub(crate) part_bits: u32,
}

impl Size {
    /// Bits of a row's number.
    pub(crate) fn row_bits(self) -> u32 {
        bits(self.rows as u64)
    }
}

/// Where a field goes, and the bit that says that it is known; `None` where there is no room for it.
pub(crate) type Placed = Option<(Vec<Piece>, Option<Piece>)>;

/// Places that are given out, word by word. The last word of a record is called `TAIL` until it is known.
pub(crate) struct Layout {
    /// Bits used of each word but the last, from the low ones up.
    used: Vec<u32>,
    tail: u32,
}

pub(crate) const TAIL: usize = usize::MAX;

impl Layout {
    pub(crate) fn new(key: &Key<'_>, size: Size) -> Self {
        let mut used = vec![key.bits - size.part_bits];
        used.extend((1..=key.words).map(|word| {
            let pieces = key.carried.iter().flat_map(|key| &key.pieces).filter(|piece| piece.word == word);
            pieces.map(|piece| piece.shift + piece.width).max().unwrap_or(0)
        }));
        Self { used, tail: size.row_bits() + 1 }
    }

    /// Places of these widths, and of one bit more where asked for; `None` where a record has no such room.
    pub(crate) fn place(&mut self, widths: &[u32], known: bool) -> Placed {
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
    pub(crate) fn piece(&mut self, width: u32) -> Option<Piece> {
        let words = self.used.iter_mut().enumerate();
        let all = words.chain(std::iter::once((TAIL, &mut self.tail)));
        let fullest = all.filter(|(_, used)| **used + width <= u64::BITS).max_by_key(|(_, used)| **used);
        if let Some((word, used)) = fullest {
            *used += width;
            return Some(Piece { word, shift: *used - width, width });
        }
        if self.used.len() + 1 >= WORDS_MAX {
            return None;
        }
        self.used.push(width);
        Some(Piece { word: self.used.len() - 1, shift: 0, width })
    }

    /// The words of a record, of which there are kinds enough.
    pub(crate) fn words(&self) -> usize {
        match self.used.len() + 1 {
            few @ ..=4 => few,
            5 | 6 => 6,
            _ => WORDS_MAX,
        }
    }

    /// Moves the fields of word 0 to its top, so that the handle gets what is left, but at most so much.
    pub(crate) fn close_up(&mut self, places: &mut [Placed], most: u32) -> u32 {
        let spare = (u64::BITS - self.used[0]).min(most);
        let pieces = places.iter_mut().flatten().flat_map(|(pieces, known)| pieces.iter_mut().chain(known));
        pieces.filter(|piece| piece.word == 0).for_each(|piece| piece.shift += spare);
        self.used[0] += spare;
        spare
    }
}

/// Places of codes of these widths, from the low bits of that word up, and the last word they take.
pub(crate) fn spread(widths: &[Vec<u32>], first: usize) -> (Vec<Vec<Piece>>, usize) {
    let (mut word, mut used) = (first, 0);
    let mut place = |&width: &u32| {
        if used + width > u64::BITS {
            (word, used) = (word + 1, 0);
        }
        used += width;
        Piece { word, shift: used - width, width }
    };
    let places = widths.iter().map(|widths| widths.iter().map(&mut place).collect()).collect();
    (places, word)
}
