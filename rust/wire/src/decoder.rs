//! The stream: frames of a 4-byte length, most significant byte first, and a body of NUL-terminated fields.
#![expect(clippy::inline_always, reason = "calls through memory cost more than the work; docs/performance_ticks.md")]

use crate::account::Account;
use crate::error::{Doubt, Flaw, WireError};
use crate::fields::scan::{Masked, Plain};
use crate::fields::wide::Wide;
use crate::ids::{Entry, Ids};
use crate::kind::TICK_MESSAGES;
use crate::messages;
use crate::sink::Sink;
use crate::stage::Stage;
use tieout_lanes::{Numbers, Wide as Instructions};

/// The oldest server version whose messages are known.
pub const SERVER_VERSION_MIN: u32 = 157;

/// The newest; from 201 on a gateway also speaks protobuf.
pub const SERVER_VERSION_MAX: u32 = 178;

/// The longest body, as IB's own client has it: 16 MiB less one.
pub const FRAME_BYTES_MAX: usize = 0x00ff_ffff;

const PREFIX_BYTES: usize = 4;

/// How fields are found and numbers read; never what comes out.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    /// Byte by byte: the reference for tests.
    Plain,
    /// By masks and words of 8 bytes, on every machine.
    Masked,
    /// Eight fields at once, where the processor can.
    Wide(Instructions),
}

impl Way {
    /// The quickest on this machine.
    #[must_use]
    pub fn best() -> Self {
        Instructions::detect().map_or(Self::Masked, Self::Wide)
    }
}

/// A stream's decoder. Every doubt of a fast way goes the plain way.
#[derive(Debug)]
pub struct Decoder {
    /// The start of a frame whose end has not come yet.
    pending: Vec<u8>,
    stage: Stage,
    account: Account,
    ids: Ids,
    broken: Option<WireError>,
    way: Way,
    /// Scratch of the wide way.
    numbers: Box<Numbers>,
}

impl Decoder {
    /// A decoder for the stream that follows the handshake.
    ///
    /// # Errors
    ///
    /// `ServerVersion`, if the gateway's messages are of another layout.
    pub fn new(server_version: u32) -> Result<Self, WireError> {
        Self::by(Way::best(), server_version)
    }

    /// The same by a way of the caller's choice, for tests and measurements.
    ///
    /// # Errors
    ///
    /// As `new`.
    pub fn by(way: Way, server_version: u32) -> Result<Self, WireError> {
        if !(SERVER_VERSION_MIN..=SERVER_VERSION_MAX).contains(&server_version) {
            return Err(WireError::ServerVersion {
                found: server_version,
                least: SERVER_VERSION_MIN,
                most: SERVER_VERSION_MAX,
            });
        }
        Ok(Self {
            pending: Vec::new(),
            stage: Stage::new(),
            account: Account::default(),
            ids: Ids::new(),
            broken: None,
            way,
            numbers: Box::default(),
        })
    }

    /// Hands on the messages of this id instead of decoding them.
    ///
    /// # Errors
    ///
    /// `NotATick`, if it is the id of no tick message: those are handed on anyway.
    pub fn hand_on(&mut self, message_id: u32) -> Result<(), WireError> {
        match u8::try_from(message_id) {
            Ok(id) if TICK_MESSAGES.contains(&id) => {
                self.ids.remove(id);
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
            self.one_frame(&whole, sink);
            self.pending = whole;
            self.pending.clear();
        }
        Ok(used)
    }

    /// One frame that waited.
    #[inline(never)]
    fn one_frame(&mut self, frame: &[u8], sink: &mut impl Sink) {
        self.frame(frame, (PREFIX_BYTES, frame.len()), sink);
    }

    /// One frame, whose body is `data[start..end]`.
    #[inline(always)]
    fn frame(&mut self, data: &[u8], (start, end): (usize, usize), sink: &mut impl Sink) {
        self.account.frames += 1;
        let Some(entry) = self.ids.of(data, (start, end)) else {
            self.other(&data[start - PREFIX_BYTES..end], sink);
            return;
        };
        let id = entry.id;
        let decoded = match data[end - 1] {
            0 => self.message(entry, data, (start + usize::from(entry.bytes), end)),
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
            Err(Doubt::Beyond | Doubt::Long) => {
                self.stage.discard();
                self.account.beyond += 1;
                self.other(&data[start - PREFIX_BYTES..end], sink);
            }
        }
    }

    /// The records of one message, whose fields are `data[start..end]`.
    #[inline(always)]
    fn message(&mut self, Entry { id, has_version, .. }: Entry, data: &[u8], at: (usize, usize)) -> Result<(), Doubt> {
        let stage = &mut self.stage;
        match self.way {
            Way::Wide(instructions) => {
                let decoded = Wide::new(instructions, &mut self.numbers, data, at, has_version)
                    .ok_or(Doubt::Long)
                    .and_then(|mut fields| messages::decode(id, &mut fields, stage));
                if decoded == Err(Doubt::Long) { masked(id, data, at, stage) } else { decoded }
            }
            Way::Masked => messages::decode(id, &mut Masked::new(data, at), stage),
            Way::Plain => messages::decode(id, &mut Plain::new(data, at), stage),
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

/// The records of a message that the wide way leaves to the masks.
#[cold]
#[inline(never)]
fn masked(id: u8, data: &[u8], at: (usize, usize), stage: &mut Stage) -> Result<(), Doubt> {
    stage.discard();
    messages::decode(id, &mut Masked::new(data, at), stage)
}
