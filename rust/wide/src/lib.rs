//! What the bulk diff asks of the machine: [`Pages`] on huge pages, [`stream`], a copy that goes around the cache, and
//! [`pack`], [`spell`] and [`scramble`], which make codes of numbers and of letters with wide instructions.
//!
//! Each has a plain twin that gives the same answer ([`Pages::plain`], `copy_from_slice`, [`pack_any`], [`spell_any`],
//! [`scramble_any`]); the twin is what runs where the machine or the target has neither, and under Miri. All the unsafe
//! code of the diff is in this crate.

mod lanes;
mod packing;
mod pages;
mod spelling;
mod streaming;

pub use lanes::{lanes_with, lanes_with_any};
pub use packing::{Code, Scalar, pack, pack_any, scramble, scramble_any};
pub use pages::{Pages, huge};
pub use spelling::{Letters, Place, spell, spell_any};
pub use streaming::{LINE_WORDS, fence, prefetch, stream};
