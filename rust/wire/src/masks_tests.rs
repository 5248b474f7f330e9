use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn the_masks_find_each_separator_and_point(bytes in prop::array::uniform32(prop_oneof![Just(0), Just(b'.'), any::<u8>()]),
                                               more in prop::array::uniform32(prop_oneof![Just(0), Just(b'.'), any::<u8>()])) {
        let mut block = [0; BLOCK_BYTES];
        block[..32].copy_from_slice(&bytes);
        block[32..].copy_from_slice(&more);
        let expected = (0..BLOCK_BYTES).fold((0, 0), |(nul, point), at| {
            (nul | u64::from(block[at] == 0) << at, point | u64::from(block[at] == b'.') << at)
        });
        prop_assert_eq!(expected, masks(&block));
    }
}
