//! Repeats among generated execution ids: `cargo bench`, or once with `cargo bench -- --test`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tieout_core::bulk::{Class, Column, Differ, Memory, Values};
use tieout_core::column::Texts;

const ROWS: usize = 1_000_000;

/// Texts as an Arrow view column has them.
fn views(texts: impl Iterator<Item = String>) -> (Vec<u128>, String) {
    let (mut views, mut bytes) = (Vec::new(), String::new());
    for text in texts {
        let mut view = [0; 16];
        view[..4].copy_from_slice(&u32::try_from(text.len()).expect("a short text").to_le_bytes());
        view[4..8].copy_from_slice(&text.as_bytes()[..4]);
        view[12..].copy_from_slice(&u32::try_from(bytes.len()).expect("a small column").to_le_bytes());
        views.push(u128::from_le_bytes(view));
        bytes.push_str(&text);
    }
    (views, bytes)
}

fn bench_repeats(criterion: &mut Criterion) {
    let spread = |row: usize| (row as u64 % (ROWS as u64 * 9 / 10)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut group = criterion.benchmark_group("repeats");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.sample_size(20);
    for (name, id) in [
        (
            "hexadecimal ids",
            Box::new(|n: u64| format!("{:08x}.{:08x}.01.01", n >> 32, n & 0xffff_ffff)) as Box<dyn Fn(u64) -> String>,
        ),
        (
            "decimal ids",
            Box::new(|n: u64| format!("{}.{}.01.01", 10_000_000 + n % 100, 20_000_000 + (n >> 32) % 100_000)),
        ),
    ] {
        let (views, bytes) = views((0..ROWS).map(|row| id(spread(row))));
        let ids =
            [Column::new(Values::Text(Texts::views(&views, vec![bytes.as_bytes()], None)), None, (Class::Text, 0))];
        let mut differ = Differ::new(2, Memory::Wide).expect("threads");
        assert!(differ.repeats(&ids, 1).expect("a table").copies.rows.len() >= ROWS / 10);
        group.bench_function(name, |bench| bench.iter(|| differ.repeats(black_box(&ids), 1)));
    }
    group.finish();
}

criterion_group!(benches, bench_repeats);
criterion_main!(benches);
