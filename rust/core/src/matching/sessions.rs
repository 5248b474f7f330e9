//! Tier 3: (account, `client_id`, `order_id`), within a broker session where both sides know theirs.
//!
//! A client's order ids are handed out again after a gateway restart, so two rows of one key may be two orders. Rows of
//! known and different sessions are no possibilities of each other; a row of unknown session is one of all.

use std::collections::BTreeMap;

use super::ledger::{CANDIDATES_NAMED_MAX, Doubt, Ledger, Suspect};
use super::orders::{Orders, Sides};
use super::outcome::{Reason, Tier};
use super::terms::{Terms, all_rows};
use crate::buckets::Buckets;
use crate::classes::classes;

/// A row and its session, `None` where that is not known.
#[derive(Debug, Clone, Copy)]
struct Member {
    row: u32,
    session: Option<u32>,
}

/// Rows that are possibilities of one another.
struct Component {
    doubts: Vec<Doubt>,
    suspects: Vec<Suspect>,
}

/// Decides the undecided rows whose key and session allow only one answer, and doubts those that allow several.
pub(crate) fn by_order_id(sides: Sides<'_>, terms: &Terms<'_>, ledger: &mut Ledger) {
    let broker: Vec<u32> = ledger.open_broker().filter(|&row| has_key(sides.broker, row)).collect();
    let may_be_open = |row: u32| has_key(sides.book, row) && sides.book.live.is_true(row as usize);
    let book: Vec<u32> = ledger.open_book().filter(|&row| may_be_open(row)).collect();
    let mut components = candidates(sides, &broker, &book);
    components.sort_unstable_by_key(|component| component.doubts[0].broker);
    for component in &components {
        decide(component, terms, ledger);
    }
}

/// Whether the row has a client's order id.
pub(crate) fn has_key(orders: &Orders<'_>, row: u32) -> bool {
    let row = row as usize;
    orders.account.is_known(row) && orders.client_id.get(row).is_some() && orders.order_id.id(row).is_some()
}

fn candidates(sides: Sides<'_>, broker: &[u32], book: &[u32]) -> Vec<Component> {
    let [client_id, order_id] = sides.client_order();
    let keys = classes(&[sides.account(), client_id, order_id], broker, book);
    let sessions = classes(&[sides.session()], broker, book);
    // The buckets hold places in `broker` and `book`, which lead to the row and to its session.
    let lefts = Buckets::new(&all_rows(broker.len()), &keys.left, keys.count());
    let rights = Buckets::new(&all_rows(book.len()), &keys.right, keys.count());
    let left = |&at: &u32| member(sides.broker, broker[at as usize], sessions.left[at as usize]);
    let right = |&at: &u32| member(sides.book, book[at as usize], sessions.right[at as usize]);
    (0..keys.count())
        .map(|key| (lefts.rows(key), rights.rows(key)))
        .filter(|(lefts, rights)| !lefts.is_empty() && !rights.is_empty())
        .flat_map(|(lefts, rights)| {
            components(&lefts.iter().map(left).collect::<Vec<_>>(), &rights.iter().map(right).collect::<Vec<_>>())
        })
        .collect()
}

fn member(orders: &Orders<'_>, row: u32, session: u32) -> Member {
    Member { row, session: orders.session.is_known(row as usize).then_some(session) }
}

/// Splits the rows of one key, ascending on each side, by session.
///
/// One row of unknown session makes one component of all that have a candidate: if it is the broker's, every book row
/// is a candidate of it; if it is the book's, it is a candidate of every broker row.
fn components(broker: &[Member], book: &[Member]) -> Vec<Component> {
    let (lefts, rights) = (by_session(broker), by_session(book));
    if lefts.contains_key(&None) || rights.contains_key(&None) {
        return component(broker, book, (&lefts, &rights)).into_iter().collect();
    }
    let members = |session: Option<u32>, rows: &[u32]| -> Vec<Member> {
        rows.iter().map(|&row| Member { row, session }).collect()
    };
    lefts
        .iter()
        .filter_map(|(&session, rows)| Some((members(session, rows), members(session, rights.get(&session)?))))
        .filter_map(|(broker, book)| component(&broker, &book, (&lefts, &rights)))
        .collect()
}

type BySession = BTreeMap<Option<u32>, Vec<u32>>;

fn by_session(members: &[Member]) -> BySession {
    let mut rows = BySession::new();
    for member in members {
        rows.entry(member.session).or_default().push(member.row);
    }
    rows
}

/// The rows that have a candidate, or `None` where none has.
fn component(broker: &[Member], book: &[Member], sides: (&BySession, &BySession)) -> Option<Component> {
    let (lefts, rights) = sides;
    let doubts: Vec<Doubt> = broker
        .iter()
        .map(|left| {
            let (candidates, named) = possible(*left, book, rights);
            Doubt { broker: left.row, candidates, named }
        })
        .filter(|doubt| doubt.candidates > 0)
        .collect();
    let suspects: Vec<Suspect> = book
        .iter()
        .filter_map(|right| {
            let broker = *possible(*right, broker, lefts).1.first()?;
            Some(Suspect { book: right.row, broker })
        })
        .collect();
    (!doubts.is_empty()).then_some(Component { doubts, suspects })
}

/// How many of the others the row may be, and the first of them, ascending.
fn possible(of: Member, others: &[Member], by_session: &BySession) -> (usize, Vec<u32>) {
    if of.session.is_none() {
        return (others.len(), others.iter().map(|other| other.row).take(CANDIDATES_NAMED_MAX).collect());
    }
    let lists = [by_session.get(&of.session), by_session.get(&None)];
    let lists = || lists.iter().flatten();
    let mut named: Vec<u32> = lists().flat_map(|rows| rows.iter().take(CANDIDATES_NAMED_MAX)).copied().collect();
    named.sort_unstable();
    named.truncate(CANDIDATES_NAMED_MAX);
    (lists().map(|rows| rows.len()).sum(), named)
}

fn decide(component: &Component, terms: &Terms<'_>, ledger: &mut Ledger) {
    let Component { doubts, suspects } = component;
    let reason = match (doubts.as_slice(), suspects.as_slice()) {
        ([doubt], [suspect]) => match terms.contradiction_or_perm(doubt.broker, suspect.book) {
            None => return ledger.pair(doubt.broker, suspect.book, Tier::OrderId),
            Some(reason) => reason,
        },
        _ => Reason::OrderIdNotUnique,
    };
    ledger.doubt(doubts, suspects, (Tier::OrderId, reason));
}
