//! Repeats of one table against the slow and obvious way, on columns of every kind and at sizes where parts matter.

mod bulk_support;

use std::collections::BTreeMap;

use bulk_support::{Cell, Frame, Kind, Store, columns};
use proptest::prelude::*;
use tieout_core::bulk::{Class, Column, Differ, Memory, Repeats, Values};
use tieout_core::column::Texts;

/// What the rules say.
fn expected(frame: &Frame, keys: usize) -> Repeats {
    let mut found = Repeats::default();
    let mut seen: BTreeMap<Vec<String>, Vec<u32>> = BTreeMap::new();
    for row in 0..frame[0].cells.len() {
        let number = u32::try_from(row).expect("a small test");
        let Some(key) = frame[..keys].iter().map(|store| store.canonical(row)).collect::<Option<Vec<_>>>() else {
            found.null.push(number);
            continue;
        };
        let alike = |&&before: &&u32| frame[keys..].iter().all(|f| f.canonical(before as usize) == f.canonical(row));
        let rows = seen.entry(key).or_default();
        if let Some(&copied) = rows.iter().find(alike) {
            found.copies.rows.push(number);
            found.copies.of.push(copied);
        } else if let Some(&first) = rows.first() {
            found.others.rows.push(number);
            found.others.of.push(first);
        }
        rows.push(number);
    }
    found
}

/// Values of one kind, and a few of them for a column, so that keys and fields repeat.
fn store(rows: usize) -> impl Strategy<Value = Store> {
    let int = |range: std::ops::RangeInclusive<i128>| range.prop_map(Cell::Int).boxed();
    let text = prop_oneof!["[ab]{0,2}", "[0-9a-f]{8}\\.[01]{2}", "a text of more than twelve [xy]", any::<String>()];
    let text = text.prop_map(Cell::Text).boxed();
    let float = prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN), Just(-f64::NAN), Just(f64::INFINITY), any::<f64>()];
    let kinds = prop_oneof![
        Just((Kind::I8, int(-128..=127))),
        Just((Kind::I64, int(i64::MIN.into()..=i64::MAX.into()))),
        Just((Kind::U64, int(0..=u64::MAX.into()))),
        Just((Kind::Decimal(2), int(-1_000..=1_000))),
        Just((Kind::Instant(9), int(-2..=3))),
        Just((Kind::Bool, int(0..=1))),
        Just((Kind::F64, float.prop_map(Cell::Float).boxed())),
        Just((Kind::Small, text.clone())),
        Just((Kind::Views, text.clone())),
        Just((Kind::Coded, text)),
    ];
    (kinds, any::<bool>(), 1..6_usize).prop_flat_map(move |((kind, cell), nulls, few)| {
        let picks = prop::collection::vec(any::<prop::sample::Index>(), rows);
        (prop::collection::vec(cell, few), picks).prop_map(move |(mut pool, picks)| {
            if nulls {
                pool.push(Cell::Null);
            }
            Store::new(kind, picks.iter().map(|at| at.get(&pool).clone()).collect())
        })
    })
}

