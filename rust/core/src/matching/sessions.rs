//! Tier 3: (account, `client_id`, `order_id`), within a broker session where both sides know theirs.
//!
//! A client's order ids are handed out again after a gateway restart, so two rows of one key may be two orders. Rows of
//! known and different sessions are no possibilities of each other; a row of unknown session is one of all.

use std::collections::BTreeMap;

use super::ledger::{CANDIDATES_NAMED_MAX, Doubt, Ledger, Suspect};
use super::orders::{Orders, Sides};
use super::outcome::{Reason, Tier};
use super::terms::Terms;
use crate::classes::classes;
use crate::field::Side;
use crate::join::{Group, join};

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

impl Component {
    fn of_pair(broker: u32, book: u32) -> Self {
        let doubt = Doubt { broker, candidates: 1, named: vec![book] };
        Self { doubts: vec![doubt], suspects: vec![Suspect { book, broker }] }
    }
}

/// Decides the undecided rows whose key and session allow only one answer, and doubts those that allow several.
pub(crate) fn by_order_id(sides: Sides<'_>, terms: &Terms<'_>, ledger: &mut Ledger) {
    let broker: Vec<u32> = ledger.open_broker().filter(|&row| has_key(sides.broker, row)).collect();
    let may_be_open = |row: u32| has_key(sides.book, row) && sides.book.live.is_true(row as usize);
    let book: Vec<u32> = ledger.open_book().filter(|&row| may_be_open(row)).collect();
    let [client_id, order_id] = sides.client_order();
    let groups = join(&[sides.account(), client_id, order_id], terms.fields(), (&broker, &book));
    let mut verdicts: Vec<(Component, Option<Reason>)> = many(sides, &groups.many, terms);
    for pair in groups.single {
        let (broker, book) = (pair.left, pair.right);
        if !sides.session().contradicts((Side::Left, broker), (Side::Right, book)) {
            let verdict = terms.reason_or_perm(pair.differing, (broker, book));
            verdicts.push((Component::of_pair(broker, book), verdict));
        }
    }
    verdicts.sort_unstable_by_key(|(component, _)| component.doubts[0].broker);
    for (Component { doubts, suspects }, verdict) in verdicts {
        match verdict {
            None => ledger.pair(doubts[0].broker, suspects[0].book, Tier::OrderId),
            Some(reason) => ledger.doubt(&doubts, &suspects, (Tier::OrderId, reason)),
        }
    }
}

/// Whether the row has a client's order id.
pub(crate) fn has_key(orders: &Orders<'_>, row: u32) -> bool {
    let row = row as usize;
    orders.account.is_known(row) && orders.client_id.get(row).is_some() && orders.order_id.id(row).is_some()
}

/// The components of keys that a side has more than once, and why each is ambiguous.
fn many(sides: Sides<'_>, groups: &[Group], terms: &Terms<'_>) -> Vec<(Component, Option<Reason>)> {
    let all = |rows: fn(&Group) -> &Vec<u32>| groups.iter().flat_map(rows).copied().collect::<Vec<u32>>();
    let sessions = classes(&[sides.session()], &all(|group| &group.left), &all(|group| &group.right));
    let (mut left_sessions, mut right_sessions) = (sessions.left.iter(), sessions.right.iter());
    groups
        .iter()
        .flat_map(|group| {
            let left: Vec<Member> =
                group.left.iter().zip(&mut left_sessions).map(|(&row, &at)| member(sides.broker, row, at)).collect();
            let right: Vec<Member> =
                group.right.iter().zip(&mut right_sessions).map(|(&row, &at)| member(sides.book, row, at)).collect();
            components(&left, &right)
        })
        .map(|component| {
            let verdict = match (component.doubts.as_slice(), component.suspects.as_slice()) {
                ([doubt], [suspect]) => terms.between((doubt.broker, suspect.book)),
                _ => Some(Reason::OrderIdNotUnique),
            };
            (component, verdict)
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
