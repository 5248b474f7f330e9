//! Which fields of matched orders differ.
//!
//! What the broker did not report (null) never differs. What the book does not know and the broker does, differs: it is
//! learnt. A number that 1e-8 cannot hold is null in the book's column, so it differs from any that the broker reports.

use rayon::prelude::*;

use crate::column::{Ints, Text, Texts};
use crate::error::CoreError;

/// The compared fields in the order of their bits: bit 0 is the first.
pub const FIELDS: [&str; 8] =
    ["status", "quantity", "order_type", "limit_price", "stop_price", "tif", "filled_quantity", "perm_id"];

/// Pairs that one task compares, field by field.
const PAIRS_PER_TASK: usize = 1 << 14;

/// The compared columns of one side, all of one length.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    /// The last status.
    pub status: Texts<'a>,
    /// In units of 1e-8.
    pub quantity_e8: Ints<'a>,
    /// LMT, STP, ...
    pub order_type: Texts<'a>,
    /// In units of 1e-8.
    pub limit_price_e8: Ints<'a>,
    /// In units of 1e-8.
    pub stop_price_e8: Ints<'a>,
    /// Time in force.
    pub tif: Texts<'a>,
    /// In units of 1e-8.
    pub filled_quantity_e8: Ints<'a>,
    /// IB's permId; 0 is taken for null.
    pub perm_id: Ints<'a>,
}

/// The differing fields of each pair of rows, as bits in the order of [`FIELDS`].
///
/// # Errors
/// Lists of rows or columns that differ in length; a row that a side does not have.
pub fn differing_fields(
    (broker, book): (&Fields<'_>, &Fields<'_>),
    broker_rows: &[u32],
    book_rows: &[u32],
) -> Result<Vec<u16>, CoreError> {
    broker.check("broker", broker_rows)?;
    book.check("book", book_rows)?;
    if broker_rows.len() != book_rows.len() {
        return Err(CoreError::UnevenPairs { broker: broker_rows.len(), book: book_rows.len() });
    }
    let mut masks = vec![0; broker_rows.len()];
    masks
        .par_chunks_mut(PAIRS_PER_TASK)
        .zip(broker_rows.par_chunks(PAIRS_PER_TASK).zip(book_rows.par_chunks(PAIRS_PER_TASK)))
        .for_each(|(masks, (broker_rows, book_rows))| compare((broker, book), (broker_rows, book_rows), masks));
    Ok(masks)
}

/// One field after the other, so that each loop reads one column of each side.
fn compare((broker, book): (&Fields<'_>, &Fields<'_>), rows: (&[u32], &[u32]), masks: &mut [u16]) {
    mark(rows, masks, 0, texts(&broker.status, &book.status));
    mark(rows, masks, 1, ints(&broker.quantity_e8, &book.quantity_e8));
    mark(rows, masks, 2, texts(&broker.order_type, &book.order_type));
    mark(rows, masks, 3, ints(&broker.limit_price_e8, &book.limit_price_e8));
    mark(rows, masks, 4, ints(&broker.stop_price_e8, &book.stop_price_e8));
    mark(rows, masks, 5, texts(&broker.tif, &book.tif));
    mark(rows, masks, 6, ints(&broker.filled_quantity_e8, &book.filled_quantity_e8));
    let (broker, book) = (&broker.perm_id, &book.perm_id);
    mark(rows, masks, 7, |left, right| broker.id(left).is_some_and(|id| book.id(right) != Some(id)));
}

#[inline]
fn mark(rows: (&[u32], &[u32]), masks: &mut [u16], bit: u16, differs: impl Fn(usize, usize) -> bool) {
    for (mask, (&left, &right)) in masks.iter_mut().zip(rows.0.iter().zip(rows.1)) {
        *mask |= u16::from(differs(left as usize, right as usize)) << bit;
    }
}

#[inline]
fn ints<'a>(broker: &'a Ints<'_>, book: &'a Ints<'_>) -> impl Fn(usize, usize) -> bool + 'a {
    |left, right| broker.get(left).is_some_and(|value| book.get(right) != Some(value))
}

#[inline]
fn texts<'a>(broker: &'a Texts<'_>, book: &'a Texts<'_>) -> impl Fn(usize, usize) -> bool + 'a {
    |left, right| match broker.get(left) {
        Text::Null => false,
        text => book.get(right) != text,
    }
}

impl Fields<'_> {
    fn check(&self, side: &'static str, rows: &[u32]) -> Result<(), CoreError> {
        let lengths = [
            self.status.len(),
            self.quantity_e8.len(),
            self.order_type.len(),
            self.limit_price_e8.len(),
            self.stop_price_e8.len(),
            self.tif.len(),
            self.filled_quantity_e8.len(),
            self.perm_id.len(),
        ];
        let expected = lengths[0];
        if let Some((column, &found)) = FIELDS.into_iter().zip(&lengths).find(|&(_, &found)| found != expected) {
            return Err(CoreError::Ragged { side, column, found, expected });
        }
        match rows.par_iter().max() {
            Some(&row) if row as usize >= expected => Err(CoreError::NoSuchRow { side, row, rows: expected }),
            _ => Ok(()),
        }
    }
}
