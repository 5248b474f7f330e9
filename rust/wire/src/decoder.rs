//! The stream: frames of a 4-byte length, most significant byte first, and a body of NUL-terminated fields.

use crate::account::Account;
use crate::error::{Doubt, Flaw, WireError};
use crate::fields::Fields;
use crate::kind::TICK_MESSAGES;
use crate::messages;
use crate::sink::Sink;
use crate::stage::Stage;

/// The oldest server version whose messages are known.
pub const SERVER_VERSION_MIN: u32 = 157;

/// The newest; from 201 on a gateway also speaks protobuf.
pub const SERVER_VERSION_MAX: u32 = 178;

/// The longest body, as IB's own client has it: 16 MiB less one.
pub const FRAME_BYTES_MAX: usize = 0x00ff_ffff;

const PREFIX_BYTES: usize = 4;
const IDS: usize = 128;

/// Decodes one connection's stream, the fast way; every doubt goes the plain way.
pub type Decoder = StreamDecoder<true>;

/// The same answer from scalar code alone: the reference for tests.
pub type PlainDecoder = StreamDecoder<false>;

/// A stream's decoder. `FAST` changes how fields are found, never what comes out.
#[derive(Debug)]
pub struct StreamDecoder<const FAST: bool> {
    /// The start of a frame whose end has not come yet.
    pending: Vec<u8>,
    stage: Stage,
    account: Account,
    taken: [bool; IDS],
    broken: Option<WireError>,
}

impl<const FAST: bool> StreamDecoder<FAST> {
    /// A decoder for the stream that follows the handshake.
    ///
    /// # Errors
    ///
    /// `ServerVersion`, if the gateway's messages are of another layout.
    pub fn new(server_version: u32) -> Result<Self, WireError> {
        if !(SERVER_VERSION_MIN..=SERVER_VERSION_MAX).contains(&server_version) {
            return Err(WireError::ServerVersion {
                found: server_version,
                least: SERVER_VERSION_MIN,
                most: SERVER_VERSION_MAX,
            });
        }
        let mut taken = [false; IDS];
        for id in TICK_MESSAGES {
            taken[usize::from(id)] = true;
        }
        Ok(Self { pending: Vec::new(), stage: Stage::new(), account: Account::default(), taken, broken: None })
    }

    /// Hands on the messages of this id instead of decoding them.
    ///
    /// # Errors
    ///
    /// `NotATick`, if it is the id of no tick message: those are handed on anyway.
    pub fn hand_on(&mut self, message_id: u32) -> Result<(), WireError> {
        match u8::try_from(message_id) {
            Ok(id) if TICK_MESSAGES.contains(&id) => {
                self.taken[usize::from(id)] = false;
                Ok(())
            }
            _ => Err(WireError::NotATick { found: message_id }),
        }
    }

    /// What became of the frames.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Bytes that wait for the rest of their frame.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.pending.len()
    }

    /// Decodes the next bytes of the stream, read at `received_ns` (UTC nanoseconds), into the sink.
    ///
    /// An unfinished frame waits for the next call.
    ///
    /// # Errors
    ///
    /// `FrameTooLong`, now and on every further call: where the next frame starts is no longer known. The sink has
    /// what came before.
    pub fn feed(&mut self, bytes: &[u8], received_ns: i64, sink: &mut impl Sink) -> Result<(), WireError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        self.stage.set_received(received_ns);
        let outcome = self.frames(bytes, sink);
        self.flush(sink);
        self.broken = outcome.err();
        outcome
    }

    fn frames(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<(), WireError> {
        let mut at = 0;
        if !self.pending.is_empty() {
            at = self.finish_pending(bytes, sink)?;
        }
        while let Some(body) = body_bytes(&bytes[at..])? {
            let start = at + PREFIX_BYTES;
            if bytes.len() - start < body {
                break;
            }
            at = start + body;
            self.frame(bytes, (start, at), sink);
        }
        self.pending.extend_from_slice(&bytes[at..]);
        Ok(())
    }

    /// Completes the frame that waits; how many of the bytes belong to it.
    fn finish_pending(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<usize, WireError> {
        let prefix = PREFIX_BYTES.saturating_sub(self.pending.len()).min(bytes.len());
        self.pending.extend_from_slice(&bytes[..prefix]);
        let Some(body) = body_bytes(&self.pending)? else { return Ok(prefix) };
        let missing = PREFIX_BYTES + body - self.pending.len();
        let used = (prefix + missing).min(bytes.len());
        self.pending.extend_from_slice(&bytes[prefix..used]);
        if used - prefix == missing {
            let whole = std::mem::take(&mut self.pending);
            self.frame(&whole, (PREFIX_BYTES, whole.len()), sink);
            self.pending = whole;
            self.pending.clear();
        }
        Ok(used)
    }

    /// One frame, whose body is `data[start..end]`.
    #[inline]
    fn frame(&mut self, data: &[u8], (start, end): (usize, usize), sink: &mut impl Sink) {
        self.account.frames += 1;
        let taken = message_id(&data[start..end]).filter(|(id, _)| self.taken[usize::from(*id)]);
        let Some((id, id_bytes)) = taken else {
            self.other(&data[start - PREFIX_BYTES..end], sink);
            return;
        };
        let mut fields = Fields::<FAST>::new(data, start + id_bytes, end);
        let decoded = match data[end - 1] {
            0 => messages::decode(id, &mut fields, &mut self.stage),
            _ => Err(Flaw::NotClosed.into()),
        };
        match decoded {
            Ok(()) => {
                self.account.decoded += 1;
                self.account.ticks += self.stage.keep() as u64;
                if self.stage.is_full() {
                    self.flush(sink);
                }
            }
            Err(Doubt::Malformed(flaw)) => {
                self.stage.discard();
                self.account.count_malformed(id, flaw, &data[start..end]);
            }
            Err(Doubt::Beyond) => {
                self.stage.discard();
                self.account.beyond += 1;
                self.other(&data[start - PREFIX_BYTES..end], sink);
            }
        }
    }

    #[cold]
    fn other(&mut self, frame: &[u8], sink: &mut impl Sink) {
        self.account.handed_on += 1;
        self.flush(sink);
        sink.other(frame);
    }

    fn flush(&mut self, sink: &mut impl Sink) {
        if !self.stage.ticks().is_empty() {
            sink.ticks(self.stage.ticks());
            self.stage.clear();
        }
    }
}

/// The length of the body that these bytes announce, if the prefix is whole.
#[inline]
fn body_bytes(bytes: &[u8]) -> Result<Option<usize>, WireError> {
    let Some(prefix) = bytes.first_chunk() else { return Ok(None) };
    let announced = u32::from_be_bytes(*prefix);
    match usize::try_from(announced) {
        Ok(body) if body <= FRAME_BYTES_MAX => Ok(Some(body)),
        _ => Err(WireError::FrameTooLong { bytes: announced.into(), limit: FRAME_BYTES_MAX }),
    }
}

/// The message's id, if it is one of a tick message's form, and the bytes that it takes with its NUL.
#[inline]
fn message_id(body: &[u8]) -> Option<(u8, usize)> {
    let digit = |byte: u8| byte.wrapping_sub(b'0');
    match *body {
        [one, 0, ..] if digit(one) < 10 => Some((digit(one), 2)),
        [ten, one, 0, ..] if digit(ten).wrapping_sub(1) < 9 && digit(one) < 10 => {
            Some((digit(ten) * 10 + digit(one), 3))
        }
        _ => None,
    }
}
