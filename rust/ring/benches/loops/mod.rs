//! What both ends do, the same for every lane.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tieout_ring::tick::TickRecord;

use crate::lanes::{Push, Take};

pub const BATCH: usize = 64;

pub fn record(number: u64) -> TickRecord {
    [number, number ^ 1, number ^ 2, number ^ 3, number ^ 4, number ^ 5, number ^ 6, number ^ 7]
}

/// One end gives way after a while: on a busy machine the other end may have no core.
struct Patience(u32);

impl Patience {
    fn wait(&mut self) {
        self.0 += 1;
        if self.0.is_multiple_of(256) { std::thread::yield_now() } else { std::hint::spin_loop() }
    }
}

pub fn push_all<P: Push, const SINGLE: bool>(producer: &mut P, count: u64) {
    let (mut sent, mut patience) = (0, Patience(0));
    let mut records = [record(0); BATCH];
    while sent < count {
        if SINGLE {
            if producer.push(record(sent)) {
                sent += 1;
            } else {
                patience.wait();
            }
            continue;
        }
        for (number, place) in (sent..).zip(&mut records) {
            *place = record(number);
        }
        let wanted = usize::try_from(count - sent).map_or(BATCH, |left| left.min(BATCH));
        let mut rest = &records[..wanted];
        while !rest.is_empty() {
            let stored = producer.push_batch(rest);
            rest = &rest[stored..];
            if stored == 0 {
                patience.wait();
            }
        }
        sent += wanted as u64;
    }
}

pub fn take_all<T: Take, const SINGLE: bool>(consumer: &mut T, count: u64, mut look: impl FnMut(&TickRecord)) {
    let (mut taken, mut patience) = (0, Patience(0));
    let mut records = [record(0); BATCH];
    while taken < count {
        let some = if SINGLE {
            consumer.pop().map_or(0, |record| {
                look(&record);
                1
            })
        } else {
            let some = consumer.pop_batch(&mut records);
            records[..some].iter().for_each(&mut look);
            some
        };
        taken += some as u64;
        if some == 0 {
            patience.wait();
        }
    }
}

/// A ring whose producer has a thread of its own, which sleeps between the runs.
pub struct Across<T> {
    consumer: T,
    counts: mpsc::Sender<u64>,
    /// Runs for which the producer's thread is awake, and runs that it may begin.
    awake: Arc<AtomicU64>,
    begun: Arc<AtomicU64>,
    runs: u64,
}

impl<T: Take> Across<T> {
    pub fn new<P: Push, const SINGLE: bool>((mut producer, consumer): (P, T)) -> Self {
        let (counts, orders) = mpsc::channel();
        let [awake, begun] = [(); 2].map(|()| Arc::new(AtomicU64::new(0)));
        let (ready, go) = (Arc::clone(&awake), Arc::clone(&begun));
        std::thread::spawn(move || {
            for (run, count) in (1..).zip(orders) {
                ready.store(run, Ordering::Release);
                wait_for(&go, run);
                push_all::<P, SINGLE>(&mut producer, count);
            }
        });
        Self { consumer, counts, awake, begun, runs: 0 }
    }

    /// Time from the moment at which both ends may begin to the last record taken.
    pub fn run<const SINGLE: bool>(&mut self, count: u64, look: impl FnMut(&TickRecord)) -> Duration {
        self.runs += 1;
        self.counts.send(count).expect("the producer's thread lives");
        wait_for(&self.awake, self.runs);
        let start = Instant::now();
        self.begun.store(self.runs, Ordering::Release);
        take_all::<T, SINGLE>(&mut self.consumer, count, look);
        start.elapsed()
    }
}

fn wait_for(runs: &AtomicU64, run: u64) {
    let mut patience = Patience(0);
    while runs.load(Ordering::Acquire) < run {
        patience.wait();
    }
}
