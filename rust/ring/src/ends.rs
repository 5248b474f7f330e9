//! The two ends of a lock-free ring, as all its handles see them.

use crate::account::Account;
use crate::error::RingError;
use crate::losses::{Losses, Lost};
use crate::settings::Settings;
use crate::sync::{AtomicU64, Line, Ordering};

/// Positions: `head <= tail <= head + capacity`, and neither ever goes back.
#[derive(Debug)]
pub(crate) struct Ends {
    /// One past the newest record that was stored (single producer) or claimed (several).
    pub(crate) tail: Line<AtomicU64>,
    pub(crate) head: Line<Head>,
    pub(crate) losses: Line<Losses>,
    capacity: usize,
    /// Whether producers move the head too.
    contested: bool,
}

/// What the consumer writes.
#[derive(Debug)]
pub(crate) struct Head {
    /// The oldest record that waits; moved by the consumer, and by a producer that drops.
    pub(crate) position: AtomicU64,
    /// Records that the consumer handed out, where producers move the head too; elsewhere the position says it.
    consumed: AtomicU64,
}

impl Head {
    /// Says how many records the only consumer has taken; in a line that it has just written anyhow.
    #[inline]
    pub(crate) fn publish_consumed(&self, consumed: u64) {
        self.consumed.store(consumed, Ordering::Relaxed);
    }
}

impl Ends {
    pub(crate) fn new(settings: Settings, contested: bool) -> Result<Self, RingError> {
        let Settings { capacity, instruments } = settings;
        let head = Head { position: AtomicU64::new(0), consumed: AtomicU64::new(0) };
        let losses = Losses::new(instruments)?;
        Ok(Self { tail: Line(AtomicU64::new(0)), head: Line(head), losses: Line(losses), capacity, contested })
    }

    /// The account; exact while nobody moves.
    pub(crate) fn account(&self) -> Account {
        // The head first: while things move, `waiting` may then be too large, never negative, and is cut off.
        let head = self.head.0.position.load(Ordering::Acquire);
        let consumed = if self.contested { self.head.0.consumed.load(Ordering::Relaxed) } else { head };
        let tail = self.tail.0.load(Ordering::Acquire);
        let [oldest, newest] = [Lost::Oldest, Lost::Newest].map(|lost| self.losses.0.count(lost));
        Account {
            produced: tail + newest,
            consumed,
            dropped: oldest + newest,
            conflated: 0,
            waiting: tail.saturating_sub(head).min(self.capacity as u64),
        }
    }
}
