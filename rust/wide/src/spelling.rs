//! Digits and hexadecimal letters to four bits each, eight letters at a time, several texts at a time where the processor
//! can.

/// The lowest bit of each byte.
const LOW: u64 = 0x0101_0101_0101_0101;
const NIBBLES: u64 = 0x0f * LOW;
const ZEROS: u64 = b'0' as u64 * LOW;

/// Eight neighbouring letters of a text, as one little-endian word: what each may be, and where its bits go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letters {
    /// All ones at places that have one letter only.
    fixed: u64,
    /// Those letters.
    constants: u64,
    /// What `a` has more than the sign after `9`, at places of hexadecimal letters.
    alpha: u64,
    /// All ones at places of digits.
    digits: u64,
    /// All ones at places whose letters are looked at.
    seen: u64,
    /// The low four bits of places whose letters go into the code.
    keep: u64,
    moves: [u64; 3],
    shift: u32,
}

/// What a place of a text may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Anything; it is not looked at.
    Any,
    /// This byte and no other.
    Fixed(u8),
    /// A digit.
    Digit,
    /// A digit, or a letter from a to f.
    Lower,
    /// A digit, or a letter from A to F.
    Upper,
}

impl Letters {
    /// For these places, of which those marked in `kept` (bit 0 is the first) go into the code, four bits each, the
    /// first one lowest; the lowest bit of the code is bit `shift` of a word.
    ///
    /// # Panics
    /// When the bits do not fit the word.
    #[must_use]
    pub fn new(places: [Place; 8], kept: u8, shift: u32) -> Self {
        assert!(kept.count_ones() * 4 + shift <= u64::BITS, "the letters' bits fit the word");
        let bytes = |of: fn(Place) -> u8| u64::from_le_bytes(places.map(of));
        let kept: [u8; 8] = std::array::from_fn(|at| if kept >> at & 1 == 1 { 0xff } else { 0 });
        let keep = u64::from_le_bytes(kept);
        Self {
            fixed: bytes(|place| if matches!(place, Place::Fixed(_)) { 0xff } else { 0 }),
            constants: bytes(|place| if let Place::Fixed(byte) = place { byte } else { 0 }),
            alpha: bytes(|place| match place {
                Place::Lower => b'a' - b'9' - 1,
                Place::Upper => b'A' - b'9' - 1,
                _ => 0,
            }),
            digits: bytes(|place| if place == Place::Digit { 0xff } else { 0 }),
            seen: bytes(|place| if place == Place::Any { 0 } else { 0xff }),
            keep: keep & NIBBLES,
            moves: moves(kept),
            shift,
        }
    }

    /// The code of a word, and bits of which none is set where every letter is one that may be there.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the loop around it is compiled for several kinds of processors")]
    fn of(&self, word: u64) -> (u64, u64) {
        // A digit's low half is its value; a letter's is 9 less. No byte of these sums reaches the next.
        let nibbles = (word & NIBBLES).wrapping_add((word >> 6 & LOW).wrapping_mul(9));
        let letters = (nibbles.wrapping_add(6 * LOW) >> 4 & LOW).wrapping_mul(0xff);
        let spelled = nibbles.wrapping_add(ZEROS).wrapping_add(letters & self.alpha);
        let wrong = (spelled ^ word) | (nibbles & !NIBBLES) | (letters & self.digits);
        let misfit = (wrong & !self.fixed | (word ^ self.constants) & self.fixed) & self.seen;
        let mut code = nibbles & self.keep;
        for (step, moves) in self.moves.iter().enumerate() {
            let moved = code & moves;
            code = code ^ moved | moved >> (8 << step);
        }
        code = (code | code >> 4) & 0x00ff_00ff_00ff_00ff;
        code = (code | code >> 8) & 0x0000_ffff_0000_ffff;
        code = (code | code >> 16) & 0xffff_ffff;
        (code << self.shift, misfit)
    }
}

/// For moves by one, two and four bytes, the bytes that make each, so that those that are kept end up side by side.
fn moves(kept: [u8; 8]) -> [u64; 3] {
    let mut moves = [[0_u8; 8]; 3];
    let mut gaps = 0;
    for (place, kept) in kept.into_iter().enumerate() {
        if kept == 0 {
            gaps += 1;
            continue;
        }
        let mut at = place;
        for (step, moves) in moves.iter_mut().enumerate() {
            if gaps >> step & 1 == 1 {
                moves[at] = 0xff;
                at -= 1 << step;
            }
        }
    }
    moves.map(u64::from_le_bytes)
}

/// Adds the codes of these words to `codes` at the same places, and to `misfit` what of them may not be there.
///
/// # Panics
/// When the lists differ in length.
pub fn spell(words: &[u64], letters: &Letters, (codes, misfit): (&mut [u64], &mut [u64])) {
    assert!(codes.len() == words.len() && misfit.len() == words.len(), "lists of one length");
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
            // SAFETY: the processor has what the function is compiled for, as was just asked.
            return unsafe { spell_eight(words, letters, (codes, misfit)) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return unsafe { spell_four(words, letters, (codes, misfit)) };
        }
    }
    spell_any(words, letters, (codes, misfit));
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "avx512f,avx512dq")]
fn spell_eight(words: &[u64], letters: &Letters, to: (&mut [u64], &mut [u64])) {
    spell_any(words, letters, to);
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "avx2")]
fn spell_four(words: &[u64], letters: &Letters, to: (&mut [u64], &mut [u64])) {
    spell_any(words, letters, to);
}

/// The same for any processor: [`spell`] must answer as this does.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled once for each kind of processor")]
pub fn spell_any(words: &[u64], letters: &Letters, (codes, misfit): (&mut [u64], &mut [u64])) {
    for ((word, code), misfit) in words.iter().zip(codes).zip(misfit) {
        let (bits, wrong) = letters.of(*word);
        *code |= bits;
        *misfit |= wrong;
    }
}
