//! Fingerprints of generated orders: `cargo bench`, or once each with `cargo bench -- --test`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tieout_core::column::{Bits, Bools, Ints, Texts};
use tieout_core::fingerprint::{BOOLS, INTS, OrderColumns, TEXTS, encode, fingerprint, fingerprints};

const ROWS: usize = 50_000;

fn bench_fingerprint(criterion: &mut Criterion) {
    let text = b"DU1234567";
    let width = i32::try_from(text.len()).expect("a short text");
    let offsets: Vec<i32> = (0..).step_by(text.len()).take(ROWS + 1).collect();
    assert_eq!(offsets[1], width);
    let bytes = text.repeat(ROWS);
    let numbers: Vec<i64> = (0..).take(ROWS).collect();
    let set = vec![0xff_u8; ROWS.div_ceil(8)];
    let orders = OrderColumns {
        texts: std::array::from_fn(|_| Texts::small(&offsets, &bytes, None)),
        ints: std::array::from_fn(|_| Ints::new(&numbers, None)),
        bools: std::array::from_fn(|_| Bools::new(Bits::new(&set, 0, ROWS), None)),
    };
    let seventh = tieout_core::fingerprint::Order {
        texts: [Some("DU1234567"); TEXTS.len()],
        ints: [Some(7); INTS.len()],
        bools: [true; BOOLS.len()],
    };
    let prints = fingerprints(&orders).expect("columns of one length");
    assert_eq!(prints[7], fingerprint(&encode(&seventh)));

    let mut group = criterion.benchmark_group("fingerprint");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("a batch", |bench| bench.iter(|| fingerprints(black_box(&orders))));
    group.throughput(Throughput::Elements(1));
    group.bench_function("one", |bench| bench.iter(|| fingerprint(&encode(black_box(&seventh)))));
    group.finish();
}

criterion_group!(benches, bench_fingerprint);
criterion_main!(benches);
