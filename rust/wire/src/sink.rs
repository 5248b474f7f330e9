//! Where records and other messages go.

use crate::Tick;

/// Takes what [`crate::Decoder::feed`] finds, in the order of the stream.
pub trait Sink {
    /// The next ticks, at least one.
    fn ticks(&mut self, ticks: &[Tick]);
    /// A message that is handed on: the whole frame with its length prefix, as it came.
    fn other(&mut self, frame: &[u8]);
}
