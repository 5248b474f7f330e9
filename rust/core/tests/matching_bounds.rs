//! Rule 12 at size: thousands of look-alike orders are one group, told in about as many lines as there are rows.

mod support;

use std::collections::BTreeSet;

use support::{Frame, Layout, Row};
use tieout_core::matching::CANDIDATES_NAMED_MAX;
use tieout_core::{Matching, Settings, match_orders};

const SETTINGS: Settings = Settings { window_ns: 1_000, price_tolerance_e8: 5, accept_unique: true };

/// Orders that differ in nothing but their time, so many nanoseconds apart.
fn alike(rows: i64, apart: i64) -> Vec<Row> {
    let text = |text: &str| Some(text.to_owned());
    let row = |n: i64| Row {
        account: text("DU1"),
        symbol: text("ES"),
        side: text("BUY"),
        quantity_e8: Some(100_000_000),
        limit_price_e8: Some(n % 5),
        placed_ns: Some(n * apart),
        status: text("Submitted"),
        ..Row::default()
    };
    (0..rows).map(row).collect()
}

fn matched(broker: &[Row], book: &[Row]) -> Matching {
    let (broker, book) = (Frame::new(broker, Layout::Views), Frame::new(book, Layout::Views));
    match_orders(&broker.orders(), &book.orders(), &SETTINGS).expect("columns of one length")
}

#[test]
fn rule_12_a_large_group_names_every_row_and_few_candidates_of_each() {
    let rows = 4_000;
    let found = matched(&alike(rows, 0), &alike(rows, 0));
    let edges = &found.ambiguous;
    assert_eq!((0, 0, 0), (found.pairs.len(), found.broker_only.len(), found.book_only.len()));
    let all: BTreeSet<u32> = (0..u32::try_from(rows).expect("a small number")).collect();
    assert_eq!(all, edges.iter().map(|edge| edge.broker).collect());
    assert_eq!(all, edges.iter().filter_map(|edge| edge.book).collect());
    assert!(edges.iter().all(|edge| i64::from(edge.candidates) == rows && edge.group == 0));
    // 65,536 in all make 16 of each of 4,000; the book rows that those do not name have one each.
    assert_eq!(4_000 * 16 + 4_000 - 16, edges.len());
}

#[test]
fn rule_12_a_group_of_up_to_1024_names_as_many_as_it_may() {
    let found = matched(&alike(1_024, 0), &alike(100, 0));
    assert_eq!(1_024 * CANDIDATES_NAMED_MAX + 100 - CANDIDATES_NAMED_MAX, found.ambiguous.len());
}

#[test]
fn a_chain_of_near_orders_is_one_group_and_far_ones_are_pairs() {
    let chain = matched(&alike(3_000, 1_000), &alike(3_000, 1_000));
    assert!(chain.ambiguous.iter().all(|edge| edge.group == 0 && edge.candidates <= 3));
    let far = matched(&alike(3_000, 2_000), &alike(3_000, 2_000));
    assert_eq!((3_000, 0), (far.pairs.len(), far.ambiguous.len()));
}
