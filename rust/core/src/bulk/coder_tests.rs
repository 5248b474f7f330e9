use proptest::prelude::*;

use super::{Number, Words, inverse};
use crate::column::Text;

fn fits(number: &Number, word: u64) -> bool {
    number.width == 64 || number.code(word) >> number.width == 0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_inverse_undoes_multiplication(odd in any::<u64>().prop_map(|n| n | 1), word in any::<u64>()) {
        prop_assert_eq!(word, word.wrapping_mul(odd).wrapping_mul(inverse(odd)));
    }

    #[test]
    fn what_was_seen_fits_and_no_two_words_share_a_code(
        base in any::<u64>(), step in 1_u64..1 << 40, steps in prop::collection::vec(0_u64..1 << 20, 1..30),
        other in any::<u64>(), signed in any::<bool>(),
    ) {
        let sample: Vec<u64> = steps.iter().map(|n| base.wrapping_add(n.wrapping_mul(step))).collect();
        for number in [Number::of(&sample, signed), Number::around(&sample, signed, 63), Number::whole(signed)] {
            for &word in &sample {
                let wraps = if signed { base.cast_signed().checked_add_unsigned(step << 20).is_none() }
                    else { base.checked_add(step << 20).is_none() };
                prop_assert!(wraps || fits(&number, word));
                prop_assert_eq!(word == other, number.code(word) == number.code(other));
            }
        }
    }
}

#[test]
fn a_sample_of_one_word_leaves_room_for_its_neighbours() {
    let number = Number::of(&[1_000; 5], true);
    assert!(fits(&number, 1_000) && fits(&number, 1_001) && !fits(&number, 5_000));
}

#[test]
fn multiples_of_a_tick_take_no_more_bits_than_their_count() {
    let sample: Vec<u64> = (0..100).map(|n| 500_000_000_000 + n * 25_000_000).collect();
    assert_eq!(7, Number::of(&sample, true).width);
    assert!(!fits(&Number::of(&sample, true), 500_000_000_001));
}

#[test]
fn words_are_numbered_as_they_come() {
    let mut words = Words::new();
    let texts = ["Filled", "", "a text of more than twelve bytes"].map(|text| Text::of(text.as_bytes()));
    assert_eq!([0, 1, 2], texts.map(|text| words.add(text)));
    assert_eq!([0, 1, 2], texts.map(|text| words.add(text)));
    assert_eq!((Some(2), None), (words.number(texts[2]), words.number(Text::of(b"Cancelled"))));
}
