//! Tiers 1 and 2: a key that is found once on each side.

use rayon::prelude::*;

use super::ledger::Ledger;
use super::orders::{Orders, Sides};
use super::outcome::{Reason, Tier};
use super::terms::{Terms, all_rows};
use crate::buckets;
use crate::classes::classes;
use crate::join::{Group, Groups, Keyed, join};

/// Tier 1: (account, `perm_id`).
pub(crate) fn by_perm_id(sides: Sides<'_>, terms: &Terms<'_>, ledger: &mut Ledger) {
    let accounts = classes(&[sides.account()], &all_rows(sides.broker.len()), &all_rows(sides.book.len()));
    let (broker, book) =
        rayon::join(|| perm_keys(sides.broker, &accounts.left), || perm_keys(sides.book, &accounts.right));
    let groups = join(&broker, &book);
    let verdicts = terms.contradictions(&groups.single);
    decide(&groups, verdicts, (Tier::PermId, Reason::PermIdNotUnique), ledger);
}

fn perm_keys(orders: &Orders<'_>, accounts: &[u32]) -> Vec<Keyed> {
    let key = |(row, &account): (u32, &u32)| {
        let known = orders.account.is_known(row as usize);
        orders.perm_id.id(row as usize).filter(|_| known).map(|key| Keyed { key, account, row })
    };
    (0..).zip(accounts).filter_map(key).collect()
}

/// Tier 2: (account, `order_ref`).
pub(crate) fn by_order_ref(sides: Sides<'_>, terms: &Terms<'_>, ledger: &mut Ledger) {
    let has_key = |orders: &Orders<'_>, row: u32| {
        orders.account.is_known(row as usize) && orders.order_ref.is_filled(row as usize)
    };
    let broker: Vec<u32> = ledger.open_broker().filter(|&row| has_key(sides.broker, row)).collect();
    let book: Vec<u32> =
        ledger.open_book().filter(|&row| has_key(sides.book, row) && !sides.book.settled(row)).collect();
    let classes = classes(&[sides.account(), sides.order_ref()], &broker, &book);
    let groups = buckets::group((&broker, &classes.left), (&book, &classes.right), classes.count());
    let verdict = |&(broker, book): &(u32, u32)| terms.contradiction_or_perm(broker, book);
    let verdicts = groups.single.par_iter().map(verdict).collect();
    decide(&groups, verdicts, (Tier::OrderRef, Reason::OrderRefNotUnique), ledger);
}

/// Pairs what is single and not contradicted; the rest of the rows is ambiguous.
fn decide(groups: &Groups, verdicts: Vec<Option<Reason>>, why: (Tier, Reason), ledger: &mut Ledger) {
    let (tier, not_unique) = why;
    let mut doubted: Vec<(Group, Reason)> = groups.many.iter().map(|group| (group.clone(), not_unique)).collect();
    for (&(broker, book), verdict) in groups.single.iter().zip(verdicts) {
        match verdict {
            None => ledger.pair(broker, book, tier),
            Some(reason) => doubted.push((Group { left: vec![broker], right: vec![book] }, reason)),
        }
    }
    doubted.sort_unstable_by_key(|(group, _)| group.left[0]);
    for (group, reason) in doubted {
        ledger.doubt_all(&group, tier, reason);
    }
}
