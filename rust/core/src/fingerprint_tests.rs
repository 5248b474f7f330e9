use proptest::prelude::*;

use super::*;
use crate::column::Bits;

type Fields = (Vec<Option<String>>, Vec<Option<i64>>, Vec<bool>);

/// Texts short and long, around the twelve bytes where the form changes, and of few letters so that pairs collide.
fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(prop_oneof!["[ab\0]{0,3}", "[ab]{11,14}"])
}

fn fields() -> impl Strategy<Value = Fields> {
    (
        proptest::collection::vec(text(), TEXTS.len()),
        proptest::collection::vec(proptest::option::of(prop_oneof![-1_i64..2, any::<i64>()]), INTS.len()),
        proptest::collection::vec(any::<bool>(), BOOLS.len()),
    )
}

fn order((texts, ints, bools): &Fields) -> Order<'_> {
    Order {
        texts: std::array::from_fn(|at| texts[at].as_deref()),
        ints: std::array::from_fn(|at| ints[at]),
        bools: std::array::from_fn(|at| bools[at]),
    }
}

/// Reads an encoding back: what can be read back was injective.
fn decode(bytes: &[u8]) -> Fields {
    let (head, mut rest) = bytes.split_at(4);
    let head = u32::from_le_bytes(head.try_into().expect("four bytes"));
    let mut take = |count: usize| -> Vec<u8> {
        let (taken, left) = rest.split_at(count);
        rest = left;
        taken.to_vec()
    };
    let texts = (0..TEXTS.len())
        .map(|at| {
            (head >> at & 1 == 1).then(|| {
                let len = u32::from_le_bytes(take(4).try_into().expect("four bytes")) as usize;
                let mut text = take(len.max(12));
                text.truncate(len);
                String::from_utf8(text).expect("the text that went in")
            })
        })
        .collect();
    let ints = (0..INTS.len())
        .map(|at| {
            (head >> (INT_BIT + at) & 1 == 1).then(|| i64::from_le_bytes(take(8).try_into().expect("eight bytes")))
        })
        .collect();
    let bools = (0..BOOLS.len()).map(|at| head >> (BOOL_BIT + at) & 1 == 1).collect();
    assert!(rest.is_empty());
    (texts, ints, bools)
}

proptest! {
    /// Invariant 1.
    #[test]
    fn what_was_encoded_can_be_read_back(fields in fields()) {
        prop_assert_eq!(decode(&encode(&order(&fields))), fields);
    }
}

proptest! {
    // A case is up to a hundred orders, more than a block holds.
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Invariant 3.
    #[test]
    fn a_batch_gives_the_same_as_each_alone(orders in proptest::collection::vec(fields(), 1..100)) {
        prop_assert_eq!(in_a_batch(&orders, false), alone(&orders));
        prop_assert_eq!(in_a_batch(&orders, true), alone(&orders));
    }

    /// Invariant 3, where columns are known throughout or not at all, which the rows' common length rests on.
    #[test]
    fn whole_columns_give_the_same_as_each_alone(
        orders in proptest::collection::vec(fields(), 1..100),
        known in proptest::collection::vec(any::<bool>(), TEXTS.len() + INTS.len()),
    ) {
        let whole: Vec<Fields> = orders.into_iter().map(|fields| whole(fields, &known)).collect();
        prop_assert_eq!(in_a_batch(&whole, false), alone(&whole));
        prop_assert_eq!(in_a_batch(&whole, true), alone(&whole));
    }
}

/// Every value known, or none, as the column says.
fn whole((texts, ints, bools): Fields, known: &[bool]) -> Fields {
    let (known_texts, known_ints) = known.split_at(TEXTS.len());
    let texts = texts.into_iter().zip(known_texts).map(|(text, known)| known.then(|| text.unwrap_or_default()));
    let ints = ints.into_iter().zip(known_ints).map(|(int, known)| known.then(|| int.unwrap_or_default()));
    (texts.collect(), ints.collect(), bools)
}

fn alone(orders: &[Fields]) -> Vec<[u8; 16]> {
    orders.iter().map(|fields| fingerprint(&encode(&order(fields)))).collect()
}

