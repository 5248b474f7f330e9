//! Tiers 1 and 2: a key that is found once on each side.

use super::ledger::Ledger;
use super::orders::{Orders, Sides};
use super::outcome::{Reason, Tier};
use super::terms::Terms;
use crate::join::{Group, Groups, join};

/// Tier 1: (account, `perm_id`).
pub(crate) fn by_perm_id(sides: Sides<'_>, terms: &Terms<'_>, ledger: &mut Ledger) {
    let has_key = |orders: &Orders<'_>, row: u32| {
        orders.account.is_known(row as usize) && orders.perm_id.id(row as usize).is_some()
    };
    let (broker, book) = rayon::join(
        || ledger.open_broker().filter(|&row| has_key(sides.broker, row)).collect::<Vec<u32>>(),
        || ledger.open_book().filter(|&row| has_key(sides.book, row)).collect::<Vec<u32>>(),
    );
    let groups = join(&[sides.account(), sides.perm_id()], terms.fields(), (&broker, &book));
    decide(groups, |differing, _| terms.reason(differing), (Tier::PermId, Reason::PermIdNotUnique), ledger);
}

/// Tier 2: (account, `order_ref`).
pub(crate) fn by_order_ref(sides: Sides<'_>, terms: &Terms<'_>, ledger: &mut Ledger) {
    let has_key = |orders: &Orders<'_>, row: u32| {
        orders.account.is_known(row as usize) && orders.order_ref.is_filled(row as usize)
    };
    let broker: Vec<u32> = ledger.open_broker().filter(|&row| has_key(sides.broker, row)).collect();
    let book: Vec<u32> =
        ledger.open_book().filter(|&row| has_key(sides.book, row) && !sides.book.settled(row)).collect();
    let groups = join(&[sides.account(), sides.order_ref()], terms.fields(), (&broker, &book));
    let verdict = |differing, pair| terms.reason_or_perm(differing, pair);
    decide(groups, verdict, (Tier::OrderRef, Reason::OrderRefNotUnique), ledger);
}

/// Pairs what is single and not contradicted; the rest of the rows is ambiguous.
fn decide(
    groups: Groups,
    verdict: impl Fn(u64, (u32, u32)) -> Option<Reason>,
    (tier, not_unique): (Tier, Reason),
    ledger: &mut Ledger,
) {
    let mut doubted: Vec<(Group, Reason)> = groups.many.into_iter().map(|group| (group, not_unique)).collect();
    for pair in groups.single {
        match verdict(pair.differing, (pair.left, pair.right)) {
            None => ledger.pair(pair.left, pair.right, tier),
            Some(reason) => doubted.push((Group { left: vec![pair.left], right: vec![pair.right] }, reason)),
        }
    }
    doubted.sort_unstable_by_key(|(group, _)| group.left[0]);
    for (group, reason) in doubted {
        ledger.doubt_all(&group, tier, reason);
    }
}
