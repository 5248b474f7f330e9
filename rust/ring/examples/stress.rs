//! Hammers one kind of ring for a while and checks every record and the account: `cargo run --release -p tieout-ring
//! --example stress -- [SECONDS] [PRODUCERS]`. One line for each ring; an unsound one panics.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tieout_ring::{Pushed, Settings, Watch, WhenFull, mpsc, spsc};

type Record = [u64; 8];

const INSTRUMENTS: usize = 16;

fn record(source: u64, number: u64) -> Record {
    std::array::from_fn(|word| if word == 0 { source } else { number.rotate_left(u32::try_from(word).unwrap_or(0)) })
}

/// What the consumer saw of each source: how many, and the last number.
type Seen = [(u64, Option<u64>); INSTRUMENTS];

fn look(seen: &mut Seen, found: &Record) {
    let number = found[1].rotate_right(1);
    assert_eq!(*found, record(found[0], number), "a torn record");
    let (count, last) = &mut seen[usize::try_from(found[0]).expect("a source")];
    assert!(last.is_none_or(|last| last < number), "twice, or out of order");
    (*count, *last) = (*count + 1, Some(number));
}

type Push = Box<dyn FnMut(&[Record]) -> Pushed + Send>;

fn hammer(
    name: &str,
    time: Duration,
    (pushes, mut drain, watch): (Vec<Push>, impl FnMut(&mut [Record]) -> usize, Watch),
) {
    let (over, left, start) = (AtomicBool::new(false), AtomicUsize::new(pushes.len()), Instant::now());
    let mut seen: Seen = [(0, None); INSTRUMENTS];
    std::thread::scope(|scope| {
        for (source, mut push) in (0..).zip(pushes) {
            let (over, left) = (&over, &left);
            scope.spawn(move || {
                let mut numbers = 0..;
                while !over.load(Ordering::Relaxed) {
                    let length = usize::try_from(numbers.start % 90).unwrap_or(0) + 1;
                    let records: Vec<Record> = numbers.by_ref().take(length).map(|n| record(source, n)).collect();
                    let outcome = push(&records);
                    assert!(outcome.stored + outcome.lost >= length);
                }
                left.fetch_sub(1, Ordering::Release);
            });
        }
        let mut records = [[0; 8]; 48];
        loop {
            let last = left.load(Ordering::Acquire) == 0;
            let count = drain(&mut records);
            records[..count].iter().for_each(|found| look(&mut seen, found));
            over.fetch_or(start.elapsed() > time, Ordering::Relaxed);
            if last && count == 0 {
                break;
            }
        }
    });
    let account = watch.account();
    assert!(account.balances() && account.waiting == 0, "{account:?}");
    assert_eq!(account.consumed, seen.iter().map(|(count, _)| count).sum::<u64>());
    let lost: u64 = watch.lost().0.iter().map(|(_, lost)| lost).sum();
    assert_eq!(account.dropped, lost);
    println!("{name}: {account:?}");
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (time, producers) = (Duration::from_secs(number(10)), number(3).clamp(1, INSTRUMENTS as u64));
    for capacity in [3, 100, 4096] {
        for when_full in [WhenFull::DropNewest, WhenFull::DropOldest { batch: 2 }] {
            let settings = Settings { capacity, instruments: INSTRUMENTS };
            let (mut producer, mut consumer, watch) = spsc::ring::<8>(settings, when_full).expect("good settings");
            let push: Push = Box::new(move |records| producer.push_batch(records));
            let drain = |records: &mut [Record]| consumer.drain(records);
            hammer(&format!("spsc {capacity} {when_full:?}"), time, (vec![push], drain, watch));

            let (producer, mut consumer, watch) = mpsc::ring::<8>(settings, when_full).expect("good settings");
            let pushes = (0..producers).map(|_| {
                let mut producer = producer.clone();
                Box::new(move |records: &[Record]| producer.push_batch(records)) as Push
            });
            let drain = |records: &mut [Record]| consumer.drain(records);
            hammer(&format!("mpsc {capacity} {when_full:?}"), time, (pushes.collect(), drain, watch));
        }
    }
}
