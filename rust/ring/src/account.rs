//! What became of the records: outcomes of a push, and the account of a ring.

use crate::losses::Losses;
use crate::sync::Arc;

/// What a push did.
#[must_use = "a loss that nobody looks at goes unnoticed"]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Pushed {
    /// Records of this call that went in.
    pub stored: usize,
    /// Records that were lost during this call: of this call, or older ones that gave way.
    pub lost: usize,
}

/// The account of a ring since its start, in records.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Pushed, whether stored or not.
    pub produced: u64,
    /// Handed to the consumer.
    pub consumed: u64,
    /// Lost, the oldest and the newest together.
    pub dropped: u64,
    /// Lost because a newer record of the same subject was there.
    pub conflated: u64,
    /// In the ring.
    pub waiting: u64,
}

impl Account {
    /// Invariant 1. Holds whenever both ends are at rest; while they move, the figures are each from a moment of its own.
    #[must_use]
    pub fn balances(self) -> bool {
        self.produced == self.consumed + self.dropped + self.conflated + self.waiting
    }
}

/// What a [`Watch`] asks of any ring.
pub(crate) trait Books: std::fmt::Debug + Send + Sync {
    fn account(&self) -> Account;
    fn losses(&self) -> &Losses;
}

/// Looks at a ring from any thread. It keeps the ring's memory alive.
#[derive(Debug, Clone)]
pub struct Watch(Arc<dyn Books>);

impl Watch {
    pub(crate) fn new(books: Arc<dyn Books>) -> Self {
        Self(books)
    }

    /// The account; exact while both ends are at rest.
    #[must_use]
    pub fn account(&self) -> Account {
        self.0.account()
    }

    /// Records of one instrument that were lost; of an unlisted one, those of all unlisted ones.
    #[must_use]
    pub fn lost_of(&self, instrument: u32) -> u64 {
        self.0.losses().of(instrument)
    }

    /// Every listed instrument that lost records with how many, ascending; and the losses of all others together.
    #[must_use]
    pub fn lost(&self) -> (Vec<(u32, u64)>, u64) {
        self.0.losses().listed()
    }
}