/// The fingerprints of the orders as columns; a column that is known throughout has no bitmap.
fn in_a_batch(orders: &[Fields], as_views: bool) -> Vec<[u8; 16]> {
    let texts: Vec<(Vec<i32>, Vec<u8>, Vec<u8>)> = (0..TEXTS.len()).map(|at| text_column(orders, at)).collect();
    let views: Vec<Vec<u128>> = texts.iter().map(|(offsets, bytes, _)| views_of(offsets, bytes)).collect();
    let ints: Vec<(Vec<i64>, Vec<u8>)> = (0..INTS.len()).map(|at| int_column(orders, at)).collect();
    let bools: Vec<Vec<u8>> = (0..BOOLS.len()).map(|at| bits(orders.iter().map(|order| order.2[at]))).collect();
    let len = orders.len();
    let text_bitmap =
        |at: usize| orders.iter().any(|order| order.0[at].is_none()).then(|| Bits::new(&texts[at].2, 0, len));
    let int_bitmap =
        |at: usize| orders.iter().any(|order| order.1[at].is_none()).then(|| Bits::new(&ints[at].1, 0, len));
    let columns = OrderColumns {
        texts: std::array::from_fn(|at| {
            let (offsets, bytes, _) = &texts[at];
            if as_views {
                Texts::views(&views[at], vec![bytes], text_bitmap(at))
            } else {
                Texts::small(offsets, bytes, text_bitmap(at))
            }
        }),
        ints: std::array::from_fn(|at| Ints::new(&ints[at].0, int_bitmap(at))),
        bools: std::array::from_fn(|at| Bools::new(Bits::new(&bools[at], 0, len), None)),
    };
    fingerprints(&columns).expect("columns of one length")
}

/// Arrow's views of those texts: short ones inline, others by their place.
fn views_of(offsets: &[i32], bytes: &[u8]) -> Vec<u128> {
    let place = |offset: i32| usize::try_from(offset).expect("offsets are not negative");
    let texts = offsets.windows(2).map(|pair| (place(pair[0]), &bytes[place(pair[0])..place(pair[1])]));
    texts
        .map(|(at, text)| {
            let mut word = [0_u8; 16];
            word[..4].copy_from_slice(&u32::try_from(text.len()).expect("a short text").to_le_bytes());
            if text.len() <= 12 {
                word[4..4 + text.len()].copy_from_slice(text);
            } else {
                word[4..8].copy_from_slice(&text[..4]);
                word[12..].copy_from_slice(&u32::try_from(at).expect("a small column").to_le_bytes());
            }
            u128::from_le_bytes(word)
        })
        .collect()
}

#[test]
fn columns_of_different_lengths_are_refused() {
    let offsets = [0_i32, 0];
    let columns = OrderColumns {
        texts: std::array::from_fn(|_| Texts::small(&offsets, &[], None)),
        ints: std::array::from_fn(|at| Ints::new(if at == 2 { &[] } else { &[7] }, None)),
        bools: std::array::from_fn(|_| Bools::new(Bits::new(&[0], 0, 1), None)),
    };
    let ragged = CoreError::Ragged { side: "orders", column: "multiplier_e8", found: 0, expected: 1 };
    assert_eq!(fingerprints(&columns), Err(ragged));
}

fn text_column(orders: &[Fields], at: usize) -> (Vec<i32>, Vec<u8>, Vec<u8>) {
    let mut bytes = Vec::new();
    let mut offsets = vec![0];
    for (texts, _, _) in orders {
        bytes.extend_from_slice(texts[at].as_deref().unwrap_or("").as_bytes());
        offsets.push(i32::try_from(bytes.len()).expect("a small test"));
    }
    (offsets, bytes, bits(orders.iter().map(|order| order.0[at].is_some())))
}

fn int_column(orders: &[Fields], at: usize) -> (Vec<i64>, Vec<u8>) {
    let values = orders.iter().map(|order| order.1[at].unwrap_or(0)).collect();
    (values, bits(orders.iter().map(|order| order.1[at].is_some())))
}

fn bits(values: impl Iterator<Item = bool>) -> Vec<u8> {
    let values: Vec<bool> = values.collect();
    values
        .chunks(8)
        .map(|eight| eight.iter().enumerate().fold(0, |byte, (at, &set)| byte | u8::from(set) << at))
        .collect()
}
