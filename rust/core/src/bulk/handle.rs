//! What stands for a row's key: how many bits of it, and where the rest is.

use super::coder::{Number, bits};
use super::column::Class;
use super::layout::{Piece, Size, spread};
use super::plan::{Carried, Coder, coder, sample_words};
use super::twin::Twin;

/// Most words that the key may take, if it is carried.
const KEY_WORDS_MAX: usize = 3;

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

/// How much of a key a handle has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// As many bits as a sample needs, if that makes records smaller.
    Narrow,
    /// As many bits as there are.
    Whole,
    /// A hash, whatever the key is: it fits always.
    Hashed,
}

impl Effort {
    /// One after the other, until the keys fit.
    pub(crate) const ALL: [Self; 3] = [Self::Narrow, Self::Whole, Self::Hashed];
}

/// What a handle is made of.
pub(crate) struct Key<'a> {
    pub(crate) handle: Handle,
    pub(crate) bits: u32,
    pub(crate) carried: Vec<Carried<'a>>,
    pub(crate) words: usize,
    /// The widths of the codes.
    widths: Vec<Vec<u32>>,
}

impl<'a> Key<'a> {
    pub(crate) fn hashed() -> Self {
        Self { handle: Handle::Hash, bits: u64::BITS, carried: Vec::new(), words: 0, widths: Vec::new() }
    }

    /// Carries the key where it fits: in the handle itself, or beside a hash of it. Rows without a whole key have no
    /// record.
    pub(crate) fn new(keys: &[Twin<'a>], effort: Effort, size: Size) -> Self {
        if effort == Effort::Hashed {
            return Self::hashed();
        }
        if let ([twin], Effort::Whole) = (keys, effort)
            && !matches!(twin.class(), Class::Text | Class::Binary)
        {
            let coder = Coder::Number(Number::whole(!twin.is_unsigned()));
            let whole = Piece { word: 0, shift: 0, width: u64::BITS };
            let carried = vec![Carried { twin: *twin, coder, pieces: vec![whole], known: None }];
            return Self { handle: Handle::Key, bits: u64::BITS, carried, words: 0, widths: vec![vec![u64::BITS]] };
        }
        let coders: Option<Vec<(Coder<'a>, Vec<u32>)>> = keys.iter().map(coder_of_key).collect();
        let Some(mut coders) = coders else { return Self::hashed() };
        let total: u32 = coders.iter().flat_map(|(_, widths)| widths).sum();
        let handle = if total <= u64::BITS { Handle::Key } else { Handle::CarriedHash };
        if handle == Handle::Key && effort == Effort::Whole {
            spend(keys, coders.iter_mut().map(|(coder, widths)| (coder, widths)), u64::BITS - total);
        }
        let (coders, widths): (Vec<_>, Vec<_>) = coders.into_iter().unzip();
        let (places, words) = spread(&widths, usize::from(handle == Handle::CarriedHash));
        let carried = keys.iter().zip(coders).zip(places);
        let carried =
            carried.map(|((twin, coder), pieces)| Carried { twin: *twin, coder, pieces, known: None }).collect();
        let bits = match (handle, effort) {
            (Handle::Key, Effort::Narrow) => total.max(size.part_bits + 1),
            _ => u64::BITS,
        };
        if words > KEY_WORDS_MAX { Self::hashed() } else { Self { handle, bits, carried, words, widths } }
    }

    /// Takes so many bits more, so that more numbers fit than the sample's.
    pub(crate) fn widen(&mut self, keys: &[Twin<'_>], spare: u32) {
        if self.handle != Handle::Key {
            return;
        }
        self.bits += spare;
        let total: u32 = self.widths.iter().flatten().sum();
        let numbers = self.carried.iter_mut().map(|key| &mut key.coder).zip(&mut self.widths);
        spend(keys, numbers, self.bits - total);
        let (places, _) = spread(&self.widths, 0);
        self.carried.iter_mut().zip(places).for_each(|(key, pieces)| key.pieces = pieces);
    }
}

/// Gives the bits that are left to the numbers, so that hardly any number does not fit.
fn spend<'c, 'a: 'c>(
    keys: &[Twin<'_>],
    coders: impl Iterator<Item = (&'c mut Coder<'a>, &'c mut Vec<u32>)>,
    bits: u32,
) {
    let coders: Vec<_> = coders.collect();
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
