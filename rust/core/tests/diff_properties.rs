//! Differences, field by field, on generated rows.

mod support;

use proptest::prelude::*;
use support::{Frame, Layout, Row};
use tieout_core::{CoreError, FIELDS, differing_fields};

fn one_of<T: Clone + std::fmt::Debug + 'static>(values: &[Option<T>]) -> impl Strategy<Value = Option<T>> + use<T> {
    prop::sample::select(values.to_vec())
}

fn text() -> impl Strategy<Value = Option<String>> {
    one_of(&[None, Some(""), Some("a"), Some("b"), Some("of twelve ab"), Some("of thirteen a"), Some("of thirteen b")])
        .prop_map(|text| text.map(str::to_owned))
}

fn int() -> impl Strategy<Value = Option<i64>> {
    one_of(&[None, Some(0), Some(1), Some(-1), Some(i64::MAX), Some(i64::MIN)])
}

prop_compose! {
    fn row()(texts in [text(), text(), text()], ints in [int(), int(), int(), int(), int()]) -> Row {
        let [status, order_type, tif] = texts;
        let [quantity_e8, limit_price_e8, stop_price_e8, filled_quantity_e8, perm_id] = ints;
        Row {
            perm_id, quantity_e8, order_type, limit_price_e8, stop_price_e8, tif, status, filled_quantity_e8,
            ..Row::default()
        }
    }
}

/// What the rules say of one pair.
fn mask(broker: &Row, book: &Row) -> u16 {
    fn differs<T: PartialEq>(broker: Option<&T>, book: Option<&T>) -> bool {
        broker.is_some() && broker != book
    }
    let id = |row: &Row| row.perm_id.filter(|&id| id != 0);
    let bits = [
        differs(broker.status.as_ref(), book.status.as_ref()),
        differs(broker.quantity_e8.as_ref(), book.quantity_e8.as_ref()),
        differs(broker.order_type.as_ref(), book.order_type.as_ref()),
        differs(broker.limit_price_e8.as_ref(), book.limit_price_e8.as_ref()),
        differs(broker.stop_price_e8.as_ref(), book.stop_price_e8.as_ref()),
        differs(broker.tif.as_ref(), book.tif.as_ref()),
        differs(broker.filled_quantity_e8.as_ref(), book.filled_quantity_e8.as_ref()),
        differs(id(broker).as_ref(), id(book).as_ref()),
    ];
    bits.into_iter().enumerate().map(|(bit, differs)| u16::from(differs) << bit).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn masks_agree_with_the_rules(
        broker in prop::collection::vec(row(), 1..20),
        book in prop::collection::vec(row(), 1..20),
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..40),
    ) {
        let at = |index: usize| u32::try_from(index).expect("a small test");
        let left: Vec<u32> = picks.iter().map(|pick| at(pick.0.index(broker.len()))).collect();
        let right: Vec<u32> = picks.iter().map(|pick| at(pick.1.index(book.len()))).collect();
        let frames = (Frame::new(&broker, Layout::Views), Frame::new(&book, Layout::Small));
        let found = differing_fields((&frames.0.fields(), &frames.1.fields()), &left, &right);
        let pairs = left.iter().zip(&right);
        let expected: Vec<u16> = pairs.map(|(&l, &r)| mask(&broker[l as usize], &book[r as usize])).collect();
        prop_assert_eq!(found, Ok(expected));
    }
}

#[test]
fn every_field_has_a_bit() {
    assert_eq!(
        ["status", "quantity", "order_type", "limit_price", "stop_price", "tif", "filled_quantity", "perm_id"],
        FIELDS
    );
}

#[test]
fn what_cannot_be_compared_is_an_error() {
    let frame = Frame::new(&[Row::default()], Layout::Views);
    let fields = frame.fields();
    let no_row = CoreError::NoSuchRow { side: "book", row: 1, rows: 1 };
    assert_eq!(Err(no_row), differing_fields((&fields, &fields), &[0], &[1]));
    let uneven = CoreError::UnevenPairs { broker: 1, book: 0 };
    assert_eq!(Err(uneven), differing_fields((&fields, &fields), &[0], &[]));
    let other = Frame::new(&[Row::default(), Row::default()], Layout::Views);
    let mut ragged = other.fields();
    ragged.tif = frame.fields().tif;
    let error = CoreError::Ragged { side: "broker", column: "tif", found: 1, expected: 2 };
    assert_eq!(Err(error), differing_fields((&ragged, &fields), &[0], &[0]));
}
