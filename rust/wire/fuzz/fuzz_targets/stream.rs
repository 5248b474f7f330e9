//! Any bytes: no panic, every way gives what the plain one does, and two pieces what one does.
//!
//! `cargo fuzz run stream` in `rust/wire`. The first byte says where the stream is cut, the second whether the rest is
//! the stream itself or message bodies divided by newlines, which the fuzzer finds its way into sooner.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tieout_wire::{Account, Decoder, Sink, Tick, Way, WireError};

#[derive(Debug, Default, PartialEq)]
struct Heard {
    ticks: Vec<Tick>,
    others: Vec<Vec<u8>>,
}

impl Sink for Heard {
    fn ticks(&mut self, ticks: &[Tick]) {
        self.ticks.extend_from_slice(ticks);
    }

    fn other(&mut self, frame: &[u8]) {
        self.others.push(frame.to_vec());
    }
}

type Outcome = (Heard, Account, Result<(), WireError>);

fn heard<const PIECES: usize>(way: Way, pieces: [&[u8]; PIECES]) -> Outcome {
    let (mut heard, mut decoder) = (Heard::default(), Decoder::by(way, 176).expect("a known version"));
    let outcome = pieces.into_iter().try_for_each(|piece| decoder.feed(piece, 1, &mut heard));
    (heard, decoder.account().clone(), outcome)
}

fuzz_target!(|input: &[u8]| {
    let [cut, shape, rest @ ..] = input else { return };
    let stream = if shape % 4 == 0 { rest.to_vec() } else { framed(rest) };
    let cut = usize::from(*cut).min(stream.len());
    let best = heard(Way::best(), [&stream]);
    assert_eq!(heard(Way::Plain, [&stream]), best);
    assert_eq!(heard(Way::Masked, [&stream]), best);
    assert_eq!(best, heard(Way::best(), [&stream[..cut], &stream[cut..]]));
    let account = &best.1;
    assert_eq!(account.frames, account.decoded + account.handed_on + account.malformed);
});

/// Each line as a frame, with `|` for NUL.
fn framed(lines: &[u8]) -> Vec<u8> {
    let frames = lines.split(|byte| *byte == b'\n').map(|line| {
        let body: Vec<u8> = line.iter().map(|byte| if *byte == b'|' { 0 } else { *byte }).collect();
        let length = u32::try_from(body.len()).expect("a short body");
        [&length.to_be_bytes()[..], &body].concat()
    });
    frames.flatten().collect()
}
