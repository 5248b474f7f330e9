//! Tier 4: the same account, contract, side, quantity and price at about the same time.
//!
//! Candidates are never compared pair by pair. Rows are split by kind (`kinds`); between two kinds every condition but
//! time and tolerated prices is equality, so a join finds blocks, and a block's times and prices are points (`boxes`).

use std::collections::BTreeMap;

use super::boxes::{DIMENSIONS, Point, Reach, Tree};
use super::kinds::{Kind, common_fields, term_fields, term_kind};
use super::ledger::{CANDIDATES_NAMED_MAX, Doubt, Ledger, Suspect};
use super::orders::{Orders, Sides};
use super::outcome::{Reason, Settings, Tier};
use super::union::Sets;
use crate::buckets::Buckets;
use crate::classes::classes;
use crate::field::{Field, Side};

/// Pairs or doubts the undecided rows that have a candidate.
pub(crate) fn by_signature(sides: Sides<'_>, settings: &Settings, ledger: &mut Ledger) {
    let broker = kinds(sides, Side::Left, ledger.open_broker());
    let book = kinds(sides, Side::Right, ledger.open_book().filter(|&row| !sides.book.settled(row)));
    if broker.is_empty() || book.is_empty() {
        return;
    }
    let mut found = Found::new(sides);
    for (&left, broker) in &broker {
        for (&right, book) in book.iter().filter(|&(&right, _)| left.may_be(right)) {
            let search = Search { sides, settings, timed: left.timed && right.timed };
            search.run((broker, book), left.terms & right.terms, &mut found);
        }
    }
    found.decide(sides, settings, ledger);
}

/// Rows that meet every condition alike: equal kinds have the same candidates among rows with equal known fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct SignatureKind {
    terms: Kind,
    /// On the broker's side: live. On the book's: over. A live order is none that is over.
    barred: bool,
    timed: bool,
    /// Which of limit and stop price there are.
    prices: (bool, bool),
}

impl SignatureKind {
    fn may_be(self, book: Self) -> bool {
        !(self.barred && book.barred) && self.prices == book.prices
    }
}

/// The rows of a side that have a signature, by kind.
fn kinds(sides: Sides<'_>, side: Side, rows: impl Iterator<Item = u32>) -> BTreeMap<SignatureKind, Vec<u32>> {
    let orders = match side {
        Side::Left => sides.broker,
        Side::Right => sides.book,
    };
    let fields = term_fields(sides);
    let mut kinds: BTreeMap<SignatureKind, Vec<u32>> = BTreeMap::new();
    for row in rows.filter(|&row| has_signature(orders, row)) {
        let at = row as usize;
        let kind = SignatureKind {
            terms: term_kind(&fields, (side, row)),
            barred: if side == Side::Left { orders.live.is_true(at) } else { orders.ended(row) },
            timed: orders.placed_ns.get(at).is_some(),
            prices: (orders.limit_price_e8.get(at).is_some(), orders.stop_price_e8.get(at).is_some()),
        };
        kinds.entry(kind).or_default().push(row);
    }
    kinds
}

fn has_signature(orders: &Orders<'_>, row: u32) -> bool {
    let row = row as usize;
    let exact = !orders.inexact.is_true(row) && orders.quantity_e8.get(row).is_some();
    let terms = orders.contract.symbol.is_known(row) && orders.side.is_known(row);
    orders.account.is_known(row) && exact && terms
}

/// The candidates between two kinds.
struct Search<'a> {
    sides: Sides<'a>,
    settings: &'a Settings,
    timed: bool,
}

impl Search<'_> {
    fn run(&self, (broker, book): (&[u32], &[u32]), common: Kind, found: &mut Found) {
        let mut fields: Vec<Field<'_>> = vec![self.sides.account(), self.sides.quantity()];
        fields.extend(common_fields(&term_fields(self.sides), common));
        if self.settings.price_tolerance_e8 == 0 {
            fields.extend(self.sides.prices());
        }
        let classes = classes(&fields, broker, book);
        let lefts = Buckets::new(broker, &classes.left, classes.count());
        let rights = Buckets::new(book, &classes.right, classes.count());
        for class in 0..classes.count() {
            if !lefts.rows(class).is_empty() && !rights.rows(class).is_empty() {
                let broker = tree(self.sides.broker, lefts.rows(class));
                let book = tree(self.sides.book, rights.rows(class));
                found.block(broker, book, self.distance());
            }
        }
    }

    /// How far apart two candidates may be. An unknown time, or a price that neither has, excludes nothing.
    fn distance(&self) -> [u64; DIMENSIONS] {
        let price = self.settings.price_tolerance_e8;
        [if self.timed { self.settings.window_ns } else { u64::MAX }, price, price]
    }
}

