//! What a ring refuses, and the layout of a tick.
#![cfg(not(loom))]

use tieout_ring::record::{instrument, subject};
use tieout_ring::settings::{CAPACITY_MAX, INSTRUMENTS_MAX};
use tieout_ring::tick::{Tick, flag};
use tieout_ring::{RingError, Settings, WhenFull, conflate, mpsc, spsc};

const NEWEST: WhenFull = WhenFull::DropNewest;

fn refused(capacity: usize, instruments: usize, when_full: WhenFull) -> RingError {
    let settings = Settings { capacity, instruments };
    let error = spsc::ring::<8>(settings, when_full).expect_err("it is refused");
    assert_eq!(mpsc::ring::<8>(settings, when_full).expect_err("it is refused"), error);
    if when_full == NEWEST {
        assert_eq!(conflate::ring::<8>(settings).expect_err("it is refused"), error);
    }
    error
}

#[test]
fn a_capacity_of_nothing_or_too_much_is_refused() {
    assert_eq!(refused(0, 1, NEWEST).to_string(), "the ring's capacity is 0; expected 1 to 16777216");
    for found in [CAPACITY_MAX + 1, usize::MAX] {
        assert_eq!(refused(found, 1, NEWEST), RingError::Capacity { found, limit: CAPACITY_MAX });
    }
}

#[test]
fn a_batch_that_the_ring_does_not_hold_is_refused() {
    for found in [0, 5] {
        let error = refused(4, 1, WhenFull::DropOldest { batch: found });
        assert_eq!(error, RingError::Batch { found, capacity: 4 });
    }
}

#[test]
fn too_many_instruments_are_refused() {
    let found = INSTRUMENTS_MAX + 1;
    assert_eq!(refused(4, found, NEWEST), RingError::Instruments { found, limit: INSTRUMENTS_MAX });
}

#[test]
fn a_ring_of_one_holds_one() {
    let (mut producer, mut consumer, watch) =
        spsc::ring::<1>(Settings { capacity: 1, instruments: 0 }, NEWEST).expect("good settings");
    assert_eq!(producer.push_batch(&[[1], [2]]).lost, 1);
    assert_eq!((consumer.pop(), consumer.pop()), (Some([1]), None));
    assert_eq!(watch.lost(), (Vec::new(), 1));
}

#[test]
fn a_tick_comes_back_as_it_was() {
    let tick = Tick {
        instrument: 0xFEDC_BA98,
        kind: 0xA1,
        field: 0xB2,
        flags: 0x70C3,
        price: -1,
        size: i64::MIN,
        exchange_ns: i64::MAX,
        received_ns: 1_700_000_000_000_000_000,
        sequence: u64::MAX,
        extra: [3, u64::MAX],
    };
    let record = tick.to_record();
    assert_eq!(record[0], 0x70C3_B2A1_FEDC_BA98);
    assert_eq!(Tick::from_record(&record), tick);
    assert_eq!((instrument(&record), subject(&record)), (tick.instrument, None));
    let quote = Tick { flags: flag::SUPERSEDES | flag::HAS_PRICE, ..tick }.to_record();
    assert_eq!(subject(&quote), Some(0xB2A1_FEDC_BA98));
}
