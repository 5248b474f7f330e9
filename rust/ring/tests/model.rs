//! Every ring, driven by one thread, does what a queue of the simplest kind does.
#![cfg(not(loom))]

mod support;

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;
use support::{Kind, Record, open, record};
use tieout_ring::record::{SUPERSEDES, instrument, subject};
use tieout_ring::{Account, Pushed, Settings, WhenFull};

/// The rules, one record at a time, by searching.
struct Model {
    kind: Kind,
    capacity: usize,
    /// Records, each with the count of pushes at which a newer one of its subject came.
    waiting: VecDeque<(Record, Option<u64>)>,
    lost: BTreeMap<u32, u64>,
    account: Account,
}

impl Model {
    fn new(kind: Kind, capacity: usize) -> Self {
        let (waiting, lost) = (VecDeque::new(), BTreeMap::new());
        Self { kind, capacity, waiting, lost, account: Account::default() }
    }

    fn lose(&mut self, lost: &Record) {
        self.account.dropped += 1;
        *self.lost.entry(instrument(lost)).or_default() += 1;
    }

    fn push(&mut self, new: &Record) -> Pushed {
        self.account.produced += 1;
        let full = self.waiting.len() == self.capacity;
        let (stored, lost) = match self.kind {
            Kind::Spsc(when) | Kind::Mpsc(when) => {
                if full {
                    self.give_way(when, new)
                } else {
                    (1, 0)
                }
            }
            Kind::Conflate => self.conflate(new, full),
        };
        if stored == 1 {
            self.waiting.push_back((*new, None));
        }
        Pushed { stored, lost }
    }

    fn give_way(&mut self, when_full: WhenFull, new: &Record) -> (usize, usize) {
        match when_full {
            WhenFull::DropNewest => {
                self.lose(new);
                (0, 1)
            }
            WhenFull::DropOldest { batch } => {
                let dropped: Vec<_> = self.waiting.drain(..batch).collect();
                for (old, _) in dropped {
                    self.lose(&old);
                }
                (1, batch)
            }
        }
    }

    fn conflate(&mut self, new: &Record, full: bool) -> (usize, usize) {
        let now = self.account.produced;
        if subject(new).is_some() {
            let same = self.waiting.iter_mut().filter(|(old, gone)| gone.is_none() && subject(old) == subject(new));
            same.for_each(|(_, gone)| *gone = Some(now));
        }
        if !full {
            return (1, 0);
        }
        let superseded = (0..self.waiting.len()).filter(|at| self.waiting[*at].1.is_some());
        if let Some(at) = superseded.min_by_key(|at| self.waiting[*at].1) {
            let (old, _) = self.waiting.remove(at).expect("it is there");
            self.account.conflated += 1;
            *self.lost.entry(instrument(&old)).or_default() += 1;
            return (1, 1);
        }
        let quote = self.waiting.iter().position(|(old, _)| subject(old).is_some());
        let Some(at) = quote.or_else(|| subject(new).is_none().then_some(0)) else {
            self.lose(new);
            return (0, 1);
        };
        let (old, _) = self.waiting.remove(at).expect("it is there");
        self.lose(&old);
        (1, 1)
    }

    fn take(&mut self, wanted: usize) -> Vec<Record> {
        let count = wanted.min(self.waiting.len());
        self.account.consumed += count as u64;
        self.waiting.drain(..count).map(|(old, _)| old).collect()
    }

    fn account(&self) -> Account {
        Account { waiting: self.waiting.len() as u64, ..self.account }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Push(u64),
    PushBatch(Vec<u64>),
    TryPush(u64),
    Pop,
    Drain(usize),
}

/// Instruments 0 to 5, of which 4 and 5 have no counter; quotes of two fields, and trades.
fn head() -> impl Strategy<Value = u64> {
    let quote =
        (0..6_u64, 1..3_u64, 0..4_u64).prop_map(|(whose, field, flags)| whose | field << 40 | flags << 48 | SUPERSEDES);
    prop_oneof![3 => quote, 1 => (0..6_u64).prop_map(|whose| whose | 9 << 32)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => head().prop_map(Step::Push),
        3 => prop::collection::vec(head(), 0..20).prop_map(Step::PushBatch),
        1 => head().prop_map(Step::TryPush),
        2 => Just(Step::Pop),
        2 => (0..20_usize).prop_map(Step::Drain),
    ]
}

fn kind_and_capacity() -> impl Strategy<Value = (Kind, usize)> {
    (1..13_usize).prop_flat_map(|capacity| {
        let when_full =
            prop_oneof![Just(WhenFull::DropNewest), (1..=capacity).prop_map(|batch| WhenFull::DropOldest { batch }),];
        let kind = (when_full, 0..3).prop_map(|(when_full, which)| match which {
            0 => Kind::Spsc(when_full),
            1 => Kind::Mpsc(when_full),
            _ => Kind::Conflate,
        });
        (kind, Just(capacity))
    })
}

fn follow(kind: Kind, capacity: usize, steps: &[Step]) {
    let (mut producers, mut consumer, watch) = open(kind, Settings { capacity, instruments: 4 }, 1);
    let (producer, mut model) = (&mut producers[0], Model::new(kind, capacity));
    let mut numbers = 0..;
    let mut make = |head: &u64| record(*head, numbers.next().expect("no end"));
    for step in steps {
        match step {
            Step::Push(head) => {
                let new = make(head);
                assert_eq!(producer.push(&new), model.push(&new));
            }
            Step::PushBatch(heads) => {
                let new: Vec<Record> = heads.iter().map(&mut make).collect();
                let one_by_one = new.iter().map(|new| model.push(new));
                let sum =
                    |sum: Pushed, one: Pushed| Pushed { stored: sum.stored + one.stored, lost: sum.lost + one.lost };
                let expected = one_by_one.fold(Pushed::default(), sum);
                assert_eq!(producer.push_batch(&new), expected);
            }
            Step::TryPush(head) => {
                let (new, room) = (make(head), model.waiting.len() < capacity);
                if room {
                    assert_eq!(model.push(&new), Pushed { stored: 1, lost: 0 });
                }
                assert_eq!(producer.try_push(&new), room);
            }
            Step::Pop => assert_eq!(consumer.pop(), model.take(1).first().copied()),
            Step::Drain(wanted) => {
                let mut found = vec![[0; 8]; *wanted];
                let count = consumer.drain(&mut found);
                assert_eq!(found[..count], model.take(*wanted));
            }
        }
        // Invariants 1 and 4.
        assert_eq!(watch.account(), model.account());
        assert!(watch.account().balances() && model.waiting.len() <= capacity);
    }
    // Invariant 5.
    let (named, others) = watch.lost();
    let expected: Vec<_> = model.lost.range(..4).map(|(whose, count)| (*whose, *count)).collect();
    assert_eq!((named, others), (expected, model.lost.range(4..).map(|(_, count)| count).sum()));
    for whose in 0..4 {
        assert_eq!(watch.lost_of(whose), model.lost.get(&whose).copied().unwrap_or(0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 12 } else { 1_000 }, failure_persistence: None, ..ProptestConfig::default() })]

    /// Invariants 1, 3, 4 and 5, for one thread.
    #[test]
    fn a_ring_does_what_the_model_does(
        (kind, capacity) in kind_and_capacity(),
        steps in prop::collection::vec(step(), 0..if cfg!(miri) { 30 } else { 120 }),
    ) {
        follow(kind, capacity, &steps);
    }
}
