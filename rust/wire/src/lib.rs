//! TWS's length-prefixed text messages, server versions 157 to 178, to tick records of the ring's 64 bytes.
//!
//! Entry: [`Decoder::feed`], with a [`Sink`] for what comes out; [`Columns`] is the sink that makes columns.
//! `docs/wire.md` has the layout of every kind.
//!
//! Invariants, each with a test that names it:
//!
//! 1. **Split.** However the stream is cut, the same ticks and the same other messages come out.
//! 2. **Untouched.** A message that is not a tick's, or does not fit a record, is handed on byte for byte, in order.
//! 3. **Total.** No input panics; frames = decoded + handed on + malformed.
//! 4. **Whole.** A message gives all its records or, where one of its fields is malformed, none.
//! 5. **Exact.** A price or size that 1e-8 fixed point can hold is exact; another is the nearest f64, and flagged.
//! 6. **One answer.** Every [`Way`] gives the same records for any input.
#![forbid(unsafe_code)]

mod account;
mod columns;
mod decimal;
mod decoder;
mod error;
mod fields;
mod fill;
mod ids;
pub mod kind;
mod messages;
mod sink;
mod stage;

pub use account::{Account, Malformed};
pub use columns::Columns;
pub use decoder::{Decoder, FRAME_BYTES_MAX, SERVER_VERSION_MAX, SERVER_VERSION_MIN, Way};
pub use error::{Flaw, WireError};
pub use sink::Sink;
pub use tieout_ring::tick::Tick;
