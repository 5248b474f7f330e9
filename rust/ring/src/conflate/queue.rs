//! The waiting records, in order, and which of them goes first. Every step takes bounded time.

use std::collections::HashMap;

use crate::account::{Account, Pushed};
use crate::error::{RingError, boxed};
use crate::links::Links;
use crate::losses::{Losses, Lost};
use crate::record::{Record, subject};

/// Lists of `order`: every node is in one of them.
const WAITING: u32 = 0;
const FREE: u32 = 1;

/// Lists of `quotes`: a waiting quote is in one of them, oldest first; a trade in none.
const LATEST: u32 = 0;
/// In the order in which they were superseded.
const SUPERSEDED: u32 = 1;

#[derive(Debug)]
pub(super) struct Queue<const N: usize> {
    records: Box<[Record<N>]>,
    order: Links,
    quotes: Links,
    /// Subject -> the node in `LATEST`.
    latest: HashMap<u64, u32>,
    waiting: u64,
    produced: u64,
    consumed: u64,
}

impl<const N: usize> Queue<N> {
    /// An empty queue; the capacity is within [`crate::settings::CAPACITY_MAX`].
    pub(super) fn new(capacity: usize) -> Result<Self, RingError> {
        let nodes = u32::try_from(capacity).unwrap_or(u32::MAX);
        let mut order = Links::new(nodes, 2)?;
        for node in 0..nodes {
            order.move_to(FREE, node);
        }
        let mut latest = HashMap::new();
        let memory = |_| RingError::Memory { found: capacity, bytes: std::mem::size_of::<(u64, u32)>() };
        latest.try_reserve(capacity).map_err(memory)?;
        let (records, quotes) = (boxed(capacity, || [0; N])?, Links::new(nodes, 2)?);
        Ok(Self { records, order, quotes, latest, waiting: 0, produced: 0, consumed: 0 })
    }

    pub(super) fn has_room(&self) -> bool {
        self.order.first(FREE).is_some()
    }

    pub(super) fn push(&mut self, record: &Record<N>, losses: &Losses) -> Pushed {
        self.produced += 1;
        let subject = subject(record);
        if let Some(older) = subject.and_then(|subject| self.latest.remove(&subject)) {
            self.quotes.move_to(SUPERSEDED, older);
        }
        let mut lost = 0;
        if !self.has_room() {
            lost = 1;
            self.make_room(subject.is_none(), losses);
        }
        let Some(node) = self.order.first(FREE) else {
            losses.add_alone(Lost::Newest, std::iter::once(record[0]));
            return Pushed { stored: 0, lost };
        };
        self.records[node as usize] = *record;
        self.order.move_to(WAITING, node);
        self.waiting += 1;
        if let Some(subject) = subject {
            self.latest.insert(subject, node);
            self.quotes.move_to(LATEST, node);
        }
        Pushed { stored: 1, lost }
    }

    pub(super) fn pop(&mut self) -> Option<Record<N>> {
        let node = self.order.first(WAITING)?;
        self.free(node);
        self.consumed += 1;
        Some(self.records[node as usize])
    }

    pub(super) fn account(&self, losses: &Losses) -> Account {
        Account {
            produced: self.produced,
            consumed: self.consumed,
            dropped: losses.count(Lost::Oldest) + losses.count(Lost::Newest),
            conflated: losses.count(Lost::Superseded),
            waiting: self.waiting,
        }
    }

    /// One record gives way, unless only trades wait and it is a quote that comes.
    fn make_room(&mut self, for_trade: bool, losses: &Losses) {
        let (node, lost) = if let Some(node) = self.quotes.first(SUPERSEDED) {
            (node, Lost::Superseded)
        } else if let Some(node) = self.quotes.first(LATEST) {
            (node, Lost::Oldest)
        } else if let Some(node) = self.order.first(WAITING).filter(|_| for_trade) {
            (node, Lost::Oldest)
        } else {
            return;
        };
        self.free(node);
        // Under the lock, so this thread is the only one that counts.
        losses.add_alone(lost, std::iter::once(self.records[node as usize][0]));
    }

    fn free(&mut self, node: u32) {
        self.order.move_to(FREE, node);
        self.quotes.leave(node);
        self.waiting -= 1;
        if let Some(subject) = subject(&self.records[node as usize])
            && self.latest.get(&subject) == Some(&node)
        {
            self.latest.remove(&subject);
        }
    }
}
