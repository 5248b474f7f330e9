//! The rings under test behind one pair of traits, so that all are driven by the same loops.

use std::sync::Arc;

use crossbeam_queue::ArrayQueue;
use tieout_ring::tick::TickRecord;
use tieout_ring::{Settings, WhenFull, mpsc, spsc};

/// The end that pushes if there is room.
pub trait Push: Send + 'static {
    fn push(&mut self, record: TickRecord) -> bool;
    fn push_batch(&mut self, records: &[TickRecord]) -> usize;
}

/// The end that takes.
pub trait Take: Send + 'static {
    fn pop(&mut self) -> Option<TickRecord>;
    fn pop_batch(&mut self, records: &mut [TickRecord]) -> usize;
}

macro_rules! ours {
    ($($ring:ident),*) => {$(
        impl Push for $ring::Producer<8> {
            #[inline]
            fn push(&mut self, record: TickRecord) -> bool {
                self.try_push(&record)
            }
            #[inline]
            fn push_batch(&mut self, records: &[TickRecord]) -> usize {
                self.try_push_batch(records)
            }
        }
        impl Take for $ring::Consumer<8> {
            #[inline]
            fn pop(&mut self) -> Option<TickRecord> {
                $ring::Consumer::pop(self)
            }
            #[inline]
            fn pop_batch(&mut self, records: &mut [TickRecord]) -> usize {
                self.drain(records)
            }
        }
    )*};
}
ours!(spsc, mpsc);

impl Push for rtrb::Producer<TickRecord> {
    #[inline]
    fn push(&mut self, record: TickRecord) -> bool {
        rtrb::Producer::push(self, record).is_ok()
    }
    #[inline]
    fn push_batch(&mut self, records: &[TickRecord]) -> usize {
        self.push_partial_slice(records).0.len()
    }
}

impl Take for rtrb::Consumer<TickRecord> {
    #[inline]
    fn pop(&mut self) -> Option<TickRecord> {
        rtrb::Consumer::pop(self).ok()
    }
    #[inline]
    fn pop_batch(&mut self, records: &mut [TickRecord]) -> usize {
        self.pop_partial_slice(records).0.len()
    }
}

/// Both ends of crossbeam's queue, which has no batches.
impl Push for Arc<ArrayQueue<TickRecord>> {
    #[inline]
    fn push(&mut self, record: TickRecord) -> bool {
        ArrayQueue::push(self, record).is_ok()
    }
    #[inline]
    fn push_batch(&mut self, records: &[TickRecord]) -> usize {
        records.iter().take_while(|record| ArrayQueue::push(self, **record).is_ok()).count()
    }
}

impl Take for Arc<ArrayQueue<TickRecord>> {
    #[inline]
    fn pop(&mut self) -> Option<TickRecord> {
        ArrayQueue::pop(self)
    }
    #[inline]
    fn pop_batch(&mut self, records: &mut [TickRecord]) -> usize {
        let popped = std::iter::from_fn(|| ArrayQueue::pop(self));
        records.iter_mut().zip(popped).map(|(place, record)| *place = record).count()
    }
}

pub fn spsc(capacity: usize, when_full: WhenFull) -> (spsc::Producer<8>, spsc::Consumer<8>) {
    let (producer, consumer, _) = spsc::ring(Settings { capacity, instruments: 64 }, when_full).expect("settings");
    (producer, consumer)
}

pub fn mpsc(capacity: usize, when_full: WhenFull) -> (mpsc::Producer<8>, mpsc::Consumer<8>) {
    let (producer, consumer, _) = mpsc::ring(Settings { capacity, instruments: 64 }, when_full).expect("settings");
    (producer, consumer)
}

pub fn array_queue(capacity: usize) -> (Arc<ArrayQueue<TickRecord>>, Arc<ArrayQueue<TickRecord>>) {
    let queue = Arc::new(ArrayQueue::new(capacity));
    (Arc::clone(&queue), queue)
}
