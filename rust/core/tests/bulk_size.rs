//! The bulk diff at a size at which it has parts, tasks and buffers: order, duplicates in masses, keys of every kind.

mod bulk_support;

use bulk_support::{Answer, Cell, Frame, Kind, Store, columns, request};
use tieout_core::bulk::{Diff, Differ, Memory, Request};

/// Rows of a side: several tasks, and several blocks of memory for a part.
const ROWS: i64 = 70_000;

fn scrambled(n: i64) -> i64 {
    // One-to-one below the prime.
    n * 69_621 % 70_001
}

fn ints(values: impl Iterator<Item = i64>) -> Vec<Cell> {
    values.map(|n| Cell::Int(n.into())).collect()
}

/// How a key column is stored, and its values by row.
type Key = (Kind, fn(i64) -> Cell);

/// A side in its own order: `keys` gives the key columns of a row number.
fn frame(keys: &[Key], right: bool) -> Frame {
    let rows: Vec<i64> = (0..ROWS).map(|n| if right { scrambled(n + 1) } else { scrambled(ROWS - 1 - n) }).collect();
    frame_of(&rows, keys, right)
}

fn frame_of(rows: &[i64], keys: &[Key], right: bool) -> Frame {
    let changed = |n: i64| i64::from(right && n % 100 == 3);
    let mut frame: Frame =
        keys.iter().map(|(kind, key)| Store::new(*kind, rows.iter().map(|&n| key(n)).collect())).collect();
    frame.push(Store::new(Kind::I64, ints(rows.iter().map(|&n| n % 500 * 100_000_000))));
    // Values far away now and then, which do not fit what a sample shows.
    let rare = |n: i64| if n % 997 == 0 { i64::MAX - n } else { n };
    frame.push(Store::new(Kind::I64, ints(rows.iter().map(|&n| rare(n) + changed(n)))));
    let status = |n: i64| ["Filled", "Cancelled", "a status of more than twelve bytes"][usize::from(n % 7 == 0) * 2];
    frame.push(Store::new(Kind::Views, rows.iter().map(|&n| Cell::Text(status(n).to_owned())).collect()));
    frame
}

/// The same answer, order included, whatever the threads and the memory, also from a differ that was used before.
fn diff(left: &Frame, right: &Frame, keys: usize) -> Diff {
    let (a, b) = (columns(left), columns(right));
    let mut differ = Differ::new(2, Memory::Wide).expect("two threads");
    let found = differ.diff(&request(&a, &b, keys)).expect("columns of one class");
    assert_eq!(found, differ.diff(&request(&a, &b, keys)).expect("columns of one class"));
    for (threads, memory) in [(1, Memory::Plain), (3, Memory::Wide)] {
        let mut other = Differ::new(threads, memory).expect("threads");
        assert_eq!(found, other.diff(&request(&a, &b, keys)).expect("columns of one class"));
    }
    let counted = differ.diff(&Request { list_equal: false, ..request(&a, &b, keys) }).expect("columns of one class");
    assert_eq!((found.equal_count, &found.changed), (counted.equal_count, &counted.changed));
    found
}

fn check(keys: &[Key]) -> Answer {
    let (left, right) = (frame(keys, false), frame(keys, true));
    let found = Answer::of(&diff(&left, &right, keys.len()));
    assert_eq!(Answer::expected((&left, &right), keys.len(), &[]), found);
    found
}

#[test]
fn rule_7_one_integer_key() {
    let found = check(&[(Kind::I64, |n| Cell::Int(n.into()))]);
    assert_eq!((69_999, 1), (found.pairs.len(), found.left_only.len()));
    assert_eq!(700, found.pairs.iter().filter(|(_, _, mask)| *mask == 0b10).count());
}

#[test]
fn a_key_of_text_that_can_be_spelled() {
    check(&[(Kind::Views, |n| Cell::Text(format!("{:08x}.{:02}.01", n * 7_919, n % 90)))]);
}

#[test]
fn a_key_of_text_that_takes_more_than_a_word() {
    check(&[(Kind::Large, |n| Cell::Text(format!("{:016x}-{:016x}", n * 7_919, n.wrapping_mul(0x1234_5678_9abc))))]);
}

