use proptest::prelude::*;

use super::*;

const ROWS: usize = 24;

proptest! {
    #[test]
    fn row_i_has_word_i_of_each_column(words in prop::collection::vec(any::<u64>(), ROWS * ROW_WORDS)) {
        let columns: [[u64; ROWS]; ROW_WORDS] = std::array::from_fn(|at| words.as_chunks().0[at]);
        for wide in [None, Wide::detect()] {
            let mut rows = [[0; ROW_WORDS]; ROWS];
            across(wide, &columns, &mut rows);
            for (number, row) in rows.iter().enumerate() {
                prop_assert_eq!(columns.map(|column| column[number]), *row);
            }
        }
    }
}
