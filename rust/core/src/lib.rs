//! Pairs the orders of a broker with the orders of a book, and tells what differs between the two.
//!
//! Everything here is a pure function of its arguments: no file, socket, clock, random number or Python. Inputs are
//! borrowed columns ([`column`]) and are never copied as a whole; outputs are row numbers.
//!
//! * [`matching::match_orders`] splits the rows of both sides into matched, broker only, book only and ambiguous.
//! * [`diff::differing_fields`] gives one bit mask of differing fields per matched pair.
//! * [`fingerprint::fingerprints`] gives 128 bits for what an order asks for.
#![forbid(unsafe_code)]

pub mod bulk;
pub mod column;
pub mod diff;
pub mod error;
pub mod fingerprint;
pub mod matching;

mod buckets;
mod classes;
mod field;
mod join;
mod mix;

pub use diff::{FIELDS, Fields, differing_fields};
pub use error::CoreError;
pub use matching::{Edge, Matching, Orders, Pair, Reason, Settings, Tier, match_orders};
