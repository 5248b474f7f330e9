//! The numbered invariants of `tieout_core::matching`, on generated orders.

#[path = "support/model.rs"]
mod model;
mod support;

use std::collections::{BTreeMap, BTreeSet};

use model::{Fate, Group, Model};
use proptest::prelude::*;
use support::{Frame, Layout, Row};
use tieout_core::{Matching, Settings, match_orders};

fn one_of<T: Clone + std::fmt::Debug + 'static>(values: &[T]) -> impl Strategy<Value = T> + use<T> {
    prop::sample::select(values.to_vec())
}

fn maybe(values: &[&'static str]) -> impl Strategy<Value = Option<String>> + use<> {
    let values: Vec<Option<String>> = values.iter().map(|value| Some((*value).to_owned())).collect();
    prop_oneof![1 => Just(None), 3 => prop::sample::select(values)]
}

fn rarely<T: Clone + std::fmt::Debug + 'static>(values: &[T]) -> impl Strategy<Value = Option<T>> + use<T> {
    prop_oneof![3 => Just(None), 1 => one_of(values).prop_map(Some)]
}

prop_compose! {
    fn identity()(
        account in prop_oneof![1 => Just(None), 12 => Just(Some("DU1")), 4 => Just(Some("DU2"))],
        perm_id in rarely(&[0, 1, 2, 3, 4]),
        order_ref in rarely(&["", "a", "b", "a reference of more than twelve bytes"]),
        client_id in rarely(&[0, 1]),
        order_id in one_of(&[None, Some(0), Some(7), Some(8), Some(-1)]),
        session in rarely(&["s1", "s2"]),
    ) -> Row {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Row {
            account: owned(account), perm_id, order_ref: owned(order_ref), client_id, order_id,
            session: owned(session), ..Row::default()
        }
    }
}

prop_compose! {
    fn order()(
        row in identity(),
        con_id in rarely(&[100, 200]),
        symbol in maybe(&["ES", "ES", "ES", "MES"]),
        expiry in rarely(&["202512", "202603"]),
        local_symbol in rarely(&["a local symbol that is long", "another local symbol"]),
        strike_e8 in prop_oneof![9 => Just(None), 1 => Just(Some(1))],
        side in maybe(&["BUY", "BUY", "BUY", "SELL"]),
        quantity_e8 in one_of(&[None, Some(1), Some(1), Some(2)]),
        prices in (one_of(&[None, Some(10), Some(11), Some(13)]), rarely(&[10, 12])),
        status in maybe(&["Submitted", "Submitted", "PreSubmitted", "Inactive", "Filled", "orphaned_deleted"]),
        placed_ns in one_of(&[None, Some(0), Some(2), Some(3), Some(6), Some(i64::MAX), Some(i64::MIN)]),
        inexact in one_of(&[false, false, false, false, false, false, true]),
    ) -> Row {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Row {
            con_id, symbol, expiry: owned(expiry), local_symbol: owned(local_symbol), strike_e8, side, quantity_e8,
            limit_price_e8: prices.0, stop_price_e8: prices.1, status, placed_ns, inexact, ..row
        }
    }
}

fn orders() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(order(), 0..14)
}

/// A book whose rows are mostly a broker row with something forgotten.
fn sides() -> impl Strategy<Value = (Vec<Row>, Vec<Row>)> {
    let forget = |mut row: Row, what: u8| {
        match what {
            0 => row.perm_id = None,
            1 => (row.perm_id, row.order_ref) = (None, None),
            2 => (row.perm_id, row.order_ref, row.order_id) = (None, None, None),
            3 => (row.con_id, row.expiry, row.local_symbol) = (None, None, None),
            4 => row.placed_ns = None,
            _ => {}
        }
        row
    };
    (orders(), orders(), any::<prop::sample::Index>()).prop_flat_map(move |(broker, extra, cut)| {
        let kept = if broker.is_empty() { 0 } else { cut.index(broker.len() + 1) };
        let whats = prop::collection::vec(0_u8..7, kept);
        (Just(broker), Just(extra), whats).prop_map(move |(broker, extra, whats)| {
            let copies = broker.iter().cloned().zip(whats).map(|(row, what)| forget(row, what));
            let book = copies.chain(extra.into_iter().take(5)).collect();
            (broker, book)
        })
    })
}

fn settings() -> impl Strategy<Value = Settings> {
    let (windows, tolerances) = (one_of(&[0, 1, 2, 5, u64::MAX]), one_of(&[0, 0, 1, 2, u64::MAX]));
    (windows, tolerances, any::<bool>()).prop_map(|(window_ns, price_tolerance_e8, accept_unique)| Settings {
        window_ns,
        price_tolerance_e8,
        accept_unique,
    })
}

fn matched(broker: &[Row], book: &[Row], settings: Settings) -> Matching {
    let (broker, book) = (Frame::new(broker, Layout::Small), Frame::new(book, Layout::Views));
    match_orders(&broker.orders(), &book.orders(), &settings).expect("columns of one length")
}

