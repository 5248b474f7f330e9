//! A bounded ring of fixed-size records for ticks: a producer never waits, and every record that is lost is counted.
//!
//! | module | producers | when full | progress |
//! |---|---|---|---|
//! | [`spsc`] | one | the oldest go, or the newest | producer wait-free, consumer lock-free |
//! | [`mpsc`] | several | the oldest go, or the newest | lock-free; a record in the making hides those behind it |
//! | [`conflate`] | one or several | superseded quotes go first | a short lock: not lock-free |
//!
//! Invariants, each with a test that names it:
//!
//! 1. **Account.** `produced = consumed + dropped + conflated + waiting` whenever both ends are at rest.
//! 2. **Whole.** A record comes out as it went in, never half of one and half of another.
//! 3. **Order.** What comes out of one producer's records is a subsequence of what it pushed, each at most once.
//! 4. **Bound.** At most `capacity` records wait, exactly as configured; memory is taken once, at the start.
//! 5. **Named.** `dropped` and `conflated` together are the sum of the losses per instrument.
//!
//! Word 0 of a record says whose it is ([`record`]); [`tick`] is the layout that tieout gives to its 64 bytes.
//! `docs/ring.md` has the argument for every memory ordering.

pub mod account;
pub mod conflate;
pub mod error;
pub mod mpsc;
pub mod record;
pub mod settings;
pub mod spsc;
pub mod tick;

mod cursor;
mod ends;
mod links;
mod losses;
#[cfg(wide_words)]
mod moves;
mod shared;
mod slots;
mod sync;
mod taken;
mod words;

pub use account::{Account, Pushed, Watch};
pub use error::RingError;
pub use record::Record;
pub use settings::{Settings, WhenFull};
