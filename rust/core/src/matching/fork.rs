//! Two live broker orders with different permanent ids on one key: a modify over a lost connection leaves that.
//!
//! One of them may have been matched by its permanent id. The other is no new order, so it is not left over either.

use std::collections::BTreeMap;
use std::ops::Range;

use hashbrown::HashSet;
use rayon::prelude::*;

use super::kinds::{common_fields, term_fields, term_kinds};
use super::ledger::{CANDIDATES_NAMED_MAX, Doubt, Ledger};
use super::orders::{Orders, Sides};
use super::outcome::{Reason, Tier};
use super::sessions;
use crate::buckets::Buckets;
use crate::classes::classes;
use crate::field::{Field, Side};
use crate::mix::Hasher;

/// Rows that one task hashes.
const ROWS_PER_TASK: usize = 1 << 14;

/// Doubts undecided live broker rows that share an order reference, or a client's order id, with another such order.
pub(crate) fn by_key(sides: Sides<'_>, ledger: &mut Ledger) {
    let has_ref = |orders: &Orders<'_>, row: u32| {
        orders.account.is_known(row as usize) && orders.order_ref.is_filled(row as usize)
    };
    let by_ref = Key { fields: vec![sides.account(), sides.order_ref()], has: &has_ref };
    doubt_forks(sides, &by_ref, (Tier::OrderRef, Reason::ForkedOrderRef), ledger);
    let [client_id, order_id] = sides.client_order();
    let by_id = Key { fields: vec![sides.account(), client_id, order_id], has: &sessions::has_key };
    doubt_forks(sides, &by_id, (Tier::OrderId, Reason::ForkedOrderId), ledger);
}

struct Key<'a> {
    fields: Vec<Field<'a>>,
    has: &'a (dyn Fn(&Orders<'_>, u32) -> bool + Sync),
}

impl Key<'_> {
    /// The rows of a side that take part and may have the key of one of the first: all that do, and some that do not.
    ///
    /// The first are few and the rows many, so a look at a small list of hashes saves grouping them all.
    fn sharing(
        &self,
        first: (Side, &[u32]),
        side: Side,
        rows: Range<u32>,
        takes_part: impl Fn(u32) -> bool + Sync,
    ) -> Vec<u32> {
        let hashes: HashSet<u64, Hasher> = self.hashes(first.0, first.1).into_iter().collect();
        let rows: Vec<u32> = rows.into_par_iter().filter(|&row| takes_part(row)).collect();
        let sharing = |rows: &[u32]| -> Vec<u32> {
            let found = rows.iter().zip(self.hashes(side, rows)).filter(|(_, hash)| hashes.contains(hash));
            found.map(|(&row, _)| row).collect()
        };
        rows.par_chunks(ROWS_PER_TASK).flat_map_iter(sharing).collect()
    }

    fn hashes(&self, side: Side, rows: &[u32]) -> Vec<u64> {
        let mut hashes = vec![0; rows.len()];
        self.fields.iter().for_each(|field| field.fold(side, rows, &mut hashes));
        hashes
    }
}

fn doubt_forks(sides: Sides<'_>, key: &Key<'_>, why: (Tier, Reason), ledger: &mut Ledger) {
    let forked = forked_rows(sides, key, ledger);
    if forked.is_empty() {
        return;
    }
    let book = key.sharing((Side::Left, &forked), Side::Right, rows(sides.book), |row| (key.has)(sides.book, row));
    let classes = classes(&key.fields, &forked, &book);
    let lefts = Buckets::new(&forked, &classes.left, classes.count());
    let rights = Buckets::new(&book, &classes.right, classes.count());
    let mut keys: Vec<usize> = (0..classes.count()).filter(|&key| !lefts.rows(key).is_empty()).collect();
    keys.sort_unstable_by_key(|&key| lefts.rows(key)[0]);
    for key in keys {
        let candidates = rights.rows(key);
        let named = &candidates[..candidates.len().min(CANDIDATES_NAMED_MAX)];
        let doubts: Vec<Doubt> = lefts
            .rows(key)
            .iter()
            .map(|&broker| Doubt { broker, candidates: candidates.len(), named: named.to_vec() })
            .collect();
        // The book's rows stay what they are: matched, or over and known by another permanent id.
        ledger.doubt(&doubts, &[], why);
    }
}

/// The undecided live broker rows that are one of two orders on their key, ascending.
fn forked_rows(sides: Sides<'_>, key: &Key<'_>, ledger: &Ledger) -> Vec<u32> {
    let broker = sides.broker;
    let takes_part = |row: u32| {
        let live = broker.live.is_true(row as usize) && broker.perm_id.id(row as usize).is_some();
        live && (key.has)(broker, row)
    };
    let open: Vec<u32> = ledger.open_broker().filter(|&row| takes_part(row)).collect();
    if open.is_empty() {
        return Vec::new();
    }
    let all = key.sharing((Side::Left, &open), Side::Left, rows(broker), takes_part);
    let terms = term_fields(sides).map(Field::left_twice);
    let (open_kinds, all_kinds) = (term_kinds(&terms, &open), term_kinds(&terms, &all));
    let mut forked = Vec::new();
    for (&open_kind, open) in &open_kinds {
        for (&all_kind, all) in &all_kinds {
            let fields: Vec<Field<'_>> = key.fields.iter().map(|field| field.left_twice()).collect();
            let fields = [fields, common_fields(&terms, open_kind & all_kind)].concat();
            forked.extend(with_another_perm(broker, &fields, (open, all)));
        }
    }
    forked.sort_unstable();
    forked.dedup();
    forked
}

/// Those of the first rows that share the fields with one of the second, of another permanent id.
fn with_another_perm(broker: &Orders<'_>, fields: &[Field<'_>], rows: (&[u32], &[u32])) -> Vec<u32> {
    let perm = |row: u32| broker.perm_id.id(row as usize);
    let classes = classes(fields, rows.0, rows.1);
    // Per class the first permanent id, and whether there is a second one.
    let mut perms: BTreeMap<u32, (Option<i64>, bool)> = BTreeMap::new();
    for (&row, &class) in rows.1.iter().zip(&classes.right) {
        let seen = perms.entry(class).or_insert((perm(row), false));
        seen.1 |= seen.0 != perm(row);
    }
    let is_forked =
        |&(&row, class): &(&u32, &u32)| perms.get(class).is_some_and(|&(first, more)| more || first != perm(row));
    rows.0.iter().zip(&classes.left).filter(is_forked).map(|(&row, _)| row).collect()
}

fn rows(orders: &Orders<'_>) -> Range<u32> {
    0..u32::try_from(orders.len()).expect("the number of rows was checked")
}
