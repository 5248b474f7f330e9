//! Texts letter by letter: each place of a text has the few letters that were seen there, in as few bits as say which.
//!
//! The code is injective on the texts that it accepts. Texts of one length whose places hold digits, hexadecimal letters
//! or always the same letter (execution ids are such) are spelled eight letters at a time, with the same result.

use tieout_wide::{Letters, Place, spell};

use super::coder::bits;
use super::encode::BLOCK;
use crate::column::Text;

/// The letters of each place, the end of the text among them.
#[derive(Debug)]
pub(crate) struct Spelling {
    places: Vec<Codes>,
    /// Which of the words that the codes are spread over have how many bits.
    pub(crate) widths: Vec<u32>,
    /// The length of the sample's texts, and how they are spelled eight letters at a time.
    quick: Option<(usize, Vec<Window>)>,
}

#[derive(Debug)]
struct Codes {
    of: Box<[u8; 257]>,
    word: usize,
    shift: u32,
    width: u32,
}

/// Eight letters of a text from `start` on, whose bits go into one of the words.
#[derive(Debug)]
struct Window {
    start: usize,
    letters: Letters,
    word: usize,
}

/// The most words that a text's code may take.
pub(crate) const SPELLED_WORDS_MAX: usize = 2;
/// Windows of a spelling: one for each eight letters, one more where a word ends between them.
const WINDOWS_MAX: usize = LETTERS_MAX / 8 + SPELLED_WORDS_MAX - 1;

/// A letter that does not fit.
const UNKNOWN: u8 = u8::MAX;
/// In place of a letter, after the last one.
const END: usize = 256;
/// Longer texts are not spelled.
pub(crate) const LETTERS_MAX: usize = 48;

impl Spelling {
    /// For texts like those of the sample, in at most so many words; `None` where they are too long or too diverse.
    pub(crate) fn of(sample: &[&[u8]], words_max: usize) -> Option<Self> {
        let longest = sample.iter().map(|text| text.len()).max().filter(|&longest| longest <= LETTERS_MAX)?;
        let mut spelling = Self { places: Vec::with_capacity(longest), widths: vec![0], quick: None };
        for place in 0..longest {
            let mut seen = [false; 257];
            for text in sample {
                seen[text.get(place).map_or(END, |&letter| letter.into())] = true;
            }
            widen(&mut seen);
            let count = seen.iter().filter(|&&seen| seen).count();
            let width = bits(count as u64 - 1) * u32::from(count > 1);
            if width >= 8 {
                return None;
            }
            if spelling.widths.last().is_some_and(|used| used + width > u64::BITS) {
                spelling.widths.push(0);
            }
            let mut codes = Box::new([UNKNOWN; 257]);
            (0..).zip((0..257).filter(|&letter| seen[letter])).for_each(|(code, letter)| codes[letter] = code);
            let word = spelling.widths.len() - 1;
            // Behind a full word, a letter that is always the same is no shift by 64.
            let shift = if width == 0 { 0 } else { spelling.widths[word] };
            spelling.places.push(Codes { of: codes, word, shift, width });
            spelling.widths[word] += width;
        }
        if sample.iter().all(|text| text.len() == longest) {
            spelling.quick = spelling.windows(longest).map(|windows| (longest, windows));
        }
        (spelling.widths.len() <= words_max).then_some(spelling)
    }

    /// The windows of texts of that length; `None` where some place holds something else.
    fn windows(&self, length: usize) -> Option<Vec<Window>> {
        let places: Vec<Place> = self.places.iter().map(Codes::place).collect::<Option<_>>()?;
        let last = length.checked_sub(8)?;
        let mut windows: Vec<Window> = Vec::new();
        let mut next = 0;
        while next < length {
            let start = next.min(last);
            let ours = next..start + 8;
            next = ours.end;
            let of_window = std::array::from_fn(|at| places[start + at]);
            let wide = |word: usize| {
                let codes = ours.clone().filter(move |&at| self.places[at].width > 0 && self.places[at].word == word);
                codes.map(|at| (at - start, self.places[at].shift))
            };
            let before = windows.len();
            for word in 0..self.widths.len() {
                let shift = wide(word).next().map_or(0, |(_, shift)| shift);
                let kept = wide(word).fold(0, |kept, (at, _)| kept | 1 << at);
                if kept != 0 {
                    windows.push(Window { start, letters: Letters::new(of_window, kept, shift), word });
                }
            }
            if windows.len() == before {
                // Letters that are always the same are looked at, too.
                windows.push(Window { start, letters: Letters::new(of_window, 0, 0), word: 0 });
            }
        }
        (windows.len() <= WINDOWS_MAX).then_some(windows)
    }

