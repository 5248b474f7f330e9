//! Wide instructions and plain ones make the same codes, for every type, length and alignment. Runs under Miri too.

use tieout_wide::{
    Code, Letters, Place, Scalar, lanes_with, lanes_with_any, pack, pack_any, scramble, scramble_any, spell, spell_any,
};

/// The same numbers on every run: a multiplicative generator.
fn words(count: usize, start: u64) -> Vec<u64> {
    let next = |word: &u64| Some(word.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f));
    std::iter::successors(Some(start), next).take(count).collect()
}

fn codes() -> Vec<Code> {
    let shapes = [(64, 0, 0, 1), (1, 63, 0, 1), (20, 11, 6, 0x1e_8481), (47, 17, 63, u64::MAX), (63, 1, 8, 3)];
    let code = |(width, shift, rotate, inverse)| Code { base: 0x8000_0000_1234_5678, inverse, rotate, width, shift };
    shapes.map(code).to_vec()
}

fn check<T: Scalar>(values: &[T]) {
    for start in 0..3.min(values.len()) {
        let values = &values[start..];
        let known: Vec<u64> = words(values.len(), 7).iter().map(|word| (word >> 60 & 1).wrapping_neg()).collect();
        for code in codes() {
            for known in [None, Some(known.as_slice())] {
                let (mut wide, mut plain) = (words(values.len(), 1), words(values.len(), 1));
                let (mut wide_rest, mut plain_rest) = (words(values.len(), 2), words(values.len(), 2));
                pack(values, known, code, (&mut wide, &mut wide_rest));
                pack_any(values, known, code, (&mut plain, &mut plain_rest));
                assert_eq!((plain, plain_rest), (wide, wide_rest));
            }
        }
    }
}

#[test]
#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "any bits will do")]
fn every_type_at_every_length() {
    for count in [0, 1, 7, 8, 9, 67] {
        let words = words(count, 42);
        check(&words);
        check(&words.iter().map(|&word| word as i64).collect::<Vec<_>>());
        check(&words.iter().map(|&word| word as i32).collect::<Vec<_>>());
        check(&words.iter().map(|&word| word as i16).collect::<Vec<_>>());
        check(&words.iter().map(|&word| word as i8).collect::<Vec<_>>());
        check(&words.iter().map(|&word| word as u32).collect::<Vec<_>>());
        check(&words.iter().map(|&word| word as u16).collect::<Vec<_>>());
        check(&words.iter().map(|&word| word as u8).collect::<Vec<_>>());
        check(&words.iter().map(|&word| f64::from_bits(word & !(1 << 62))).collect::<Vec<_>>());
        check(&words.iter().map(|&word| f32::from_bits(word as u32 & !(1 << 30))).collect::<Vec<_>>());
    }
}

#[test]
fn a_code_is_what_it_says() {
    let code = Code { base: 100, inverse: 1, rotate: 1, width: 3, shift: 8 };
    let (mut words, mut rest) = ([0; 3], [0; 3]);
    pack(&[104_i64, 110, 116], None, code, (&mut words, &mut rest));
    assert_eq!([2 << 8, 5 << 8, 8 << 8], words);
    assert_eq!([0, 0, 1], rest);
}

#[test]
#[should_panic(expected = "lists of one length")]
fn lists_of_other_lengths_are_refused() {
    let code = Code { base: 0, inverse: 1, rotate: 0, width: 64, shift: 0 };
    pack(&[1_i64, 2], None, code, (&mut [0], &mut [0]));
}

#[test]
fn letters_of_every_kind_at_every_length() {
    use Place::{Any, Digit, Fixed, Lower, Upper};
    let places = [Digit, Lower, Upper, Fixed(b'.'), Digit, Any, Lower, Digit];
    let letters = Letters::new(places, 0b1101_0111, 8);
    let text = |word: u64| {
        u64::from_le_bytes(std::array::from_fn(|at| {
            b"0123456789abcdefABCDEF.:g"[usize::from(word.to_le_bytes()[at]) % 25]
        }))
    };
    let texts: Vec<u64> = words(997, 3).into_iter().map(text).chain(words(99, 5)).collect();
    for count in [0, 1, 7, 8, 9, 67, texts.len()] {
        let (mut wide, mut plain) = ([vec![0; count], vec![0; count]], [vec![0; count], vec![0; count]]);
        let [codes, misfit] = &mut wide;
        spell(&texts[..count], &letters, (codes, misfit));
        let [codes, misfit] = &mut plain;
        spell_any(&texts[..count], &letters, (codes, misfit));
        assert_eq!(plain, wide);
    }
}

#[test]
fn letters_are_what_they_say() {
    use Place::{Any, Digit, Fixed, Lower, Upper};
    let letters = Letters::new([Digit, Lower, Upper, Fixed(b'.'), Digit, Any, Lower, Digit], 0b1101_0111, 8);
    let texts = [b"7fA.0?e9", b"7fA.0\xffe9", b":fA.0?e9", b"7gA.0?e9", b"7fa.0?e9", b"7fA,0?e9", b"7fA.0?E9"]
        .map(|text| u64::from_le_bytes(*text));
    let (mut codes, mut misfit) = ([0; 7], [0; 7]);
    spell(&texts, &letters, (&mut codes, &mut misfit));
    assert_eq!([0x9e_0af7 << 8; 2], [codes[0], codes[1]]);
    assert_eq!([true, true, false, false, false, false, false], misfit.map(|bits| bits == 0));
}

#[test]
fn scrambling_is_one_to_one() {
    for bits in [1, 2, 3, 7, 10, if cfg!(miri) { 11 } else { 16 }] {
        let mut all: Vec<u64> = (0..1 << bits).collect();
        scramble(&mut all, bits);
        let mut plain: Vec<u64> = (0..1 << bits).collect();
        scramble_any(&mut plain, bits);
        assert_eq!(plain, all);
        all.sort_unstable();
        assert_eq!((0..1 << bits).collect::<Vec<u64>>(), all);
    }
}

#[test]
fn scrambling_is_the_same_for_every_width_and_length() {
    for bits in 1..=64 {
        for count in [0, 1, 7, 8, 9, 67] {
            let (mut wide, mut plain) = (words(count, 3), words(count, 3));
            scramble(&mut wide, bits);
            scramble_any(&mut plain, bits);
            assert_eq!(plain, wide);
            assert!(wide.iter().all(|word| word >> (bits - 1) >> 1 == 0));
        }
    }
}

#[test]
#[expect(clippy::cast_possible_truncation, reason = "any tag will do")]
fn lanes_are_found_where_they_are() {
    assert_eq!(0b1000_0101, lanes_with([0x0000_8001_0001_8001, 0x8001_ffff_8000_0000], 0x8001));
    for pair in words(400, 9).windows(2) {
        // Lanes that are often equal.
        let lanes = [pair[0] & 0x0003_0003_0003_0003, pair[1] & 0x0003_0003_0003_0003];
        for tag in [0, 1, 3, pair[0] as u16] {
            assert_eq!(lanes_with_any(lanes, tag), lanes_with(lanes, tag));
        }
    }
}
