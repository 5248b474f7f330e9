//! The invariants of the crate's first page, by their numbers.

use crate::support::{Heard, frame, raw, stream};
use proptest::prelude::*;
use tieout_wire::{Columns, Decoder, Sink, Way, WireError};

const NOW_NS: i64 = 1_752_606_307_000_000_000;

fn heard(pieces: &[&[u8]]) -> (Heard, Decoder, Result<(), WireError>) {
    by(Way::best(), pieces)
}

fn by(way: Way, pieces: &[&[u8]]) -> (Heard, Decoder, Result<(), WireError>) {
    let (mut heard, mut decoder) = (Heard::default(), Decoder::by(way, 176).expect("a known version"));
    let outcome = pieces.iter().try_for_each(|piece| decoder.feed(piece, NOW_NS, &mut heard));
    (heard, decoder, outcome)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn invariant_1_any_split_gives_the_same(bytes in stream(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        let (whole, one, _) = heard(&[&bytes]);
        let (cut, other, _) = heard(&pieces);
        prop_assert_eq!(whole, cut);
        prop_assert_eq!(one.account(), other.account());
    }

    #[test]
    fn invariant_1_byte_by_byte_gives_the_same(bytes in stream()) {
        let pieces: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(heard(&[&bytes]).0, heard(&pieces).0);
    }

    #[test]
    fn invariant_2_other_messages_come_out_untouched(bodies in prop::collection::vec("(4|9|15|100|176|x|01)\0[ -~\0]{0,90}", 1..9)) {
        let frames: Vec<Vec<u8>> = bodies.iter().map(|body| raw(body.as_bytes())).collect();
        let (found, ..) = heard(&[&frames.concat()]);
        prop_assert_eq!(Heard { ticks: vec![], others: frames }, found);
    }

    #[test]
    fn invariant_3_any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let (.., outcome) = heard(&[&bytes]);
        prop_assert_eq!(outcome.is_err(), by(Way::Plain, &[&bytes]).2.is_err());
    }

    #[test]
    fn invariant_3_every_frame_is_accounted_for(bytes in stream()) {
        let (found, decoder, outcome) = heard(&[&bytes]);
        let account = decoder.account();
        prop_assert_eq!(Ok(()), outcome);
        prop_assert_eq!(account.frames, account.decoded + account.handed_on + account.malformed);
        prop_assert_eq!(account.ticks, found.ticks.len() as u64);
        prop_assert_eq!(account.handed_on, found.others.len() as u64);
        prop_assert_eq!(account.malformed, account.malformed_by_message().map(|(_, count)| count).sum::<u64>());
    }

    #[test]
    fn invariant_4_the_numbers_of_the_records_have_no_gap(bytes in stream()) {
        let (found, ..) = heard(&[&bytes]);
        let numbers: Vec<u64> = found.ticks.iter().map(|tick| tick.sequence).collect();
        prop_assert_eq!((0..numbers.len() as u64).collect::<Vec<_>>(), numbers);
    }

    #[test]
    fn invariant_5_units_of_1e_8_are_exact(units in any::<i64>(), negative in any::<bool>()) {
        let units = if negative { units } else { units / 1_000_000 };
        let (whole, fraction) = (units.unsigned_abs() / 100_000_000, units.unsigned_abs() % 100_000_000);
        let sign = if units < 0 { "-" } else { "" };
        let text = format!("{sign}{whole}.{fraction:08}");
        let (found, ..) = heard(&[&frame(&["1", "6", "7", "1", &text, "1", "0"])]);
        prop_assert_eq!((units, 1 | 2 | 1 << 15), (found.ticks[0].price, found.ticks[0].flags));
    }

    #[test]
    fn invariant_5_what_they_cannot_hold_is_the_nearest_f64(value in any::<f64>().prop_filter("finite", |value| {
        value.is_finite() && value.abs() < f64::MAX && (value * 1e8).fract() != 0.0 && value.abs() > 1e-7
    })) {
        let (found, ..) = heard(&[&frame(&["1", "6", "7", "1", &value.to_string(), "1", "0"])]);
        prop_assume!(found.ticks[0].flags & 1 << 3 != 0);
        prop_assert_eq!(value.to_bits(), found.ticks[0].price.cast_unsigned());
    }

    #[test]
    fn invariant_6_every_way_gives_the_same(bytes in stream()) {
        let (expected, plain, expected_outcome) = by(Way::Plain, &[&bytes]);
        for way in [Way::Masked, Way::best()] {
            let (found, decoder, outcome) = by(way, &[&bytes]);
            prop_assert_eq!(&expected, &found, "{:?}", way);
            prop_assert_eq!(plain.account(), decoder.account(), "{:?}", way);
            prop_assert_eq!(expected_outcome, outcome, "{:?}", way);
        }
    }

    #[test]
    fn columns_hold_what_the_records_do(bytes in stream()) {
        let (found, ..) = heard(&[&bytes]);
        let mut columns = Columns::default();
        if !found.ticks.is_empty() {
            columns.ticks(&found.ticks);
        }
        prop_assert_eq!(found.ticks.iter().map(|tick| tick.price).collect::<Vec<_>>(), columns.price.clone());
        prop_assert_eq!(found.ticks.iter().map(|tick| tick.extra[1]).collect::<Vec<_>>(), columns.extra_1.clone());
        for flag in [1_u16, 2, 1 << 8] {
            let expected: Vec<bool> = found.ticks.iter().map(|tick| tick.flags & flag != 0).collect();
            let bits = columns.bits(flag);
            let got = |row: usize| bits.as_ref().is_none_or(|bits| bits[row / 8] >> (row % 8) & 1 == 1);
            prop_assert_eq!(expected, (0..columns.len()).map(got).collect::<Vec<_>>());
        }
    }
}