    /// The words of many texts, as [`Self::code`] gives them; `misfit` is not 0 where one does not fit.
    ///
    /// # Panics
    /// When there are more than a block of them, or the lists differ in length.
    pub(crate) fn codes<'t>(
        &self,
        texts: impl Iterator<Item = Text<'t>>,
        (words, misfit): (&mut [[u64; BLOCK]], &mut [u64; BLOCK]),
    ) {
        let mut lanes = [[0; BLOCK]; WINDOWS_MAX];
        let (length, windows) = self.quick.as_ref().map_or((usize::MAX, [].as_slice()), |(at, all)| (*at, all));
        let mut rest: Vec<(usize, Text<'t>)> = Vec::new();
        let mut count = 0;
        for (at, text) in texts.enumerate() {
            count = at + 1;
            let fits = text.with_bytes(|bytes| {
                let fits = bytes.len() == length;
                if fits {
                    windows.iter().zip(&mut lanes).for_each(|(window, lane)| lane[at] = word_at(bytes, window.start));
                }
                fits
            });
            if !fits {
                rest.push((at, text));
            }
        }
        for (window, lane) in windows.iter().zip(&lanes) {
            spell(&lane[..count], &window.letters, (&mut words[window.word][..count], &mut misfit[..count]));
        }
        let mut code = [0; SPELLED_WORDS_MAX];
        for (at, text) in rest {
            let code = &mut code[..self.widths.len()];
            misfit[at] = u64::from(!text.with_bytes(|bytes| self.code(bytes, code)));
            words.iter_mut().zip(code).for_each(|(word, code)| word[at] = *code);
        }
    }

    /// The words of a text; `false` where it does not fit.
    #[inline]
    pub(crate) fn code(&self, text: &[u8], words: &mut [u64]) -> bool {
        words.fill(0);
        let mut unknown = text.len() > self.places.len();
        for (letters, &letter) in self.places.iter().zip(text) {
            let code = letters.of[usize::from(letter)];
            unknown |= code == UNKNOWN;
            words[letters.word] |= u64::from(code) << letters.shift;
        }
        for letters in self.places.iter().skip(text.len()) {
            let code = letters.of[END];
            unknown |= code == UNKNOWN;
            words[letters.word] |= u64::from(code) << letters.shift;
        }
        !unknown
    }
}

impl Codes {
    /// What the place holds, where [`Letters`] gives its letters the same codes.
    fn place(&self) -> Option<Place> {
        let letters: Vec<u8> = (0..=u8::MAX).filter(|&byte| self.of[usize::from(byte)] != UNKNOWN).collect();
        match letters.as_slice() {
            &[byte] if self.width == 0 => Some(Place::Fixed(byte)),
            b"0123456789" => Some(Place::Digit),
            b"0123456789abcdef" if self.width == 4 => Some(Place::Lower),
            b"0123456789ABCDEF" if self.width == 4 => Some(Place::Upper),
            _ => None,
        }
    }
}

#[inline]
fn word_at(text: &[u8], start: usize) -> u64 {
    u64::from_le_bytes(*text[start..].first_chunk().expect("a window lies within a text of that length"))
}

/// Where a digit varies, any digit may come, and so on: a sample shows only some.
fn widen(seen: &mut [bool; 257]) {
    let count = |seen: &[bool; 257], range: std::ops::RangeInclusive<u8>| {
        range.filter(|&letter| seen[usize::from(letter)]).count()
    };
    let varies = seen.iter().filter(|&&seen| seen).count() > 1;
    for (start, hex, end) in [(b'a', b'f', b'z'), (b'A', b'F', b'Z')] {
        if varies && count(seen, start..=end) > 0 {
            let last = if count(seen, hex + 1..=end) == 0 { hex } else { end };
            seen[usize::from(start)..=usize::from(last)].fill(true);
        }
    }
    if varies && count(seen, b'0'..=b'9') > 0 {
        seen[usize::from(b'0')..=usize::from(b'9')].fill(true);
    }
}

#[cfg(test)]
#[path = "spelling_tests.rs"]
mod tests;
