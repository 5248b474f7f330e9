//! All rings behind one pair of traits, and records that show whether they are whole.
#![allow(dead_code, reason = "each test file takes what it needs")]

use tieout_ring::{Pushed, Settings, Watch, WhenFull, conflate, mpsc, spsc};

pub type Record = tieout_ring::Record<8>;

pub trait Push: Send {
    fn push(&mut self, record: &Record) -> Pushed;
    fn push_batch(&mut self, records: &[Record]) -> Pushed;
    fn try_push(&mut self, record: &Record) -> bool;
}

pub trait Take: Send {
    fn pop(&mut self) -> Option<Record>;
    fn drain(&mut self, records: &mut [Record]) -> usize;
}

macro_rules! ring {
    ($($ring:ident),*) => {$(
        impl Push for $ring::Producer<8> {
            fn push(&mut self, record: &Record) -> Pushed {
                $ring::Producer::push(self, record)
            }
            fn push_batch(&mut self, records: &[Record]) -> Pushed {
                $ring::Producer::push_batch(self, records)
            }
            fn try_push(&mut self, record: &Record) -> bool {
                $ring::Producer::try_push(self, record)
            }
        }
        impl Take for $ring::Consumer<8> {
            fn pop(&mut self) -> Option<Record> {
                $ring::Consumer::pop(self)
            }
            fn drain(&mut self, records: &mut [Record]) -> usize {
                $ring::Consumer::drain(self, records)
            }
        }
    )*};
}
ring!(spsc, mpsc, conflate);

/// Which ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Spsc(WhenFull),
    Mpsc(WhenFull),
    Conflate,
}

pub type Ends = (Vec<Box<dyn Push>>, Box<dyn Take>, Watch);

/// A ring with so many producers, if its kind takes them.
pub fn open(kind: Kind, settings: Settings, producers: usize) -> Ends {
    match kind {
        Kind::Spsc(when_full) => {
            assert_eq!(producers, 1);
            let (producer, consumer, watch) = spsc::ring(settings, when_full).expect("good settings");
            (vec![Box::new(producer)], Box::new(consumer), watch)
        }
        Kind::Mpsc(when_full) => {
            let (producer, consumer, watch) = mpsc::ring(settings, when_full).expect("good settings");
            let producers = (0..producers).map(|_| Box::new(producer.clone()) as Box<dyn Push>);
            (producers.collect(), Box::new(consumer), watch)
        }
        Kind::Conflate => {
            let (producer, consumer, watch) = conflate::ring(settings).expect("good settings");
            let producers = (0..producers).map(|_| Box::new(producer.clone()) as Box<dyn Push>);
            (producers.collect(), Box::new(consumer), watch)
        }
    }
}

/// The record of this number; every word tells it.
pub fn record(head: u64, number: u64) -> Record {
    [head, number, number ^ head, !number, number << 1, number << 2, number << 3, !(number << 4)]
}

/// The number, of a record that came out as it went in.
pub fn number(found: &Record) -> u64 {
    assert_eq!(*found, record(found[0], found[1]), "a torn record");
    found[1]
}
