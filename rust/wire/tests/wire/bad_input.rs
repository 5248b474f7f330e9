//! Bytes that no gateway should send: each has one stated outcome.

use crate::support::{Heard, frame, raw};
use tieout_wire::{Decoder, FRAME_BYTES_MAX, Flaw, WireError};

fn decoder() -> Decoder {
    Decoder::new(178).expect("a known version")
}

fn fed(bytes: &[u8]) -> (Heard, Decoder) {
    let (mut heard, mut decoder) = (Heard::default(), decoder());
    decoder.feed(bytes, 0, &mut heard).expect("frames of a possible length");
    (heard, decoder)
}

fn flaw_of(body: &[u8]) -> (Vec<(u8, u64)>, Flaw) {
    let (heard, decoder) = fed(&raw(body));
    assert_eq!(Heard::default(), heard);
    let account = decoder.account();
    let flaw = account.last_malformed().expect("a malformed message").flaw;
    (account.malformed_by_message().collect(), flaw)
}

#[test]
fn a_prefix_of_4_gib_ends_the_stream_and_what_came_before_is_kept() {
    let tick = frame(&["2", "6", "7", "0", "100"]);
    let (mut heard, mut decoder) = (Heard::default(), decoder());
    let expected = WireError::FrameTooLong { bytes: u64::from(u32::MAX), limit: FRAME_BYTES_MAX };
    assert_eq!(Err(expected), decoder.feed(&[&tick[..], &[0xff; 9]].concat(), 0, &mut heard));
    assert_eq!(1, heard.ticks.len());
    assert_eq!(Err(expected), decoder.feed(&tick, 0, &mut heard));
    assert_eq!(1, heard.ticks.len());
}

#[test]
fn a_prefix_of_4_gib_that_comes_in_two_pieces_is_seen_too() {
    let (mut heard, mut decoder) = (Heard::default(), decoder());
    assert_eq!(Ok(()), decoder.feed(&[0xff; 3], 0, &mut heard));
    let expected = WireError::FrameTooLong { bytes: u64::from(u32::MAX), limit: FRAME_BYTES_MAX };
    assert_eq!(Err(expected), decoder.feed(&[0xff], 0, &mut heard));
}

#[test]
fn a_long_frame_claims_only_the_memory_of_what_came() {
    let (mut heard, mut decoder) = (Heard::default(), decoder());
    let length = u32::try_from(FRAME_BYTES_MAX).expect("it fits").to_be_bytes();
    assert_eq!(Ok(()), decoder.feed(&[&length[..], b"1\0"].concat(), 0, &mut heard));
    assert_eq!(6, decoder.pending_bytes());
}

#[test]
fn a_frame_cut_at_every_position_waits_for_its_rest() {
    let bytes = frame(&["99", "7", "1", "1752606307", "230.5", "100", "2", "OVERNIGHT", " F T I"]);
    let (expected, _) = fed(&bytes);
    assert_eq!(2, expected.ticks.len());
    for cut in 0..=bytes.len() {
        let (mut heard, mut decoder) = (Heard::default(), decoder());
        decoder.feed(&bytes[..cut], 0, &mut heard).expect("a possible length");
        assert_eq!(if cut < bytes.len() { cut } else { 0 }, decoder.pending_bytes());
        decoder.feed(&bytes[cut..], 0, &mut heard).expect("a possible length");
        assert_eq!(expected, heard, "cut at {cut}");
    }
}

#[test]
fn an_empty_frame_is_handed_on() {
    let (heard, _) = fed(&raw(b""));
    assert_eq!(vec![vec![0; 4]], heard.others);
}

#[test]
fn malformed_ticks_are_told_with_their_message_id() {
    assert_eq!((vec![(2, 1)], Flaw::FieldMissing), flaw_of(b"2\x006\x007\x000\0"));
    assert_eq!((vec![(2, 1)], Flaw::NotClosed), flaw_of(b"2\x006\x007\x000\x00100"));
    assert_eq!((vec![(2, 1)], Flaw::NotANumber), flaw_of(b"2\x006\x007\x000\x00ten\0"));
    assert_eq!((vec![(12, 1)], Flaw::NotAnInteger), flaw_of(b"12\x001\x007\x00\x000\x001\x001.5\x0010\0"));
    assert_eq!((vec![(1, 1)], Flaw::FieldsLeft), flaw_of(b"1\x006\x007\x001\x001.5\x0010\x000\x000\0"));
    assert_eq!((vec![(99, 1)], Flaw::NotANumber), flaw_of(b"99\x007\x004\x001752606307\x001.5x\0"));
}

#[test]
fn a_historical_answer_with_a_bad_tick_gives_none_of_them() {
    let good = ["96", "7", "2", "1752606307", "0", "1.5", "10", "1752606308", "0", "1.6", "11", "1"];
    let (heard, _) = fed(&frame(&good));
    assert_eq!(3, heard.ticks.len());
    let mut bad = good;
    bad[9] = "x";
    let (heard, decoder) = fed(&frame(&bad));
    assert_eq!(Heard::default(), heard);
    assert_eq!(1, decoder.account().malformed);
}

#[test]
fn a_historical_answer_that_claims_more_ticks_than_it_has_is_malformed() {
    assert_eq!(
        (vec![(96, 1)], Flaw::FieldMissing),
        flaw_of(b"96\x007\x009223372036854775807\x001\x000\x001\x001\x001\0")
    );
}

#[test]
fn a_message_that_no_record_can_hold_is_handed_on() {
    for fields in [
        &["2", "6", "-1", "0", "100"][..],
        &["2", "6", "7", "256", "100"],
        &["12", "1", "7", "0", "3", "1", "1.5", "100"],
        &["99", "7", "5", "1752606307", "1.5"],
        &["99", "7", "4", "9223372036854775807", "1.5"],
    ] {
        let (heard, decoder) = fed(&frame(fields));
        assert_eq!(vec![frame(fields)], heard.others);
        assert_eq!((1, 1, 0), (decoder.account().beyond, decoder.account().handed_on, decoder.account().malformed));
    }
}

#[test]
fn a_number_that_says_none_is_flagged_and_has_no_value() {
    for text in ["NaN", "inf", "-Infinity", "1.7976931348623157E308", "1e999"] {
        let (heard, _) = fed(&frame(&["1", "6", "7", "1", text, "10", "0"]));
        assert_eq!((0, 1 << 5 | 2 | 1 << 15), (heard.ticks[0].price, heard.ticks[0].flags), "{text}");
    }
    for text in ["2147483647", "9223372036854775807", "1.7976931348623157E308"] {
        let (heard, _) = fed(&frame(&["2", "6", "7", "0", text]));
        assert_eq!((0, 1 << 5 | 1 << 15), (heard.ticks[0].size, heard.ticks[0].flags), "{text}");
    }
}

#[test]
fn an_unknown_server_version_is_refused() {
    for found in [0, 156, 179, u32::MAX] {
        let expected = WireError::ServerVersion { found, least: 157, most: 178 };
        assert_eq!(expected, Decoder::new(found).expect_err("not a known version"));
    }
}

#[test]
fn a_tick_message_can_be_left_to_others() {
    let (mut heard, mut decoder) = (Heard::default(), decoder());
    decoder.hand_on(99).expect("a tick message");
    let bytes = frame(&["99", "7", "4", "1752606307", "1.5"]);
    decoder.feed(&bytes, 0, &mut heard).expect("a possible length");
    assert_eq!(Heard { ticks: vec![], others: vec![bytes] }, heard);
    assert_eq!(Err(WireError::NotATick { found: 3 }), decoder.hand_on(3));
}
