//! Doubly linked lists over numbered nodes: a node leaves from anywhere in a bounded number of steps.

use crate::error::{RingError, boxed};

/// Several lists over the same nodes, each node in at most one of them.
#[derive(Debug)]
pub(crate) struct Links {
    /// Of the nodes, then of the lists' own ends; a node in no list points to itself.
    next: Box<[u32]>,
    previous: Box<[u32]>,
    nodes: u32,
}

impl Links {
    /// `lists` empty lists, numbered from 0, over `nodes` nodes that are in none of them.
    pub(crate) fn new(nodes: u32, lists: u32) -> Result<Self, RingError> {
        let alone = || {
            let mut number = 0..;
            boxed((nodes + lists) as usize, || number.next().unwrap_or(u32::MAX))
        };
        Ok(Self { next: alone()?, previous: alone()?, nodes })
    }

    /// The first node of a list.
    pub(crate) fn first(&self, list: u32) -> Option<u32> {
        let first = self.next[(self.nodes + list) as usize];
        (first < self.nodes).then_some(first)
    }

    /// Moves a node to the end of a list, from wherever it is.
    pub(crate) fn move_to(&mut self, list: u32, node: u32) {
        self.leave(node);
        let end = self.nodes + list;
        self.join(self.previous[end as usize], node);
        self.join(node, end);
    }

    /// Takes a node out of its list, if it is in one.
    pub(crate) fn leave(&mut self, node: u32) {
        self.join(self.previous[node as usize], self.next[node as usize]);
        self.join(node, node);
    }

    fn join(&mut self, left: u32, right: u32) {
        self.next[left as usize] = right;
        self.previous[right as usize] = left;
    }
}
