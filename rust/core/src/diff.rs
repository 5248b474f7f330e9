//! Which fields of matched orders differ.
//!
//! What the broker did not report (null) never differs. What the book does not know and the broker does, differs: it is
//! learnt. A number that 1e-8 cannot hold is null in the book's column, so it differs from any that the broker reports.

use rayon::prelude::*;

use crate::bulk::Column;
use crate::bulk::compare::differ;
use crate::bulk::twin::{Nulls, Twin};
use crate::column::{Ints, Texts};
use crate::error::CoreError;
use crate::field::{Field, Side};

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
    let ids = [ids(&broker.perm_id), ids(&book.perm_id)];
    let perm_ids = [broker.perm_id.known_where(ids[0].as_deref()), book.perm_id.known_where(ids[1].as_deref())];
    let fields = [
        Field::Texts(&broker.status, &book.status),
        Field::Ints(&broker.quantity_e8, &book.quantity_e8),
        Field::Texts(&broker.order_type, &book.order_type),
        Field::Ints(&broker.limit_price_e8, &book.limit_price_e8),
        Field::Ints(&broker.stop_price_e8, &book.stop_price_e8),
        Field::Texts(&broker.tif, &book.tif),
        Field::Ints(&broker.filled_quantity_e8, &book.filled_quantity_e8),
        Field::Ints(&perm_ids[0], &perm_ids[1]),
    ];
    let told = (0..).zip(fields).filter(|(_, field)| !field.is_void(Side::Left));
    let columns: Vec<(u32, [Column<'_>; 2])> = told.map(|(bit, field)| (bit, field.columns())).collect();
    let twins: Vec<(u64, Twin<'_>)> = columns.iter().map(|(bit, columns)| (1 << bit, silent_left(columns))).collect();
    let mut masks = vec![0; broker_rows.len()];
    let tasks = broker_rows.par_chunks(PAIRS_PER_TASK).zip(book_rows.par_chunks(PAIRS_PER_TASK));
    masks.par_chunks_mut(PAIRS_PER_TASK).zip(tasks).for_each(|(masks, rows)| compare(&twins, rows, masks));
    Ok(masks)
}

fn silent_left<'a>([left, right]: &'a [Column<'a>; 2]) -> Twin<'a> {
    let mut twin = Twin::new(left, right, 0).expect("columns of one type");
    twin.nulls = Nulls::LeftSilent;
    twin
}

/// One field after the other, so that each loop reads one column of each side.
fn compare(twins: &[(u64, Twin<'_>)], rows: (&[u32], &[u32]), masks: &mut [u16]) {
    let mut found = vec![0; masks.len()];
    for (bit, twin) in twins {
        differ(twin, rows, *bit, &mut found);
    }
    for (mask, found) in masks.iter_mut().zip(found) {
        *mask = u16::try_from(found).expect("fewer fields than bits");
    }
}

/// The rows that have an id, as bits; `None` where a null is all that is none.
fn ids(column: &Ints<'_>) -> Option<Vec<u8>> {
    let (values, _) = column.parts();
    values.contains(&0).then(|| {
        let mut bits = vec![0_u8; values.len().div_ceil(8)];
        for row in (0..values.len()).filter(|&row| column.id(row).is_some()) {
            bits[row >> 3] |= 1 << (row & 7);
        }
        bits
    })
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