#[test]
fn a_key_of_text_that_cannot_be_carried() {
    check(&[(Kind::Small, |n| Cell::Text(format!("{}{n}", "long".repeat(20))))]);
}

#[test]
fn a_composite_key_with_nulls() {
    check(&[
        (Kind::Coded, |n| Cell::Text(["DU1", "DU2", "DU3"][usize::from(n % 3 == 0)].to_owned())),
        (Kind::I64, |n| if n % 1_000 == 0 { Cell::Null } else { Cell::Int((n / 2).into()) }),
        (Kind::I32, |n| Cell::Int((n % 2).into())),
    ]);
}

#[test]
fn keys_that_do_not_fit_what_a_sample_shows() {
    // Most are small; some are as far away as 64 bits allow, with another column beside them.
    check(&[
        (Kind::I64, |n| Cell::Int(if n % 911 == 5 { i128::from(i64::MIN) + i128::from(n) } else { n.into() })),
        (Kind::Views, |n| Cell::Text(if n % 1_009 == 7 { format!("?{n}") } else { "DU1".to_owned() })),
    ]);
}

#[test]
fn numbers_far_from_what_a_sample_shows() {
    // A few, which have no record.
    check(&[(Kind::I64, |n| Cell::Int(if n % 911 == 5 { i128::from(i64::MIN) + i128::from(n) } else { n.into() }))]);
    // Nearly all, since the rows at equal distances that a sample takes are not like the others.
    let sampled: Vec<i64> = (0..2048).map(|n| n * (ROWS - 1) / 2047).collect();
    let far = |row: i64| if sampled.binary_search(&row).is_ok() { row } else { i64::MAX - row };
    let side = |add: i64| -> Frame {
        vec![
            Store::new(Kind::I64, ints((0..ROWS).map(far))),
            Store::new(Kind::I64, ints((0..ROWS).map(|n| n % 9 + add))),
        ]
    };
    let (left, right) = (side(0), side(1));
    let found = Answer::of(&diff(&left, &right, 1));
    assert_eq!(Answer::expected((&left, &right), 1, &[]), found);
}

#[test]
fn rule_3_duplicates_in_masses_and_here_and_there() {
    let found = check(&[(Kind::I64, |n| Cell::Int(if n % 10 == 0 { n.into() } else { 7 }))]);
    assert_eq!(1, found.duplicate_keys);
    assert!(found.duplicate_left.len() > 60_000);
    let found = check(&[(Kind::I64, |n| Cell::Int((if n % 50 == 0 { n / 100 } else { 1_000_000 + n }).into()))]);
    assert!(found.duplicate_keys > 500);
}

#[test]
fn sorted_keys_that_are_merged() {
    let keys: [Key; 2] = [
        (Kind::I64, |n| Cell::Int((n - 30_000).into())),
        (Kind::U64, |n| Cell::Int(i128::from(u64::MAX) - 70_000 + i128::from(n))),
    ];
    for key in keys {
        let side = |drop: i64, right| {
            let rows: Vec<i64> = (0..ROWS).filter(|n| n % drop != 5 && n / 2_000 != drop % 30).collect();
            frame_of(&rows, &[key], right)
        };
        let (left, right) = (side(211, false), side(173, true));
        let found = diff(&left, &right, 1);
        assert_eq!(Answer::expected((&left, &right), 1, &[]), Answer::of(&found));
    }
}

#[test]
fn sorted_keys_and_sides_that_share_nothing() {
    let sorted = |start: i64| -> Frame {
        vec![Store::new(Kind::I64, ints(start..start + ROWS)), Store::new(Kind::I64, ints((0..ROWS).map(|n| n % 9)))]
    };
    for (left, right) in [(sorted(0), sorted(0)), (sorted(-30_000), sorted(1)), (sorted(0), sorted(1_000_000))] {
        let found = diff(&left, &right, 1);
        assert_eq!(Answer::expected((&left, &right), 1, &[]), Answer::of(&found));
    }
}
