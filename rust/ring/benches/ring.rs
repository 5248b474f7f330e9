//! The rings beside rtrb and crossbeam's `ArrayQueue`, per record of 64 bytes: `cargo bench -p tieout-ring`, or once
//! each with `-- --test`. Every lane shows first that records come out whole and in order.

mod lanes;
mod loops;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lanes::{Push, Take};
use loops::{Across, BATCH, record};
use tieout_ring::WhenFull;
use tieout_ring::tick::TickRecord;

const SLOTS: [usize; 2] = [1 << 10, 1 << 16];
const CHECKED: u64 = 300_000;
const OLDEST: WhenFull = WhenFull::DropOldest { batch: 64 };

fn check<P: Push, T: Take, const SINGLE: bool>(ends: (P, T)) {
    let mut next = 0;
    Across::new::<P, SINGLE>(ends).run::<SINGLE>(CHECKED, |found| {
        assert_eq!(*found, record(next));
        next += 1;
    });
    assert_eq!(next, CHECKED);
}

fn bench_lane<P: Push, T: Take>(criterion: &mut Criterion, name: &str, make: impl Fn(usize) -> (P, T)) {
    check::<P, T, true>(make(1000));
    check::<P, T, false>(make(1000));
    for slots in SLOTS {
        let mut group = criterion.benchmark_group(format!("one thread, {slots} slots"));
        group.throughput(Throughput::Elements(1));
        let (mut producer, mut consumer) = make(slots);
        let mut number = 0;
        group.bench_function(BenchmarkId::new("single", name), |bench| {
            bench.iter(|| {
                number += 1;
                producer.push(black_box(record(number)));
                black_box(consumer.pop())
            });
        });
        let (records, mut taken) = ([record(7); BATCH], [record(0); BATCH]);
        group.throughput(Throughput::Elements(BATCH as u64));
        group.bench_function(BenchmarkId::new("batch of 64", name), |bench| {
            bench.iter(|| {
                producer.push_batch(black_box(&records));
                consumer.pop_batch(black_box(&mut taken))
            });
        });
        group.finish();
        let mut group = criterion.benchmark_group(format!("two threads, {slots} slots"));
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("single", name), |bench| {
            let mut across = Across::new::<P, true>(make(slots));
            bench.iter_custom(|count| across.run::<true>(count, |taken| _ = black_box(taken)));
        });
        group.bench_function(BenchmarkId::new("batch of 64", name), |bench| {
            let mut across = Across::new::<P, false>(make(slots));
            bench.iter_custom(|count| across.run::<false>(count, |taken| _ = black_box(taken)));
        });
        group.finish();
    }
}

fn bench_lanes(criterion: &mut Criterion) {
    bench_lane(criterion, "rtrb", rtrb::RingBuffer::<TickRecord>::new);
    bench_lane(criterion, "spsc drop_newest", |slots| lanes::spsc(slots, WhenFull::DropNewest));
    bench_lane(criterion, "spsc drop_oldest", |slots| lanes::spsc(slots, OLDEST));
    bench_lane(criterion, "ArrayQueue", lanes::array_queue);
    bench_lane(criterion, "mpsc drop_newest", |slots| lanes::mpsc(slots, WhenFull::DropNewest));
}

/// Pushes onto a full ring.
fn bench_full(criterion: &mut Criterion) {
    for slots in SLOTS {
        let mut group = criterion.benchmark_group(format!("onto a full ring, {slots} slots"));
        let queue = crossbeam_queue::ArrayQueue::new(slots);
        let (mut spsc, mut spsc_end) = lanes::spsc(slots, OLDEST);
        let (mut mpsc, mut mpsc_end) = lanes::mpsc(slots, OLDEST);
        let last = 3 * slots as u64 - 1;
        for number in 0..=last {
            queue.force_push(record(number));
            assert_eq!((spsc.push(&record(number)).stored, mpsc.push(&record(number)).stored), (1, 1));
        }
        let rest = |take: &mut dyn FnMut() -> Option<TickRecord>| std::iter::from_fn(take).last();
        assert_eq!(rest(&mut || queue.pop()), Some(record(last)));
        assert_eq!(rest(&mut || spsc_end.pop()), Some(record(last)));
        assert_eq!(rest(&mut || mpsc_end.pop()), Some(record(last)));

        let mut number = 0;
        group.bench_function("ArrayQueue force_push", |bench| {
            bench.iter(|| {
                number += 1;
                queue.force_push(black_box(record(number)))
            });
        });
        group.bench_function("spsc drop_oldest by 64", |bench| {
            bench.iter(|| {
                number += 1;
                spsc.push(&black_box(record(number)))
            });
        });
        group.bench_function("mpsc drop_oldest by 64", |bench| {
            bench.iter(|| {
                number += 1;
                mpsc.push(&black_box(record(number)))
            });
        });
        group.finish();
    }
}

criterion_group!(benches, bench_full, bench_lanes);
criterion_main!(benches);
