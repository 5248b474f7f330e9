//! Real threads, as many interleavings as the machine gives: invariants 1, 2, 3 and 5 at the end of each run.
#![cfg(not(loom))]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};

use support::{Kind, Push, Record, number, open, record};
use tieout_ring::record::{SUPERSEDES, instrument};
use tieout_ring::{Settings, WhenFull};

const RECORDS: u64 = if cfg!(miri) { 50 } else { 60_000 };
const INSTRUMENTS: usize = 3;

fn push_all(producer: &mut dyn Push, source: u64, lengths: &[usize]) -> usize {
    let (mut sent, mut lost, mut records) = (0, 0, Vec::new());
    for length in lengths.iter().cycle() {
        records.clear();
        let numbers = sent..RECORDS.min(sent + *length as u64);
        records.extend(numbers.map(|number| record(source | (SUPERSEDES * (number % 2)), number)));
        lost += match records.as_slice() {
            [] => return lost,
            [one] => producer.push(one).lost,
            several => producer.push_batch(several).lost,
        };
        sent += records.len() as u64;
    }
    lost
}

/// So many producers push batches of these lengths; the consumer takes singles and batches in turn.
fn run(kind: Kind, capacity: usize, producers: usize) {
    let (ends, mut consumer, watch) = open(kind, Settings { capacity, instruments: INSTRUMENTS - 1 }, producers);
    let (left, lost) = (AtomicUsize::new(producers), AtomicUsize::new(0));
    let mut taken: Vec<Record> = Vec::new();
    std::thread::scope(|scope| {
        for (source, mut producer) in (0..).zip(ends) {
            let (left, lost) = (&left, &lost);
            scope.spawn(move || {
                lost.fetch_add(push_all(&mut *producer, source, &[1, 7, 1, 1, 40]), Ordering::Relaxed);
                left.fetch_sub(1, Ordering::Release);
            });
        }
        let mut some = [[0; 8]; 16];
        loop {
            let over = left.load(Ordering::Acquire) == 0;
            let before = taken.len();
            taken.extend(consumer.pop());
            let count = consumer.drain(&mut some);
            taken.extend_from_slice(&some[..count]);
            if taken.len() == before {
                if over {
                    break;
                }
                std::thread::yield_now();
            }
        }
    });
    let account = watch.account();
    assert_eq!(account.produced, producers as u64 * RECORDS);
    assert_eq!((account.consumed, account.waiting), (taken.len() as u64, 0));
    assert_eq!(account.dropped + account.conflated, lost.into_inner() as u64);
    assert!(account.balances(), "{account:?}");
    for source in 0..u32::try_from(producers).expect("few") {
        let numbers: Vec<u64> = taken.iter().filter(|one| instrument(one) == source).map(number).collect();
        assert!(numbers.is_sorted_by(|earlier, later| earlier < later), "twice, or out of order");
        assert_eq!(watch.lost_of(source), RECORDS - numbers.len() as u64);
    }
}

const OLDEST: [WhenFull; 2] = [WhenFull::DropOldest { batch: 1 }, WhenFull::DropOldest { batch: 5 }];

#[test]
fn one_producer_that_drops_the_newest() {
    run(Kind::Spsc(WhenFull::DropNewest), 8, 1);
    run(Kind::Spsc(WhenFull::DropNewest), 1_000, 1);
}

#[test]
fn one_producer_that_drops_the_oldest() {
    for when_full in OLDEST {
        run(Kind::Spsc(when_full), 5, 1);
        run(Kind::Spsc(when_full), 64, 1);
    }
}

#[test]
fn several_producers_that_drop_the_newest() {
    run(Kind::Mpsc(WhenFull::DropNewest), 7, INSTRUMENTS);
    run(Kind::Mpsc(WhenFull::DropNewest), 512, INSTRUMENTS);
}

#[test]
fn several_producers_that_drop_the_oldest() {
    for when_full in OLDEST {
        run(Kind::Mpsc(when_full), 5, INSTRUMENTS);
        run(Kind::Mpsc(when_full), 64, INSTRUMENTS);
    }
}

#[test]
fn several_producers_that_conflate() {
    run(Kind::Conflate, 5, INSTRUMENTS);
    run(Kind::Conflate, 64, INSTRUMENTS);
}

/// With nobody taking, the oldest give way and the newest are all there.
#[test]
fn the_newest_survive() {
    for kind in OLDEST.into_iter().flat_map(|when_full| [Kind::Spsc(when_full), Kind::Mpsc(when_full)]) {
        let (mut ends, mut consumer, watch) = open(kind, Settings { capacity: 6, instruments: 1 }, 1);
        let lost = push_all(&mut *ends[0], 0, &[3]) as u64;
        let rest: Vec<u64> = std::iter::from_fn(|| consumer.pop()).map(|one| number(&one)).collect();
        assert_eq!(rest, (lost..RECORDS).collect::<Vec<_>>());
        assert_eq!(watch.lost_of(0), lost);
    }
}
