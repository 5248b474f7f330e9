use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn coordinate() -> impl Strategy<Value = i64> {
    prop_oneof![8 => -20_i64..20, 1 => Just(i64::MIN), 1 => Just(i64::MAX)]
}

fn distance() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0_u64..12, 1 => Just(u64::MAX)]
}

fn near(a: &Point, b: &Point, distance: [u64; DIMENSIONS]) -> bool {
    (0..DIMENSIONS).all(|d| a.at[d].abs_diff(b.at[d]) <= distance[d])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_those_of_looking_at_every_point(
        places in prop::collection::vec([coordinate(), coordinate(), coordinate()], 1..120),
        centers in prop::collection::vec([coordinate(), coordinate(), coordinate()], 1..20),
        distance in [distance(), distance(), distance()],
        limit in 0_usize..8,
    ) {
        let points: Vec<Point> = (0..).zip(places).map(|(row, at)| Point { at, row }).collect();
        let mut tree = Tree::new(points.clone());
        let mut rest = points.clone();
        for at in centers {
            let center = Point { at, row: 0 };
            let reach = Reach::around(&center, distance);
            let held: BTreeSet<u32> = points.iter().filter(|p| near(p, &center, distance)).map(|p| p.row).collect();
            prop_assert_eq!(held.len(), tree.count(&reach));
            let mut named = Vec::new();
            tree.name(&reach, limit, &mut named);
            prop_assert_eq!(held.len().min(limit), named.iter().filter(|row| held.contains(row)).count());
            prop_assert_eq!(named.len(), named.iter().collect::<BTreeSet<_>>().len());
            let mut taken = Vec::new();
            tree.take(&reach, &mut taken);
            taken.sort_by_key(|point| point.row);
            let (expected, left): (Vec<Point>, _) = rest.into_iter().partition(|point| near(point, &center, distance));
            rest = left;
            prop_assert_eq!(expected, taken);
        }
    }
}

#[test]
fn alike_points_make_a_tree_too() {
    let points: Vec<Point> = (0..1_000).map(|row| Point { at: [5; DIMENSIONS], row }).collect();
    let mut tree = Tree::new(points.clone());
    let reach = Reach::around(&points[0], [0; DIMENSIONS]);
    assert_eq!(1_000, tree.count(&reach));
    let mut taken = Vec::new();
    tree.take(&reach, &mut taken);
    assert_eq!(1_000, taken.len());
    tree.take(&reach, &mut taken);
    assert_eq!(1_000, taken.len());
}
