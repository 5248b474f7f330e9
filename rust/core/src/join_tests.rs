use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::column::Ints;

/// Account, key and a term, each row's.
type Rows = Vec<(i64, i64, Option<i64>)>;

/// Columns of those rows, and which of them take part.
struct Side2 {
    account: Vec<i64>,
    key: Vec<i64>,
    term: Vec<i64>,
    known: Vec<u8>,
    chosen: Vec<u32>,
}

impl Side2 {
    /// Every row but each `skip`th takes part.
    fn new(rows: &Rows, skip: u32) -> Self {
        let mut known = vec![0; rows.len().div_ceil(8)];
        for (at, _) in rows.iter().enumerate().filter(|(_, row)| row.2.is_some()) {
            known[at / 8] |= 1 << (at % 8);
        }
        let chosen = (0..u32::try_from(rows.len()).expect("a small test")).filter(|row| row % skip != skip - 1);
        Self {
            account: rows.iter().map(|row| row.0).collect(),
            key: rows.iter().map(|row| row.1).collect(),
            term: rows.iter().map(|row| row.2.unwrap_or(77)).collect(),
            known,
            chosen: chosen.collect(),
        }
    }

    fn columns(&self) -> [Ints<'_>; 3] {
        let known = Bits::new(&self.known, 0, self.term.len());
        [Ints::new(&self.account, None), Ints::new(&self.key, None), Ints::new(&self.term, Some(known))]
    }
}

type Answer = (Vec<Single>, Vec<Group>);

fn expected(left: &Rows, right: &Rows, skip: u32) -> Answer {
    let mut groups: BTreeMap<(i64, i64), Group> = BTreeMap::new();
    for row in Side2::new(left, skip).chosen {
        let (account, key, _) = left[row as usize];
        groups.entry((account, key)).or_default().left.push(row);
    }
    for row in Side2::new(right, skip).chosen {
        let (account, key, _) = right[row as usize];
        groups.entry((account, key)).or_default().right.push(row);
    }
    groups.retain(|_, group| !group.left.is_empty() && !group.right.is_empty());
    let (single, mut many): (Vec<Group>, Vec<Group>) =
        groups.into_values().partition(|group| group.left.len() == 1 && group.right.len() == 1);
    many.sort_by_key(|group| group.left[0]);
    let one = |group: Group| {
        let (l, r) = (group.left[0], group.right[0]);
        let terms = (left[l as usize].2, right[r as usize].2);
        let differs = matches!(terms, (Some(a), Some(b)) if a != b);
        Single { left: l, right: r, differing: u64::from(differs) }
    };
    let mut single: Vec<Single> = single.into_iter().map(one).collect();
    single.sort_unstable();
    (single, many)
}

fn found(left: &Rows, right: &Rows, skip: u32, way: Way) -> Answer {
    let (left, right) = (Side2::new(left, skip), Side2::new(right, skip));
    let (a, b) = (left.columns(), right.columns());
    let keys = [Field::Ints(&a[0], &b[0]), Field::Ints(&a[1], &b[1])];
    let mut groups = join_by(&keys, &[Field::Ints(&a[2], &b[2])], ((&left.chosen, &right.chosen), way));
    groups.single.sort_unstable();
    (groups.single, groups.many)
}

fn rows() -> impl Strategy<Value = Rows> {
    let term = prop::sample::select(vec![None, Some(0), Some(1), Some(77)]);
    prop::collection::vec((0_i64..3, -9_i64..9, term), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_ways_agree_with_a_map(left in rows(), right in rows(), skip in 1_u32..5) {
        let expected = expected(&left, &right, skip + 1);
        prop_assert_eq!(&expected, &found(&left, &right, skip + 1, Way::OneByOne));
        prop_assert_eq!(&expected, &found(&left, &right, skip + 1, Way::DealtOut));
    }
}

/// Enough rows for several tasks and parts, a tenth of them keyed like another one.
#[test]
fn both_ways_agree_with_a_map_over_many_parts() {
    let rows = |rows: i64, step: i64| -> Rows {
        (0..rows).map(|n| (i64::from(n % 3 == 0), n * step % 150_000, (n % 7 > 0).then_some(n % 2))).collect()
    };
    let (left, right) = (rows(160_000, 7), rows(170_000, 11));
    for skip in [9, u32::MAX] {
        let expected = expected(&left, &right, skip);
        assert!(expected.0.len() > 40_000 && expected.1.len() > 4_000, "{} {}", expected.0.len(), expected.1.len());
        assert!(expected == found(&left, &right, skip, Way::DealtOut));
        assert!(expected == found(&left, &right, skip, Way::OneByOne));
    }
}

#[test]
fn one_key_everywhere_is_one_group() {
    let all: Rows = vec![(0, 1, None); 100_000];
    for way in [Way::OneByOne, Way::DealtOut] {
        let (single, many) = found(&all, &all, u32::MAX, way);
        assert_eq!((single.len(), many.len()), (0, 1));
        assert_eq!((many[0].left.len(), many[0].right.len()), (100_000, 100_000));
    }
}
