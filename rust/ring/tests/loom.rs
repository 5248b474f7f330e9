//! Every interleaving of small cases, and every value that a relaxed load may see: `make ring-loom`.
//!
//! What loom does not do is let a load see a later store. The slots' witness (`src/slot.rs`) puts a store in the place
//! of the reads that must come first, so that the edges which forbid it are searched all the same.
#![cfg(loom)]

use loom::thread;
use tieout_ring::{Account, Settings, Watch, WhenFull, conflate, mpsc, spsc};

type Record = [u64; 2];

/// No record is all zeros, as slots are before the first.
fn record(source: u64, number: u64) -> Record {
    [source, (source + 1) << 32 | number]
}

/// Whole, and each source's in order.
fn check(taken: &[Record]) {
    for one in taken {
        assert_eq!(one[1] >> 32, one[0] + 1, "a torn record");
    }
    for source in 0..2 {
        let numbers: Vec<u64> = taken.iter().filter(|one| one[0] == source).map(|one| one[1]).collect();
        assert!(numbers.is_sorted_by(|earlier, later| earlier < later), "twice, or out of order: {numbers:?}");
    }
}

fn settle(watch: &Watch, produced: u64, taken: &[Record]) {
    check(taken);
    let account: Account = watch.account();
    assert_eq!((account.produced, account.consumed, account.waiting), (produced, taken.len() as u64, 0));
    assert!(account.balances(), "{account:?}");
    assert_eq!(watch.lost_of(0) + watch.lost_of(1), account.dropped + account.conflated);
}

fn bounded(preemptions: usize, case: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(case);
}

fn one_producer(capacity: usize, when_full: WhenFull, pushes: &'static [usize]) {
    bounded(3, move || {
        let settings = Settings { capacity, instruments: 2 };
        let (mut producer, mut consumer, watch) = spsc::ring::<2>(settings, when_full).expect("good settings");
        let pushing = thread::spawn(move || {
            let mut numbers = 0..;
            for count in pushes {
                let records: Vec<Record> = numbers.by_ref().take(*count).map(|number| record(0, number)).collect();
                let pushed = if let [one] = records[..] { producer.push(&one) } else { producer.push_batch(&records) };
                assert!(pushed.stored + pushed.lost >= *count);
            }
        });
        let mut taken: Vec<Record> = consumer.pop().into_iter().collect();
        let mut some = [[0; 2]; 2];
        let count = consumer.drain(&mut some);
        taken.extend_from_slice(&some[..count]);
        pushing.join().expect("it ends");
        taken.extend(std::iter::from_fn(|| consumer.pop()));
        settle(&watch, pushes.iter().sum::<usize>() as u64, &taken);
    });
}

#[test]
fn one_producer_drops_the_newest() {
    one_producer(1, WhenFull::DropNewest, &[1, 1, 1]);
    one_producer(2, WhenFull::DropNewest, &[2, 1, 1]);
}

#[test]
fn one_producer_drops_the_oldest() {
    one_producer(1, WhenFull::DropOldest { batch: 1 }, &[1, 1, 1]);
    one_producer(2, WhenFull::DropOldest { batch: 1 }, &[1, 1, 1, 1]);
}

#[test]
fn one_producer_drops_the_oldest_two() {
    one_producer(2, WhenFull::DropOldest { batch: 2 }, &[2, 1, 2]);
    one_producer(3, WhenFull::DropOldest { batch: 2 }, &[3, 1, 1]);
}

fn two_producers(capacity: usize, when_full: WhenFull, pushes: u64) {
    bounded(2, move || {
        let settings = Settings { capacity, instruments: 2 };
        let (producer, mut consumer, watch) = mpsc::ring::<2>(settings, when_full).expect("good settings");
        let pushing: Vec<_> = (0..2)
            .map(|source| {
                let mut producer = producer.clone();
                thread::spawn(move || {
                    for number in 0..pushes {
                        let pushed = producer.push(&record(source, number));
                        assert!(pushed.stored + pushed.lost >= 1);
                    }
                })
            })
            .collect();
        let mut some = [[0; 2]; 2];
        let count = consumer.drain(&mut some);
        let mut taken: Vec<Record> = some[..count].to_vec();
        for one in pushing {
            one.join().expect("it ends");
        }
        taken.extend(std::iter::from_fn(|| consumer.pop()));
        settle(&watch, 2 * pushes, &taken);
    });
}

#[test]
fn two_producers_drop_the_newest() {
    two_producers(1, WhenFull::DropNewest, 2);
    two_producers(2, WhenFull::DropNewest, 2);
}

#[test]
fn two_producers_drop_the_oldest() {
    two_producers(1, WhenFull::DropOldest { batch: 1 }, 2);
    two_producers(2, WhenFull::DropOldest { batch: 1 }, 2);
}

#[test]
fn two_producers_drop_the_oldest_two() {
    two_producers(2, WhenFull::DropOldest { batch: 2 }, 2);
}

#[test]
fn two_producers_conflate() {
    bounded(3, || {
        let (producer, consumer, watch) =
            conflate::ring::<2>(Settings { capacity: 1, instruments: 2 }).expect("good settings");
        let other = producer.clone();
        let pushing = thread::spawn(move || other.push(&record(0, 1)).stored);
        assert_eq!(producer.push(&record(1, 1)).stored, 1);
        let mut taken: Vec<Record> = consumer.pop().into_iter().collect();
        assert_eq!(pushing.join().expect("it ends"), 1);
        taken.extend(std::iter::from_fn(|| consumer.pop()));
        settle(&watch, 2, &taken);
    });
}
