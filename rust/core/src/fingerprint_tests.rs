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

    /// Invariant 3.
    #[test]
    fn a_batch_gives_the_same_as_each_alone(orders in proptest::collection::vec(fields(), 1..20)) {
        let texts: Vec<(Vec<i32>, Vec<u8>, Vec<u8>)> = (0..TEXTS.len()).map(|at| text_column(&orders, at)).collect();
        let ints: Vec<(Vec<i64>, Vec<u8>)> = (0..INTS.len()).map(|at| int_column(&orders, at)).collect();
        let bools: Vec<Vec<u8>> =
            (0..BOOLS.len()).map(|at| bits(orders.iter().map(|order| order.2[at]))).collect();
        let len = orders.len();
        let columns = OrderColumns {
            texts: std::array::from_fn(|at| {
                let (offsets, bytes, known) = &texts[at];
                Texts::small(offsets, bytes, Some(Bits::new(known, 0, len)))
            }),
            ints: std::array::from_fn(|at| Ints::new(&ints[at].0, Some(Bits::new(&ints[at].1, 0, len)))),
            bools: std::array::from_fn(|at| Bools::new(Bits::new(&bools[at], 0, len), None)),
        };
        let alone: Vec<[u8; 16]> = orders.iter().map(|fields| fingerprint(&encode(&order(fields)))).collect();
        prop_assert_eq!(fingerprints(&columns), Ok(alone));
    }
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