fn frame() -> impl Strategy<Value = (usize, Frame)> {
    (0..60_usize, 1..3_usize, 0..5_usize).prop_flat_map(|(rows, keys, fields)| {
        (
            Just(keys),
            prop::collection::vec(0..1_u8, keys + fields)
                .prop_flat_map(move |all| all.into_iter().map(|_| store(rows)).collect::<Vec<_>>()),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Rules 1 to 5, with one thread and with two, with either kind of memory, in a first call and in a later one.
    #[test]
    fn rows_repeat_by_the_rules((keys, frame) in frame()) {
        let expected = expected(&frame, keys);
        for (threads, memory) in [(1, Memory::Plain), (2, Memory::Wide)] {
            let mut differ = Differ::new(threads, memory).expect("threads");
            for _ in 0..2 {
                prop_assert_eq!(&expected, &differ.repeats(&columns(&frame), keys).expect("a table"));
            }
        }
    }
}

fn ints(values: &[i64]) -> Column<'_> {
    Column::new(Values::I64(values), None, (Class::Number, 0))
}

/// A table of `rows` rows: a key that repeats every so often, and one field that differs on some repeats.
fn large(rows: i64) -> (Vec<i64>, Vec<i64>) {
    let key = |row: i64| if row % 10 == 9 { (row * 7) % (rows / 2) } else { row };
    ((0..rows).map(key).collect(), (0..rows).map(|row| if row % 1_000 == 9 { row } else { key(row) % 7 }).collect())
}

fn told(columns: &[Column<'_>], keys: usize) -> Repeats {
    let all: Vec<Repeats> = [(1, Memory::Plain), (2, Memory::Wide), (3, Memory::Wide)]
        .into_iter()
        .map(|(threads, memory)| {
            Differ::new(threads, memory).expect("threads").repeats(columns, keys).expect("a table")
        })
        .collect();
    assert!(all.windows(2).all(|two| two[0] == two[1]), "the answer follows from the threads");
    all.into_iter().next().expect("three answers")
}

#[test]
fn many_rows_repeat_by_the_rules() {
    let (key, field) = large(200_000);
    let cells = |values: &[i64]| values.iter().map(|&n| Cell::Int(n.into())).collect();
    let frame = vec![Store::new(Kind::I64, cells(&key)), Store::new(Kind::I64, cells(&field))];
    let expected = expected(&frame, 1);
    assert!(expected.copies.rows.len() > 10_000 && expected.others.rows.len() > 100);
    assert_eq!(expected, told(&[ints(&key), ints(&field)], 1));
}

/// Texts too long and too different to be spelled: their handle is a hash.
#[test]
fn long_texts_are_told_apart_in_the_column() {
    let words: Vec<String> =
        (0..70_000_u64).map(|n| format!("{:064x}", (n % 60_000).wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    let bytes: String = words.concat();
    let ends: Vec<i64> = (0..=70_000).map(|n| n * 64).collect();
    let key = Column::new(Values::Text(Texts::large(&ends, bytes.as_bytes(), None)), None, (Class::Text, 0));
    let found = told(&[key], 1);
    assert_eq!((60_000..70_000).collect::<Vec<u32>>(), found.copies.rows);
    assert_eq!((0..10_000).collect::<Vec<u32>>(), found.copies.of);
    assert!(found.others.rows.is_empty() && found.null.is_empty());
}

/// A key that nearly all rows have.
#[test]
fn a_heavy_key_has_one_first_row() {
    let key: Vec<i64> = (0..100_000).map(|row| if row % 10 == 3 { row } else { -1 }).collect();
    let field: Vec<i64> = (0..100_000).map(|row| row % 3).collect();
    let found = told(&[ints(&key), ints(&field)], 1);
    assert_eq!((vec![1, 2], vec![0, 0]), (found.others.rows, found.others.of));
    assert_eq!(90_000 - 3, found.copies.rows.len());
    assert!(found.copies.rows.iter().zip(&found.copies.of).all(|(row, copied)| row % 3 == *copied));
}

#[test]
fn a_table_without_rows_has_no_repeats() {
    assert_eq!(Repeats::default(), told(&[ints(&[])], 1));
}

#[test]
fn what_makes_no_table_is_refused() {
    let mut differ = Differ::new(1, Memory::Plain).expect("threads");
    let mut message = |columns: &[Column<'_>], keys| differ.repeats(columns, keys).expect_err("refused").to_string();
    assert_eq!("0 key columns of 1; at least one and at most all of them", message(&[ints(&[1])], 0));
    assert_eq!("2 key columns of 1; at least one and at most all of them", message(&[ints(&[1])], 2));
    let ragged = message(&[ints(&[1]), ints(&[1, 2])], 1);
    assert_eq!("column 1 of the given side has 2 rows, and its first column has 1", ragged);
}
