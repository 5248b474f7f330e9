//! What stops a stream, and what is wrong with a message.

use thiserror::Error;

/// Nothing more can be read from this stream, or nothing at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WireError {
    /// The length prefix cannot be one: the bytes are not TWS's, or some are missing.
    #[error(
        "a message of {bytes} bytes is announced, expected at most {limit}: this is not a TWS stream, or bytes of it \
         are missing; connect anew"
    )]
    FrameTooLong {
        /// What the prefix says.
        bytes: u64,
        /// The protocol's limit.
        limit: usize,
    },
    /// Another layout of messages, which this decoder does not know.
    #[error("server version {found}, expected {least} to {most}; let the client decode the ticks of this gateway")]
    ServerVersion {
        /// What the gateway says.
        found: u32,
        /// The oldest that is known.
        least: u32,
        /// The newest that is known.
        most: u32,
    },
    /// Only tick messages can be decoded or not.
    #[error("message id {found} is no tick message; expected one of 1, 2, 12, 13, 21, 45, 46, 47, 50, 96, 97, 98, 99")]
    NotATick {
        /// What was asked for.
        found: u32,
    },
}

/// What is wrong with a tick message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Flaw {
    /// The message ends before its last field.
    #[error("a field is missing")]
    FieldMissing,
    /// The message goes on after its last field.
    #[error("there are more fields than the message has")]
    FieldsLeft,
    /// The last field is not closed by NUL.
    #[error("the message does not end with NUL")]
    NotClosed,
    /// A whole number was expected.
    #[error("a field is not a whole number")]
    NotAnInteger,
    /// A number was expected.
    #[error("a field is not a number")]
    NotANumber,
}

/// Why a message gives no records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// It is malformed: counted and told.
    Malformed(Flaw),
    /// It is a message, but no record can hold it: handed on untouched.
    Beyond,
    /// A field is too long to be read with others; the masks read the message then.
    Long,
}

impl From<Flaw> for Doubt {
    fn from(flaw: Flaw) -> Self {
        Self::Malformed(flaw)
    }
}
