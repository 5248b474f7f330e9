//! Which rows are decided, and how. A row is decided once.

use super::outcome::{Edge, Matching, Pair, Reason, Tier};
use crate::join::Group;

/// At most this many candidates of one broker row are named; their true number always is.
pub const CANDIDATES_NAMED_MAX: usize = 64;

/// At most so many possibilities of one group name candidates beyond the first of each broker row: a hundred thousand
/// look-alikes are told in as many lines as there are rows, not in 64 times as many.
const GROUP_EDGES_MAX: usize = 1 << 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Paired,
    Ambiguous,
}

/// An ambiguous broker row and the candidates that are named for it.
#[derive(Debug)]
pub(crate) struct Doubt {
    pub(crate) broker: u32,
    /// How many candidates there are, named or not.
    pub(crate) candidates: usize,
    /// The first of them, ascending.
    pub(crate) named: Vec<u32>,
}

/// An ambiguous book row, and a broker row that it is a candidate of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Suspect {
    pub(crate) book: u32,
    pub(crate) broker: u32,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    broker: Vec<State>,
    book: Vec<State>,
    mates: Vec<Option<(u32, Tier)>>,
    edges: Vec<Edge>,
    groups: u32,
}

impl Ledger {
    pub(crate) fn new(broker_rows: usize, book_rows: usize) -> Self {
        Self {
            broker: vec![State::Open; broker_rows],
            book: vec![State::Open; book_rows],
            mates: vec![None; broker_rows],
            edges: Vec::new(),
            groups: 0,
        }
    }

    /// The broker's undecided rows, ascending.
    pub(crate) fn open_broker(&self) -> impl Iterator<Item = u32> + '_ {
        rows_in(&self.broker, State::Open)
    }

    /// The book's undecided rows, ascending.
    pub(crate) fn open_book(&self) -> impl Iterator<Item = u32> + '_ {
        rows_in(&self.book, State::Open)
    }

    /// Decides that the two rows are the same order.
    pub(crate) fn pair(&mut self, broker: u32, book: u32, tier: Tier) {
        decide(&mut self.broker, broker, State::Paired);
        decide(&mut self.book, book, State::Paired);
        self.mates[broker as usize] = Some((book, tier));
    }

    /// Decides that every row of the group is ambiguous, each a possibility of each.
    pub(crate) fn doubt_all(&mut self, group: &Group, tier: Tier, reason: Reason) {
        let named = &group.right[..group.right.len().min(CANDIDATES_NAMED_MAX)];
        let doubts: Vec<Doubt> = group
            .left
            .iter()
            .map(|&broker| Doubt { broker, candidates: group.right.len(), named: named.to_vec() })
            .collect();
        let suspects: Vec<Suspect> = group.right.iter().map(|&book| Suspect { book, broker: group.left[0] }).collect();
        self.doubt(&doubts, &suspects, (tier, reason));
    }

    /// Decides that these rows are ambiguous. Named candidates that are not among the suspects stay as they are.
    pub(crate) fn doubt(&mut self, doubts: &[Doubt], suspects: &[Suspect], why: (Tier, Reason)) {
        let (tier, reason) = why;
        let group = self.groups;
        self.groups += 1;
        let first = self.edges.len();
        let named_max = (GROUP_EDGES_MAX / doubts.len().max(1)).clamp(1, CANDIDATES_NAMED_MAX);
        for doubt in doubts {
            decide(&mut self.broker, doubt.broker, State::Ambiguous);
            let candidates = u32::try_from(doubt.candidates).expect("no more candidates than rows");
            let edge = Edge { group, broker: doubt.broker, book: None, tier, reason, candidates };
            self.edges.extend(doubt.named.iter().take(named_max).map(|&book| Edge { book: Some(book), ..edge }));
            if doubt.named.is_empty() {
                self.edges.push(edge);
            }
        }
        for suspect in suspects {
            decide(&mut self.book, suspect.book, State::Ambiguous);
        }
        self.name_the_rest(first, doubts, suspects);
    }

    /// Gives an edge to each suspect that the edges from `first` on do not name.
    fn name_the_rest(&mut self, first: usize, doubts: &[Doubt], suspects: &[Suspect]) {
        let mut named: Vec<u32> = self.edges[first..].iter().filter_map(|edge| edge.book).collect();
        named.sort_unstable();
        let rest: Vec<Edge> = suspects
            .iter()
            .filter(|suspect| named.binary_search(&suspect.book).is_err())
            .map(|suspect| {
                let at = doubts.binary_search_by_key(&suspect.broker, |doubt| doubt.broker);
                let doubt = &doubts[at.expect("a suspect's broker row is in its group")];
                let candidates = u32::try_from(doubt.candidates).expect("no more candidates than rows");
                Edge { broker: suspect.broker, book: Some(suspect.book), candidates, ..self.edges[first] }
            })
            .collect();
        self.edges.extend(rest);
        self.edges[first..].sort_unstable_by_key(|edge| (edge.broker, edge.book));
    }

    /// The partition.
    pub(crate) fn close(self) -> Matching {
        let pair = |(broker, mate): (u32, &Option<(u32, Tier)>)| mate.map(|(book, tier)| Pair { broker, book, tier });
        Matching {
            pairs: (0..).zip(&self.mates).filter_map(pair).collect(),
            broker_only: rows_in(&self.broker, State::Open).collect(),
            book_only: rows_in(&self.book, State::Open).collect(),
            ambiguous: self.edges,
        }
    }
}

fn rows_in(states: &[State], wanted: State) -> impl Iterator<Item = u32> + '_ {
    (0..).zip(states).filter_map(move |(row, &state)| (state == wanted).then_some(row))
}

fn decide(states: &mut [State], row: u32, state: State) {
    assert_eq!(states[row as usize], State::Open, "row {row} is decided twice");
    states[row as usize] = state;
}
