//! The rules of `tieout_core::matching`, word by word, every row against every row.

use std::collections::BTreeSet;

use tieout_core::{Reason, Settings, Tier};

use super::support::Row;

/// A row's fate. A possibility is (book, candidates of the broker row, tier, reason).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Open,
    Paired(usize, Tier),
    Ambiguous,
}

/// One group of ambiguous rows: (broker, book, candidates), tier and reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    pub edges: BTreeSet<(usize, Option<usize>, usize)>,
    pub tier: Tier,
    pub reason: Reason,
}

pub struct Model<'a> {
    left: &'a [Row],
    right: &'a [Row],
    settings: Settings,
    pub broker: Vec<Fate>,
    pub book: Vec<Fate>,
    pub groups: BTreeSet<Group>,
}

fn id(value: Option<i64>) -> Option<i64> {
    value.filter(|&value| value != 0)
}

fn text(value: Option<&String>) -> Option<&String> {
    value.filter(|value| !value.is_empty())
}

fn differ<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a != b)
}

fn agree<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a == b)
}

fn contract_differs(a: &Row, b: &Row) -> bool {
    let texts = |row: &Row| {
        [&row.symbol, &row.sec_type, &row.expiry, &row.right, &row.currency, &row.local_symbol, &row.trading_class]
            .map(Clone::clone)
    };
    let ints = |row: &Row| [row.con_id, row.strike_e8, row.multiplier_e8];
    texts(a).into_iter().zip(texts(b)).any(|(a, b)| differ(a, b))
        || ints(a).into_iter().zip(ints(b)).any(|(a, b)| differ(a, b))
}

fn ended(row: &Row) -> bool {
    row.status.as_deref().is_some_and(|status| !matches!(status, "Submitted" | "PreSubmitted" | "Inactive"))
}

fn live(row: &Row) -> bool {
    row.live() == Some(true)
}

fn settled(row: &Row) -> bool {
    ended(row) && id(row.perm_id).is_some()
}

fn same_perm(a: &Row, b: &Row) -> bool {
    agree(id(a.perm_id), id(b.perm_id))
}

fn same_ref(a: &Row, b: &Row) -> bool {
    agree(text(a.order_ref.as_ref()), text(b.order_ref.as_ref()))
}

fn same_id(a: &Row, b: &Row) -> bool {
    agree(a.client_id, b.client_id) && agree(id(a.order_id), id(b.order_id))
}

fn within(a: Option<i64>, b: Option<i64>, tolerance: u64) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => a.abs_diff(b) <= tolerance,
        _ => false,
    }
}

impl<'a> Model<'a> {
    pub fn new(left: &'a [Row], right: &'a [Row], settings: Settings) -> Self {
        let (broker, book) = (vec![Fate::Open; left.len()], vec![Fate::Open; right.len()]);
        let mut model = Self { left, right, settings, broker, book, groups: BTreeSet::new() };
        model.keyed(Tier::PermId, Reason::PermIdNotUnique, same_perm, |_| true, false);
        model.keyed(Tier::OrderRef, Reason::OrderRefNotUnique, same_ref, |row| !settled(row), true);
        let in_session = |a: &Row, b: &Row| same_id(a, b) && !differ(a.session.as_ref(), b.session.as_ref());
        model.keyed(Tier::OrderId, Reason::OrderIdNotUnique, in_session, |row| !settled(row) && live(row), true);
        model.fork(Tier::OrderRef, Reason::ForkedOrderRef, same_ref);
        model.fork(Tier::OrderId, Reason::ForkedOrderId, same_id);
        model.signature();
        model
    }

    fn edges(&self, candidate: impl Fn(&Row, &Row) -> bool) -> Vec<(usize, usize)> {
        let mut edges = Vec::new();
        for (l, left) in self.left.iter().enumerate() {
            for (r, right) in self.right.iter().enumerate() {
                let open = self.broker[l] == Fate::Open && self.book[r] == Fate::Open;
                if open && agree(left.account.as_ref(), right.account.as_ref()) && candidate(left, right) {
                    edges.push((l, r));
                }
            }
        }
        edges
    }

    fn keyed(
        &mut self,
        tier: Tier,
        not_unique: Reason,
        same: impl Fn(&Row, &Row) -> bool,
        takes_part: impl Fn(&Row) -> bool,
        perm: bool,
    ) {
        let edges = self.edges(|left, right| same(left, right) && takes_part(right));
        for component in components(&edges) {
            let reason = match component[..] {
                [(l, r)] => {
                    let (left, right) = (&self.left[l], &self.right[r]);
                    if contract_differs(left, right) {
                        Some(Reason::ContractContradicts)
                    } else if differ(left.side.as_ref(), right.side.as_ref()) {
                        Some(Reason::SideContradicts)
                    } else {
                        (perm && differ(id(left.perm_id), id(right.perm_id))).then_some(Reason::PermIdContradicts)
                    }
                }
                _ => Some(not_unique),
            };
            self.decide(&component, tier, reason);
        }
    }

