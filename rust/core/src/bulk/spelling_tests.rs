use proptest::prelude::*;

use super::{BLOCK, Spelling};
use crate::column::Text;

/// The words of these texts, spelled together.
fn together(spelling: &Spelling, texts: &[&[u8]]) -> (Vec<[u64; BLOCK]>, [u64; BLOCK]) {
    let (mut words, mut misfit) = (vec![[0; BLOCK]; spelling.widths.len()], [0; BLOCK]);
    spelling.codes(texts.iter().map(|text| Text::of(text)), (&mut words, &mut misfit));
    (words, misfit)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn texts_of_one_spelling_are_one_text(
        sample in prop::collection::vec("[0-9a-f]{4}-[A-D]{0,3}", 1..20), other in "[0-9a-z]{4}-[A-E]{0,4}",
    ) {
        let bytes: Vec<&[u8]> = sample.iter().map(String::as_bytes).collect();
        let spelling = Spelling::of(&bytes, 2).expect("at most 8 places of at most 5 bits");
        let (mut one, mut two) = ([0; 2], [0; 2]);
        for text in bytes {
            prop_assert!(spelling.code(text, &mut one[..spelling.widths.len()]));
            if spelling.code(other.as_bytes(), &mut two[..spelling.widths.len()]) {
                prop_assert_eq!(text == other.as_bytes(), one == two);
            }
        }
    }

    #[test]
    fn eight_letters_at_a_time_are_the_same_as_one(
        sample in prop_oneof![
            prop::collection::vec("[0-9a-f]{8}\\.[0-9a-f]{8}\\.01\\.0[12]", 1..40),
            prop::collection::vec("[0-9A-F]{4}x[0-9]{5}", 1..40),
            prop::collection::vec("1000[0-9]{4}\\.[0-9]{8}\\.01\\.01(\\.02)?", 1..40),
            prop::collection::vec("[0-9a-f]{3,9}", 1..40),
        ],
        others in prop::collection::vec(prop_oneof![
            "[0-9a-g]{8}\\.[0-9a-f:]{8}\\.01\\.0[0-3]".prop_map(String::into_bytes),
            "[0-9A-G]{4}x[0-9]{5}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..30),
        ], 0..40),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 0..40),
    ) {
        let bytes: Vec<&[u8]> = sample.iter().map(String::as_bytes).collect();
        let Some(spelling) = Spelling::of(&bytes, 2) else { return Ok(()) };
        let flipped: Vec<Vec<u8>> = flips.iter().map(|(text, place, byte)| {
            let mut text = text.get(&bytes).to_vec();
            let at = place.index(text.len());
            text[at] = *byte;
            text
        }).collect();
        let texts: Vec<&[u8]> = bytes.iter().copied().chain(others.iter().chain(&flipped).map(Vec::as_slice)).collect();
        let (words, misfit) = together(&spelling, &texts);
        let mut code = [0; 2];
        for (at, text) in texts.into_iter().enumerate() {
            let code = &mut code[..spelling.widths.len()];
            let fits = spelling.code(text, code);
            prop_assert_eq!(fits, misfit[at] == 0);
            prop_assert!(!fits || code.iter().zip(&words).all(|(code, word)| *code == word[at]));
        }
    }
}

#[test]
fn execution_ids_are_spelled_eight_letters_at_a_time() {
    let ids: Vec<String> =
        (0..999_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).map(|n| format!("{n:016x}.01.01")).collect();
    let spelling = Spelling::of(&ids.iter().map(String::as_bytes).collect::<Vec<_>>(), 2).expect("two words");
    assert_eq!(vec![64], spelling.widths);
    assert_eq!(Some(22), spelling.quick.as_ref().map(|(length, _)| *length));
}

#[test]
fn long_or_diverse_texts_are_not_spelled() {
    assert!(Spelling::of(&[&[b'x'; 49]], 2).is_none());
    let random: Vec<Vec<u8>> = (0..=255).map(|letter| vec![letter; 9]).collect();
    assert!(Spelling::of(&random.iter().map(Vec::as_slice).collect::<Vec<_>>(), 2).is_none());
}
