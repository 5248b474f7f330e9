//! Codes of numbers, eight or four at a time where the processor can.

/// How a number becomes a code: `(word - base) * inverse`, rotated right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// What is subtracted.
    pub base: u64,
    /// What the rest is multiplied with.
    pub inverse: u64,
    /// By how many bits it is rotated.
    pub rotate: u32,
    /// How many bits a code that fits has.
    pub width: u32,
    /// How far up they go.
    pub shift: u32,
}

impl Code {
    /// The code of a word, and bits of which none is set where it fits.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the loop around it is compiled for several kinds of processors")]
    fn of(self, word: u64) -> (u64, u64) {
        let code = word.wrapping_sub(self.base).wrapping_mul(self.inverse).rotate_right(self.rotate);
        // A code of all 64 bits always fits; shifting twice takes every bit out.
        (code << self.shift, code >> (self.width - 1) >> 1)
    }
}

/// Numbers that are taken as 64-bit words.
pub trait Scalar: Copy + sealed::Sealed {
    /// The word of a number, its sign extended.
    fn word(self) -> u64;
}

mod sealed {
    /// Keeps the list of lanes here.
    pub trait Sealed {}
}

macro_rules! lanes {
    ($($type:ty => |$value:ident| $word:expr),*) => {$(
        impl sealed::Sealed for $type {}
        impl Scalar for $type {
            #[inline(always)]
            fn word(self) -> u64 {
                let $value = self;
                $word
            }
        }
    )*};
}

lanes!(
    i8 => |value| i64::from(value).cast_unsigned(),
    i16 => |value| i64::from(value).cast_unsigned(),
    i32 => |value| i64::from(value).cast_unsigned(),
    i64 => |value| value.cast_unsigned(),
    u8 => |value| value.into(),
    u16 => |value| value.into(),
    u32 => |value| value.into(),
    u64 => |value| value,
    f32 => |value| f64::from(value).to_bits(),
    f64 => |value| value.to_bits()
);

/// Adds the codes of these numbers to the words at the same places, and to `misfit` what of them did not fit.
///
/// Nothing is added where `known`, if there is any, has no bits set; it has all or none.
///
/// # Panics
/// When the lists differ in length, or the width is not 1 to 64 or the shift not below 64.
pub fn pack<T: Scalar>(values: &[T], known: Option<&[u64]>, code: Code, (words, misfit): (&mut [u64], &mut [u64])) {
    assert!(words.len() == values.len() && misfit.len() == values.len(), "lists of one length");
    assert!(known.is_none_or(|known| known.len() == values.len()), "lists of one length");
    assert!((1..=64).contains(&code.width) && code.shift < 64, "bits of a word");
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
            // SAFETY: the processor has what the function is compiled for, as was just asked.
            return unsafe { pack_eight(values, known, code, (words, misfit)) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return unsafe { pack_four(values, known, code, (words, misfit)) };
        }
    }
    pack_any(values, known, code, (words, misfit));
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "avx512f,avx512dq")]
fn pack_eight<T: Scalar>(values: &[T], known: Option<&[u64]>, code: Code, to: (&mut [u64], &mut [u64])) {
    pack_any(values, known, code, to);
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "avx2")]
fn pack_four<T: Scalar>(values: &[T], known: Option<&[u64]>, code: Code, to: (&mut [u64], &mut [u64])) {
    pack_any(values, known, code, to);
}

/// The same for any processor: [`pack`] must answer as this does.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled once for each kind of processor")]
pub fn pack_any<T: Scalar>(values: &[T], known: Option<&[u64]>, code: Code, (words, misfit): (&mut [u64], &mut [u64])) {
    let places = words.iter_mut().zip(misfit).zip(values);
    match known {
        None => {
            for ((word, misfit), value) in places {
                let (bits, rest) = code.of(value.word());
                *word |= bits;
                *misfit |= rest;
            }
        }
        Some(known) => {
            for (((word, misfit), value), known) in places.zip(known) {
                let (bits, rest) = code.of(value.word());
                *word |= bits & known;
                *misfit |= rest & known;
            }
        }
    }
}

/// Shuffles the words below `2^bits`, one-to-one, so that every bit of the outcome hangs on every bit of the word.
/// Bits above are lost.
///
/// # Panics
/// When the bits are not 1 to 64.
pub fn scramble(words: &mut [u64], bits: u32) {
    assert!((1..=64).contains(&bits), "bits of a word");
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
            // SAFETY: the processor has what the function is compiled for, as was just asked.
            return unsafe { scramble_eight(words, bits) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return unsafe { scramble_four(words, bits) };
        }
    }
    scramble_any(words, bits);
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "avx512f,avx512dq")]
fn scramble_eight(words: &mut [u64], bits: u32) {
    scramble_any(words, bits);
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "avx2")]
fn scramble_four(words: &mut [u64], bits: u32) {
    scramble_any(words, bits);
}

/// The same for any processor: [`scramble`] must answer as this does.
///
/// Multiplication by an odd number and `x ^ x >> n` are one-to-one on the words below `2^bits`.
#[inline(always)]
pub fn scramble_any(words: &mut [u64], bits: u32) {
    const MORE: [u64; 2] = [0xd6e8_feb8_6659_fd93, 0x9e37_79b9_7f4a_7c15];
    let (all, half) = (u64::MAX >> (64 - bits), bits.div_ceil(2));
    for word in words {
        *word &= all;
        *word ^= *word >> half;
        for odd in MORE {
            *word = word.wrapping_mul(odd) & all;
            *word ^= *word >> half;
        }
    }
}