fn groups(matching: &Matching) -> BTreeSet<Group> {
    let mut groups: BTreeMap<u32, Group> = BTreeMap::new();
    for edge in &matching.ambiguous {
        let new = Group { edges: BTreeSet::new(), tier: edge.tier, reason: edge.reason };
        let group = groups.entry(edge.group).or_insert(new);
        assert_eq!((edge.tier, edge.reason), (group.tier, group.reason), "a group has one reason");
        let book = edge.book.map(|book| book as usize);
        assert!(group.edges.insert((edge.broker as usize, book, edge.candidates as usize)), "an edge is named once");
    }
    groups.into_values().collect()
}

fn fates(rows: usize, only: &[u32], pairs: impl Iterator<Item = (u32, Fate)>) -> Vec<Fate> {
    let mut fates = vec![Fate::Ambiguous; rows];
    let open = only.iter().map(|&row| (row, Fate::Open));
    for (row, fate) in open.chain(pairs) {
        assert_eq!(fates[row as usize], Fate::Ambiguous, "row {row} has one fate");
        fates[row as usize] = fate;
    }
    fates
}

/// The multiset of what became of the rows, which says nothing of their order.
fn census(broker: &[Row], book: &[Row], matching: &Matching) -> BTreeMap<String, usize> {
    let mut census = BTreeMap::new();
    let mut count = |line: String| *census.entry(line).or_default() += 1;
    for pair in &matching.pairs {
        count(format!("{:?} {:?} {:?}", pair.tier, broker[pair.broker as usize], book[pair.book as usize]));
    }
    matching.broker_only.iter().for_each(|&row| count(format!("broker {:?}", broker[row as usize])));
    matching.book_only.iter().for_each(|&row| count(format!("book {:?}", book[row as usize])));
    for edge in &matching.ambiguous {
        let book = edge.book.map(|row| &book[row as usize]);
        let why = (edge.tier, edge.reason, edge.candidates);
        count(format!("{why:?} {:?} {book:?}", broker[edge.broker as usize]));
    }
    census
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Invariants 3 to 11: what the rules say, word by word, is what comes out.
    #[test]
    fn invariants_3_to_11_the_kernel_agrees_with_the_rules((broker, book) in sides(), settings in settings()) {
        let model = Model::new(&broker, &book, settings);
        let matching = matched(&broker, &book, settings);
        let paired = |pair: &tieout_core::Pair| (pair.broker, Fate::Paired(pair.book as usize, pair.tier));
        let mates = |pair: &tieout_core::Pair| (pair.book, Fate::Paired(pair.broker as usize, pair.tier));
        prop_assert_eq!(&model.groups, &groups(&matching));
        prop_assert_eq!(model.broker, fates(broker.len(), &matching.broker_only, matching.pairs.iter().map(paired)));
        prop_assert_eq!(model.book, fates(book.len(), &matching.book_only, matching.pairs.iter().map(mates)));
    }

    /// Invariant 10, where forks are common: live orders of few permanent ids and keys, each knowing other fields.
    #[test]
    fn invariant_10_forks((broker, book) in sides(), by_ref in any::<bool>()) {
        let close = |row: &Row| Row {
            account: Some("DU1".to_owned()),
            order_ref: by_ref.then(|| "a".to_owned()),
            client_id: row.client_id.or(Some(0)),
            status: Some(if row.inexact { "Filled" } else { "Submitted" }.to_owned()),
            ..row.clone()
        };
        let broker: Vec<Row> = broker.iter().map(close).collect();
        let settings = Settings { window_ns: 1, price_tolerance_e8: 0, accept_unique: true };
        let expected = Model::new(&broker, &book, settings).groups;
        prop_assert_eq!(expected, groups(&matched(&broker, &book, settings)));
    }

    /// Invariant 11, where nothing else decides: few permanent ids, no other key, one account, side and quantity.
    #[test]
    fn invariant_11_signatures((broker, book) in sides(), settings in settings(), sparse in any::<bool>()) {
        let close = |(at, row): (usize, &Row)| Row {
            account: Some("DU1".to_owned()),
            order_ref: None,
            order_id: None,
            side: Some("BUY".to_owned()),
            symbol: Some("ES".to_owned()),
            quantity_e8: if sparse { i64::try_from(at).ok() } else { Some(1) },
            ..row.clone()
        };
        let broker: Vec<Row> = broker.iter().enumerate().map(close).collect();
        let book: Vec<Row> = book.iter().enumerate().map(close).collect();
        prop_assert_eq!(Model::new(&broker, &book, settings).groups, groups(&matched(&broker, &book, settings)));
    }

    /// Invariant 1: every row once, and what is ambiguous is in an edge. A fork's edges name book rows that are not.
    #[test]
    fn invariant_1_partition((broker, book) in sides(), settings in settings()) {
        let matching = matched(&broker, &book, settings);
        let forked = |edge: &tieout_core::Edge| edge.reason.as_str().starts_with("forked");
        let edges = matching.ambiguous.iter();
        let ambiguous: BTreeSet<u32> = edges.clone().map(|edge| edge.broker).collect();
        let mut rows: Vec<u32> = matching.pairs.iter().map(|pair| pair.broker).collect();
        rows.extend(&matching.broker_only);
        rows.extend(ambiguous);
        rows.sort_unstable();
        prop_assert_eq!(rows, (0..u32::try_from(broker.len())?).collect::<Vec<_>>());
        let ambiguous: BTreeSet<u32> = edges.filter(|edge| !forked(edge)).filter_map(|edge| edge.book).collect();
        let mut rows: Vec<u32> = matching.pairs.iter().map(|pair| pair.book).collect();
        rows.extend(&matching.book_only);
        rows.extend(ambiguous);
        rows.sort_unstable();
        prop_assert_eq!(rows, (0..u32::try_from(book.len())?).collect::<Vec<_>>());
    }

    /// Invariant 2: shuffled sides give the same fates.
    #[test]
    fn invariant_2_row_order(
        (broker, book) in sides(), settings in settings(), seed in any::<u64>(),
    ) {
        let shuffle = |rows: &[Row]| {
            let mut rows = rows.to_vec();
            let mut state = seed | 1;
            for at in (1..rows.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                rows.swap(at, usize::try_from(state >> 33).unwrap_or(0) % (at + 1));
            }
            rows
        };
        let before = census(&broker, &book, &matched(&broker, &book, settings));
        let (broker, book) = (shuffle(&broker), shuffle(&book));
        prop_assert_eq!(before, census(&broker, &book, &matched(&broker, &book, settings)));
    }

    /// The layout of text columns says nothing about their values.
    #[test]
    fn text_layouts_are_alike((broker, book) in sides(), settings in settings()) {
        let expected = matched(&broker, &book, settings);
        for layout in [Layout::Small, Layout::Large, Layout::Views] {
            let frames = (Frame::new(&broker, layout), Frame::new(&book, Layout::Large));
            let found = match_orders(&frames.0.orders(), &frames.1.orders(), &settings);
            prop_assert_eq!(found.as_ref(), Ok(&expected));
        }
    }

    /// Invariant 11: a wider window loses no candidate.
    #[test]
    fn invariant_11_monotone_in_the_window((broker, book) in sides(), settings in settings(), more in 0_u64..5) {
        let wider = Settings { window_ns: settings.window_ns.saturating_add(more), ..settings };
        let (narrow, wide) = (matched(&broker, &book, settings), matched(&broker, &book, wider));
        let alone = |matching: &Matching| matching.broker_only.iter().copied().collect::<BTreeSet<u32>>();
        prop_assert!(alone(&wide).is_subset(&alone(&narrow)));
    }

    /// Invariants 7 to 11, exactness of one to one: who is paired is in no other pair and in no edge, but for a fork's.
    #[test]
    fn invariants_7_to_11_a_pair_is_the_only_possibility((broker, book) in sides(), settings in settings()) {
        let matching = matched(&broker, &book, settings);
        let (lefts, rights): (Vec<u32>, Vec<u32>) = matching.pairs.iter().map(|pair| (pair.broker, pair.book)).unzip();
        let (left_set, right_set): (BTreeSet<u32>, BTreeSet<u32>) =
            (lefts.iter().copied().collect(), rights.iter().copied().collect());
        prop_assert_eq!((lefts.len(), rights.len()), (left_set.len(), right_set.len()));
        for edge in &matching.ambiguous {
            let forked = edge.reason.as_str().starts_with("forked");
            prop_assert!(!left_set.contains(&edge.broker));
            prop_assert!(forked || edge.book.is_none_or(|book| !right_set.contains(&book)));
        }
    }

    /// Invariants 7 to 9 and 11: with every order live, neither side is special.
    #[test]
    fn invariants_7_to_11_sides_are_symmetric((broker, book) in sides(), settings in settings()) {
        // A fork is asked of the broker alone, and so is what is over: without either, and with no key of a fork.
        let live = |at: usize, row: &Row| Row {
            status: Some("Submitted".to_owned()),
            perm_id: row.perm_id.filter(|_| at.is_multiple_of(2)),
            order_ref: row.order_ref.clone().filter(|_| row.perm_id.is_none()),
            order_id: None,
            ..row.clone()
        };
        let all = |rows: &[Row]| rows.iter().enumerate().map(|(at, row)| live(at, row)).collect::<Vec<Row>>();
        let (broker, book) = (all(&broker), all(&book));
        let forks = |matching: &Matching| matching.ambiguous.iter().any(|edge| edge.reason.as_str().starts_with("forked"));
        let (forth, back) = (matched(&broker, &book, settings), matched(&book, &broker, settings));
        prop_assume!(!forks(&forth) && !forks(&back));
        let pairs: BTreeSet<_> = forth.pairs.iter().map(|pair| (pair.broker, pair.book, pair.tier)).collect();
        let turned: BTreeSet<_> = back.pairs.iter().map(|pair| (pair.book, pair.broker, pair.tier)).collect();
        prop_assert_eq!(pairs, turned);
        prop_assert_eq!((forth.broker_only, forth.book_only), (back.book_only, back.broker_only));
    }
}
