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
fn bytes_of_another_protocol_end_the_stream_at_once() {
    for bytes in
        [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"]
    {
        let (mut heard, mut decoder) = (Heard::default(), decoder());
        let outcome = decoder.feed(bytes, 0, &mut heard);
        assert!(matches!(outcome, Err(WireError::FrameTooLong { .. })), "{outcome:?}");
        assert_eq!((Heard::default(), 0), (heard, decoder.pending_bytes()));
    }
}

#[test]
fn times_that_run_backwards_are_kept_as_they_came() {
    let by_tick = |seconds: &str| frame(&["99", "7", "4", seconds, "230.5"]);
    let (mut heard, mut decoder) = (Heard::default(), decoder());
    for (received_ns, seconds) in [(20, "1752606307"), (10, "1752606306"), (15, "-1")] {
        decoder.feed(&by_tick(seconds), received_ns, &mut heard).expect("a possible length");
    }
    let times: Vec<_> = heard.ticks.iter().map(|tick| (tick.received_ns, tick.exchange_ns)).collect();
    assert_eq!([(20, 1_752_606_307_000_000_000), (10, 1_752_606_306_000_000_000), (15, -1_000_000_000)], times[..]);
    assert_eq!([0, 1, 2], heard.ticks.iter().map(|tick| tick.sequence).collect::<Vec<_>>()[..]);
}

/// The fields of a message that the wide way does not read at once: an odd version, and a field of a block and more.
#[test]
fn an_odd_version_and_a_long_field_change_nothing() {
    let size = |version: &str| fed(&frame(&["2", version, "7", "0", "100"])).0;
    let expected = size("6");
    assert_eq!(1, expected.ticks.len());
    for version in ["", "10", "x", &"6".repeat(200)] {
        assert_eq!(expected, size(version), "version {version:?}");
    }
    let text = "A".repeat(200);
    let (heard, _) = fed(&frame(&["46", "6", "7", "32", &text]));
    assert_eq!(1 + text.len().div_ceil(16), heard.ticks.len());
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
