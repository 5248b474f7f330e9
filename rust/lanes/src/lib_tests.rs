use proptest::prelude::*;

use super::*;

/// Bytes among which NUL and its neighbours are frequent.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(0), Just(1), Just(0x80), Just(0xff), any::<u8>()], BLOCK_BYTES)
}

proptest! {
    #[test]
    fn both_ways_find_each_nul(bytes in bytes()) {
        let block: &[u8; BLOCK_BYTES] = bytes.first_chunk().expect("a whole block");
        let expected = (0..BLOCK_BYTES).fold(0, |mask, at| mask | u64::from(block[at] == 0) << at);
        prop_assert_eq!(expected, nul_mask(block));
        prop_assert_eq!(expected, nul_mask_by_words(block));
    }
}