    fn decide(&mut self, component: &[(usize, usize)], tier: Tier, reason: Option<Reason>) {
        let Some(reason) = reason else {
            let (l, r) = component[0];
            self.broker[l] = Fate::Paired(r, tier);
            self.book[r] = Fate::Paired(l, tier);
            return;
        };
        let candidates = |l: usize| component.iter().filter(|edge| edge.0 == l).count();
        let edges = component.iter().map(|&(l, r)| (l, Some(r), candidates(l))).collect();
        for &(l, r) in component {
            self.broker[l] = Fate::Ambiguous;
            self.book[r] = Fate::Ambiguous;
        }
        self.groups.insert(Group { edges, tier, reason });
    }

    fn fork(&mut self, tier: Tier, reason: Reason, same: fn(&Row, &Row) -> bool) {
        let of_one_key = |a: &Row, b: &Row| agree(a.account.as_ref(), b.account.as_ref()) && same(a, b);
        let forked: Vec<usize> = (0..self.left.len())
            .filter(|&l| self.broker[l] == Fate::Open && live(&self.left[l]))
            .filter(|&l| {
                let row = &self.left[l];
                self.left.iter().any(|other| {
                    live(other)
                        && of_one_key(row, other)
                        && differ(id(row.perm_id), id(other.perm_id))
                        && !contract_differs(row, other)
                        && !differ(row.side.as_ref(), other.side.as_ref())
                })
            })
            .collect();
        for &first in &forked {
            let key = |l: &&usize| of_one_key(&self.left[first], &self.left[**l]);
            if forked.iter().find(key) != Some(&first) {
                continue;
            }
            let books: Vec<usize> =
                (0..self.right.len()).filter(|&r| of_one_key(&self.left[first], &self.right[r])).collect();
            let mut edges = BTreeSet::new();
            for &l in forked.iter().filter(key) {
                edges.extend(books.iter().map(|&r| (l, Some(r), books.len())));
                if books.is_empty() {
                    edges.insert((l, None, 0));
                }
            }
            self.groups.insert(Group { edges, tier, reason });
        }
        for l in forked {
            self.broker[l] = Fate::Ambiguous;
        }
    }

    fn signature(&mut self) {
        let Settings { window_ns, price_tolerance_e8, accept_unique } = self.settings;
        let edges = self.edges(|left, right| {
            !settled(right)
                && !contract_differs(left, right)
                && agree(left.symbol.as_ref(), right.symbol.as_ref())
                && agree(left.side.as_ref(), right.side.as_ref())
                && agree(left.quantity_e8, right.quantity_e8)
                && within(left.limit_price_e8, right.limit_price_e8, price_tolerance_e8)
                && within(left.stop_price_e8, right.stop_price_e8, price_tolerance_e8)
                && left.placed_ns.zip(right.placed_ns).is_none_or(|(a, b)| a.abs_diff(b) <= window_ns)
                && !left.inexact
                && !right.inexact
                && !(live(left) && ended(right))
        });
        for component in components(&edges) {
            let reason = match component[..] {
                [(l, r)] => {
                    let (left, right) = (&self.left[l], &self.right[r]);
                    if differ(id(left.perm_id), id(right.perm_id)) {
                        Some(Reason::PermIdContradicts)
                    } else if left.placed_ns.is_none() || right.placed_ns.is_none() {
                        Some(Reason::TimeUnknown)
                    } else {
                        (!accept_unique).then_some(Reason::SignatureForReview)
                    }
                }
                _ => Some(Reason::SignatureNotUnique),
            };
            self.decide(&component, Tier::Signature, reason);
        }
    }
}

/// The connected components of a bipartite graph, as lists of edges.
fn components(edges: &[(usize, usize)]) -> Vec<Vec<(usize, usize)>> {
    let mut rest = edges.to_vec();
    let mut components = Vec::new();
    while let Some(first) = rest.pop() {
        let mut component = vec![first];
        let mut at = 0;
        while at < component.len() {
            let (l, r) = component[at];
            let (touching, others) = rest.into_iter().partition(|edge| edge.0 == l || edge.1 == r);
            rest = others;
            component.extend::<Vec<_>>(touching);
            at += 1;
        }
        components.push(component);
    }
    components
}
