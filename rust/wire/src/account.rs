//! What became of the frames, and of which message ids they were.

use crate::error::Flaw;

/// How many bytes of a malformed message are kept to look at.
pub(crate) const SAMPLE_BYTES_MAX: usize = 256;

/// Counts since the decoder was made: `frames = decoded + handed_on + malformed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Whole messages seen.
    pub frames: u64,
    /// Messages that became records.
    pub decoded: u64,
    /// Records made of them.
    pub ticks: u64,
    /// Messages handed on untouched, [`Account::beyond`] among them.
    pub handed_on: u64,
    /// Tick messages that no record can hold, such as a negative request id; they were handed on.
    pub beyond: u64,
    /// Tick messages that gave nothing because a field of theirs is malformed.
    pub malformed: u64,
    by_message: [u64; 128],
    last: Option<Malformed>,
}

/// A malformed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Its id.
    pub message_id: u8,
    /// What is wrong.
    pub flaw: Flaw,
    /// The first bytes of its body.
    pub sample: Vec<u8>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            frames: 0,
            decoded: 0,
            ticks: 0,
            handed_on: 0,
            beyond: 0,
            malformed: 0,
            by_message: [0; 128],
            last: None,
        }
    }
}

impl Account {
    /// The message ids of which malformed ones were seen, ascending, each with their number.
    pub fn malformed_by_message(&self) -> impl Iterator<Item = (u8, u64)> {
        (0..).zip(self.by_message).filter(|(_, count)| *count > 0)
    }

    /// The last malformed message.
    #[must_use]
    pub fn last_malformed(&self) -> Option<&Malformed> {
        self.last.as_ref()
    }

    #[cold]
    pub(crate) fn count_malformed(&mut self, message_id: u8, flaw: Flaw, body: &[u8]) {
        self.malformed += 1;
        self.by_message[usize::from(message_id)] += 1;
        let sample = body[..body.len().min(SAMPLE_BYTES_MAX)].to_vec();
        self.last = Some(Malformed { message_id, flaw, sample });
    }
}
