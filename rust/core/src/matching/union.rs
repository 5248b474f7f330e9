//! Sets that only ever merge.

/// Disjoint sets of 0..n; each is led by its smallest member.
#[derive(Debug)]
pub(crate) struct Sets {
    parents: Vec<usize>,
}

impl Sets {
    pub(crate) fn new(members: usize) -> Self {
        Self { parents: (0..members).collect() }
    }

    /// The smallest member of the set.
    pub(crate) fn leader(&mut self, mut member: usize) -> usize {
        while self.parents[member] != member {
            self.parents[member] = self.parents[self.parents[member]];
            member = self.parents[member];
        }
        member
    }

    pub(crate) fn merge(&mut self, a: usize, b: usize) {
        let (a, b) = (self.leader(a), self.leader(b));
        self.parents[a.max(b)] = a.min(b);
    }
}