/// The rows as points. A price or time that is null on both sides is 0 on both.
fn tree(orders: &Orders<'_>, rows: &[u32]) -> Tree {
    let point = |&row: &u32| {
        let columns = [&orders.placed_ns, &orders.limit_price_e8, &orders.stop_price_e8];
        Point { at: columns.map(|column| column.get(row as usize).unwrap_or_default()), row }
    };
    Tree::new(rows.iter().map(point).collect())
}

/// The candidates found so far.
struct Found {
    /// Broker row r is member r, book row r is member `broker_rows` + r.
    sets: Sets,
    broker_rows: usize,
    doubts: BTreeMap<u32, Doubt>,
    suspects: BTreeMap<u32, Suspect>,
}

impl Found {
    fn new(sides: Sides<'_>) -> Self {
        let broker_rows = sides.broker.len();
        let sets = Sets::new(broker_rows + sides.book.len());
        Self { sets, broker_rows, doubts: BTreeMap::new(), suspects: BTreeMap::new() }
    }

    /// Adds the candidates of one block. No pair of rows is in two blocks.
    fn block(&mut self, mut broker: Tree, mut book: Tree, distance: [u64; DIMENSIONS]) {
        for point in broker.points() {
            let reach = Reach::around(point, distance);
            let candidates = book.count(&reach);
            if candidates > 0 {
                let new = Doubt { broker: point.row, candidates: 0, named: Vec::new() };
                let doubt = self.doubts.entry(point.row).or_insert(new);
                doubt.candidates += candidates;
                book.name(&reach, CANDIDATES_NAMED_MAX, &mut doubt.named);
            }
        }
        let mut one = Vec::with_capacity(1);
        for point in book.points() {
            one.clear();
            broker.name(&Reach::around(point, distance), 1, &mut one);
            if let &[broker] = one.as_slice() {
                self.suspects.entry(point.row).or_insert(Suspect { book: point.row, broker });
            }
        }
        self.connect(&mut broker, &mut book, distance);
    }

    /// Merges what is connected in a block, taking each point out of its tree when it is first reached.
    fn connect(&mut self, broker: &mut Tree, book: &mut Tree, distance: [u64; DIMENSIONS]) {
        let mut lefts: Vec<Point> = Vec::new();
        let mut rights: Vec<Point> = Vec::new();
        for start in broker.points().to_vec() {
            lefts.push(start);
            while let Some(left) = lefts.pop() {
                book.take(&Reach::around(&left, distance), &mut rights);
                for right in &rights {
                    self.merge(left.row, right.row);
                }
                while let Some(right) = rights.pop() {
                    let first = lefts.len();
                    broker.take(&Reach::around(&right, distance), &mut lefts);
                    for left in &lefts[first..] {
                        self.merge(left.row, right.row);
                    }
                }
            }
        }
    }

    fn merge(&mut self, broker: u32, book: u32) {
        self.sets.merge(broker as usize, self.broker_rows + book as usize);
    }

    fn decide(mut self, sides: Sides<'_>, settings: &Settings, ledger: &mut Ledger) {
        let mut components: BTreeMap<usize, (Vec<Doubt>, Vec<Suspect>)> = BTreeMap::new();
        for (row, mut doubt) in self.doubts {
            doubt.named.sort_unstable();
            components.entry(self.sets.leader(row as usize)).or_default().0.push(doubt);
        }
        for (row, suspect) in self.suspects {
            let leader = self.sets.leader(self.broker_rows + row as usize);
            components.entry(leader).or_default().1.push(suspect);
        }
        for (doubts, suspects) in components.values() {
            match verdict(doubts, suspects, (sides, settings)) {
                Some(reason) => ledger.doubt(doubts, suspects, (Tier::Signature, reason)),
                None => ledger.pair(doubts[0].broker, suspects[0].book, Tier::Signature),
            }
        }
    }
}

/// Why a component is ambiguous, or `None` where it is a pair.
fn verdict(doubts: &[Doubt], suspects: &[Suspect], rules: (Sides<'_>, &Settings)) -> Option<Reason> {
    let (sides, settings) = rules;
    let (&[Doubt { broker, .. }], &[Suspect { book, .. }]) = (doubts, suspects) else {
        return Some(Reason::SignatureNotUnique);
    };
    let timed = |orders: &Orders<'_>, row: u32| orders.placed_ns.get(row as usize).is_some();
    if sides.perm_contradicts(broker, book) {
        Some(Reason::PermIdContradicts)
    } else if !timed(sides.broker, broker) || !timed(sides.book, book) {
        Some(Reason::TimeUnknown)
    } else {
        (!settings.accept_unique).then_some(Reason::SignatureForReview)
    }
}
