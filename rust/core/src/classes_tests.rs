use super::*;
use crate::column::Ints;

/// Rows whose hashes are all alike are told apart by what they hold.
#[test]
fn a_hash_alone_never_decides() {
    let (left, right) = ([5, 6, 5, 7, 6], [7, 5]);
    let (left, right) = (Ints::new(&left, None), Ints::new(&right, None));
    let fields = [Field::Ints(&left, &right)];
    let (rows, hash) = ([0, 1, 2, 3, 4], |rows: &[u32]| vec![1; rows.len()]);
    assert!(by_hash(&fields, Side::Left, &rows, hash).is_none());
    assert_eq!(vec![0, 1, 0, 2, 1], by_value(&fields, Side::Left, &rows, hash).classes);
}

#[test]
fn equal_numbers_are_equal_values_on_both_sides() {
    let (left, right) = ([5, 6, 5, 7, 6], [7, 5]);
    let (left, right) = (Ints::new(&left, None), Ints::new(&right, None));
    let classes = classes(&[Field::Ints(&left, &right)], &[0, 1, 2, 4], &[0, 1]);
    assert_eq!((vec![0, 1, 0, 1], vec![2, 0]), (classes.left, classes.right));
    assert_eq!(vec![(Side::Left, 0), (Side::Left, 1), (Side::Right, 0)], classes.leaders);
}
