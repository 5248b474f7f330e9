//! The bulk diff against the slow and obvious way, on columns of every kind.

mod bulk_support;

use bulk_support::{Answer, Cell, Frame, Kind, Store, columns, request};
use proptest::prelude::*;
use tieout_core::bulk::{Differ, Memory, Request, parts};

/// Kinds that may stand beside each other, and values that all of them hold.
fn family() -> impl Strategy<Value = (Vec<Kind>, BoxedStrategy<Cell>)> {
    let int = |range: std::ops::RangeInclusive<i128>| range.prop_map(Cell::Int).boxed();
    let text = prop_oneof!["[ab]{0,2}", "[0-9a-f]{8}\\.[01]{2}", "a text of more than twelve [xy]", any::<String>()];
    let float = prop_oneof![
        Just(0.0),
        Just(-0.0),
        Just(f64::NAN),
        Just(-f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(0.1),
        Just(0.25),
        Just(0.5),
        (0..4_i32).prop_map(|n| f64::from(n) / 8.0),
        any::<f64>(),
    ];
    let narrow = prop_oneof![Just(f64::NAN), (0..6_i32).prop_map(|n| f64::from(n) / 8.0), Just(-0.0)];
    prop_oneof![
        Just((vec![Kind::I8, Kind::I16, Kind::I32, Kind::I64, Kind::Decimal(0)], int(-128..=127))),
        Just((vec![Kind::U8, Kind::U16, Kind::U32, Kind::U64, Kind::I64], int(0..=255))),
        Just((vec![Kind::I64, Kind::Decimal(0)], int(i64::MIN.into()..=i64::MAX.into()))),
        Just((vec![Kind::U64], int(0..=u64::MAX.into()))),
        Just((vec![Kind::I64, Kind::U64, Kind::Decimal(2), Kind::Decimal(9)], int(0..=3))),
        Just((vec![Kind::Instant(0), Kind::Instant(3), Kind::Instant(9)], int(-2..=3))),
        Just((vec![Kind::Bool], int(0..=1))),
        Just((vec![Kind::F64], float.prop_map(Cell::Float).boxed())),
        Just((vec![Kind::F32, Kind::F64], narrow.prop_map(Cell::Float).boxed())),
        Just((vec![Kind::Small, Kind::Large, Kind::Views, Kind::Coded], text.prop_map(Cell::Text).boxed())),
    ]
}

/// A column of both sides; `few` values, so that keys meet and fields are equal.
fn twin(rows: (usize, usize)) -> impl Strategy<Value = (Store2, Store2)> {
    (family(), any::<bool>(), 1..12_usize).prop_flat_map(move |((kinds, cell), nulls, few)| {
        let pool = prop::collection::vec(cell, few).prop_map(move |mut pool| {
            if nulls {
                pool.push(Cell::Null);
            }
            pool
        });
        let picks = |rows| prop::collection::vec(any::<prop::sample::Index>(), rows);
        let kind = prop::sample::select(kinds);
        (pool, picks(rows.0), picks(rows.1), kind.clone(), kind).prop_map(|(pool, left, right, a, b)| {
            let cells = |picks: Vec<prop::sample::Index>| picks.iter().map(|at| at.get(&pool).clone()).collect();
            ((a, cells(left)), (b, cells(right)))
        })
    })
}

/// The same with one key that ascends on both sides.
fn sorted_frames() -> impl Strategy<Value = (usize, Vec<(Store2, Store2)>, Vec<Option<f64>>)> {
    let kind = prop::sample::select(vec![Kind::I64, Kind::U64, Kind::I32, Kind::U32]);
    let keys = || prop::collection::btree_set(0..60_i128, 0..50);
    let stored = |kind, keys: std::collections::BTreeSet<i128>| (kind, keys.into_iter().map(Cell::Int).collect());
    (kind, keys(), keys()).prop_flat_map(move |(kind, left, right)| {
        let (rows, key) = ((left.len(), right.len()), (stored(kind, left), stored(kind, right)));
        (prop::collection::vec(twin(rows), 1..7), any::<bool>()).prop_map(move |(fields, close)| {
            let far = |kind| (close && matches!(kind, Kind::F32 | Kind::F64)).then_some(0.1);
            let tolerances = fields.iter().map(|((kind, _), _): &(Store2, Store2)| far(*kind)).collect();
            (1, std::iter::once(key.clone()).chain(fields).collect(), tolerances)
        })
    })
}

type Store2 = (Kind, Vec<Cell>);

fn frames() -> impl Strategy<Value = (usize, Vec<(Store2, Store2)>, Vec<Option<f64>>)> {
    (0..40_usize, 0..40_usize).prop_flat_map(|rows| {
        (1..4_usize, prop::collection::vec(twin(rows), 3..10)).prop_flat_map(|(keys, twins)| {
            let tolerances: Vec<_> = twins[keys.min(twins.len())..]
                .iter()
                .map(|((kind, _), _)| {
                    let float = matches!(kind, Kind::F32 | Kind::F64);
                    prop_oneof![Just(None), Just(float.then_some(0.1)), Just(float.then_some(0.0))]
                })
                .collect();
            (Just(keys), Just(twins), tolerances)
        })
    })
}

fn split(twins: Vec<(Store2, Store2)>) -> (Frame, Frame) {
    twins.into_iter().map(|((a, left), (b, right))| (Store::new(a, left), Store::new(b, right))).unzip()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rules_1_to_6_the_answer_is_the_obvious_one((keys, twins, tolerances) in prop_oneof![3 => frames(), 1 => sorted_frames()]) {
        let (left, right) = split(twins);
        let (a, b) = (columns(&left), columns(&right));
        let mut differ = Differ::new(1, Memory::Plain).expect("a thread");
        let asked = Request { tolerances: &tolerances, ..request(&a, &b, keys) };
        let found = differ.diff(&asked).expect("columns of one class");
        prop_assert_eq!(Answer::expected((&left, &right), keys, &tolerances), Answer::of(&found));
        let counted = differ.diff(&Request { list_equal: false, ..asked }).expect("columns of one class");
        prop_assert_eq!(found.equal_count, counted.equal_count);
        prop_assert_eq!((0, found.changed), (counted.equal.len(), counted.changed));
    }

    #[test]
    fn equal_keys_are_in_one_part(((left, right), count) in ((1..20_usize, 1..20_usize).prop_flat_map(twin), 1..9_u32)) {
        let (left, right) = (Store::new(left.0, left.1), Store::new(right.0, right.1));
        let (a, b) = ([left.column()], [right.column()]);
        let part_of = |columns: &[_]| {
            let split = parts(columns, count).expect("a column");
            assert_eq!(count as usize + 1, split.starts.len());
            let mut part_of = vec![None; split.rows.len()];
            for (part, range) in split.starts.windows(2).enumerate() {
                assert!(split.rows[range[0]..range[1]].is_sorted());
                split.rows[range[0]..range[1]].iter().for_each(|&row| part_of[row as usize] = Some(part));
            }
            part_of
        };
        let (of_left, of_right) = (part_of(&a), part_of(&b));
        let mut differ = Differ::new(1, Memory::Plain).expect("a thread");
        for (l, r, _) in Answer::of(&differ.diff(&request(&a, &b, 1)).expect("columns of one class")).pairs {
            prop_assert_eq!(of_left[l as usize], of_right[r as usize]);
        }
        for (at, part) in of_left.iter().enumerate() {
            prop_assert!(left.cells[at] != Cell::Null || *part == Some(0));
        }
    }
}
