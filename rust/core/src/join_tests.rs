use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

type Keys = Vec<(u32, i64)>;

fn keyed(keys: &Keys) -> Vec<Keyed> {
    (0..).zip(keys).map(|(row, &(account, key))| Keyed { key, account, row }).collect()
}

fn expected(left: &Keys, right: &Keys) -> (BTreeSet<(u32, u32)>, Vec<Group>) {
    let mut groups: BTreeMap<(u32, i64), Group> = BTreeMap::new();
    for row in keyed(left) {
        groups.entry((row.account, row.key)).or_default().left.push(row.row);
    }
    for row in keyed(right) {
        groups.entry((row.account, row.key)).or_default().right.push(row.row);
    }
    groups.retain(|_, group| !group.left.is_empty() && !group.right.is_empty());
    let (single, mut many): (Vec<Group>, Vec<Group>) =
        groups.into_values().partition(|group| group.left.len() == 1 && group.right.len() == 1);
    many.sort_by_key(|group| group.left[0]);
    (single.iter().map(|group| (group.left[0], group.right[0])).collect(), many)
}

fn found(left: &Keys, right: &Keys) -> (BTreeSet<(u32, u32)>, Vec<Group>) {
    let groups = join(&keyed(left), &keyed(right));
    let single: BTreeSet<(u32, u32)> = groups.single.iter().copied().collect();
    assert_eq!(groups.single.len(), single.len(), "a pair is found once");
    (single, groups.many)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_a_map(
        left in prop::collection::vec((0_u32..3, -9_i64..9), 0..40),
        right in prop::collection::vec((0_u32..3, -9_i64..9), 0..40),
    ) {
        prop_assert_eq!(expected(&left, &right), found(&left, &right));
    }
}

/// Enough rows for several chunks and parts, a tenth of them keyed like another one.
#[test]
fn agrees_with_a_map_over_many_parts() {
    let keys =
        |rows: i64, step: i64| -> Keys { (0..rows).map(|n| (u32::from(n % 3 == 0), n * step % 150_000)).collect() };
    let (left, right) = (keys(160_000, 7), keys(170_000, 11));
    let (single, many) = expected(&left, &right);
    assert!(single.len() > 50_000 && many.len() > 5_000, "{} {}", single.len(), many.len());
    assert_eq!((single, many), found(&left, &right));
}

#[test]
fn one_key_everywhere_is_one_group() {
    let all: Keys = vec![(0, 1); 100_000];
    let groups = join(&keyed(&all), &keyed(&all));
    assert_eq!((groups.single.len(), groups.many.len()), (0, 1));
    assert_eq!((groups.many[0].left.len(), groups.many[0].right.len()), (100_000, 100_000));
}
