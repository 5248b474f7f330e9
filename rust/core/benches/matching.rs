//! Matching and diff of generated orders: `cargo bench`, or once each with `cargo bench -- --test`.

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use support::{Frame, Layout, Row};
use tieout_core::{Settings, differing_fields, match_orders};

const ROWS: i64 = 50_000;
const SYMBOLS: [&str; 4] = ["ES", "MES", "NQ", "a symbol of more than twelve bytes"];
const SETTINGS: Settings = Settings { window_ns: 300_000_000_000, price_tolerance_e8: 0, accept_unique: false };

fn row(n: i64) -> Row {
    let text = |text: &str| Some(text.to_owned());
    Row {
        account: text("DU1234567"),
        perm_id: Some(1_000_000_000 + n),
        order_ref: Some(format!("strategy-{n:09}")),
        con_id: Some(n % 4),
        symbol: text(SYMBOLS[usize::try_from(n % 4).unwrap_or(0)]),
        sec_type: text("FUT"),
        side: text(if n % 3 == 0 { "SELL" } else { "BUY" }),
        quantity_e8: Some(n % 9 * 100_000_000),
        order_type: text("LMT"),
        limit_price_e8: Some(n % 1_000 * 25_000_000),
        tif: text("DAY"),
        status: text("Submitted"),
        placed_ns: Some(n * 1_000_000_000),
        ..Row::default()
    }
}

/// The book in another order than the broker, as this changes each row.
fn sides(change: impl Fn(Row) -> Row) -> (Frame, Frame) {
    let broker: Vec<Row> = (0..ROWS).map(row).collect();
    let book: Vec<Row> = (0..ROWS).map(|n| change(row(n * 7_919 % ROWS))).collect();
    (Frame::new(&broker, Layout::Views), Frame::new(&book, Layout::Views))
}

/// What is paired and what is ambiguous, to be sure of what is timed.
fn census((broker, book): &(Frame, Frame)) -> (usize, usize) {
    let matching = match_orders(&broker.orders(), &book.orders(), &SETTINGS).expect("columns of one length");
    (matching.pairs.len(), matching.ambiguous.len())
}

fn bench_match(criterion: &mut Criterion) {
    let rows = usize::try_from(ROWS).unwrap_or(0);
    let by_perm_id = sides(|row| Row { con_id: None, ..row });
    assert_eq!((rows, 0), census(&by_perm_id));
    let by_order_ref = sides(|row| Row { perm_id: None, ..row });
    assert_eq!((rows, 0), census(&by_order_ref));
    let by_signature = sides(|row| Row { perm_id: None, order_ref: None, ..row });
    assert_eq!((0, rows), census(&by_signature));
    let mut group = criterion.benchmark_group("match");
    group.sample_size(10).throughput(Throughput::Elements(rows as u64));
    for (name, sides) in [("perm_id", by_perm_id), ("order_ref", by_order_ref), ("signature", by_signature)] {
        group.bench_function(name, |bencher| bencher.iter(|| black_box(census(&sides))));
    }
    group.finish();
}

/// A strategy that sent the same order again and again: one component of all rows.
fn bench_look_alikes(criterion: &mut Criterion) {
    let alike: Vec<Row> = (0..ROWS / 10).map(|_| Row { perm_id: None, order_ref: None, ..row(0) }).collect();
    let sides = (Frame::new(&alike, Layout::Views), Frame::new(&alike, Layout::Views));
    assert!(census(&sides).1 >= alike.len());
    let mut group = criterion.benchmark_group("match");
    group.sample_size(10).throughput(Throughput::Elements(alike.len() as u64));
    group.bench_function("look-alikes", |bencher| bencher.iter(|| black_box(census(&sides))));
    group.finish();
}

fn bench_diff(criterion: &mut Criterion) {
    let (broker, book) = sides(|row| Row { tif: Some("GTC".to_owned()), ..row });
    let (broker, book) = (broker.fields(), book.fields());
    let rows: Vec<u32> = (0..u32::try_from(ROWS).unwrap_or(0)).collect();
    let masks = differing_fields((&broker, &book), &rows, &rows).expect("rows that exist");
    assert!(masks.iter().all(|mask| mask & 0b10_0000 != 0));
    let mut group = criterion.benchmark_group("diff");
    group.sample_size(10).throughput(Throughput::Elements(rows.len() as u64));
    let work = |rows: &[u32]| differing_fields((&broker, &book), rows, rows);
    group.bench_function("fields", |bencher| bencher.iter_batched(|| &rows, |rows| work(rows), BatchSize::SmallInput));
    group.finish();
}

criterion_group!(benches, bench_match, bench_look_alikes, bench_diff);
criterion_main!(benches);
