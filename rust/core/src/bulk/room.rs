//! Room for the equal pairs of all tasks in one list, on huge pages: it is most of the answer, and taking it bit by bit
//! takes longer than filling it.

use std::ops::Range;

use super::memory::Memory;
use super::outcome::{Equal, Listed};

/// One list in as many stretches as there are tasks.
pub(crate) struct Room {
    lists: Equal,
    stretches: Vec<Range<usize>>,
}

impl Room {
    /// Room for so many pairs of each task.
    pub(crate) fn new(most: &[usize], memory: Memory) -> Self {
        let mut end = 0;
        let stretches = most.iter().map(|most| {
            let start = end;
            end += most;
            start..end
        });
        let stretches: Vec<Range<usize>> = stretches.collect();
        let list = || {
            let mut list = vec![0; end];
            memory.prepare(&mut list);
            list
        };
        Self { lists: Equal { left: list(), right: list() }, stretches }
    }

    /// The stretches.
    pub(crate) fn split(&mut self) -> Vec<Listed<'_>> {
        let (mut left, mut right) = (&mut self.lists.left[..], &mut self.lists.right[..]);
        let mut listed = Vec::with_capacity(self.stretches.len());
        for stretch in &self.stretches {
            let (a, b) = (left.split_at_mut(stretch.len()), right.split_at_mut(stretch.len()));
            (left, right) = (a.1, b.1);
            listed.push(Listed { left: a.0, right: b.0, used: 0 });
        }
        listed
    }

    /// The list, of whose stretches so much is used. What is last fills the gaps: so hardly anything moves, and where it
    /// goes follows from the lengths alone.
    pub(crate) fn close(self, used: &[usize]) -> Equal {
        let Self { mut lists, stretches } = self;
        let total = used.iter().sum();
        let filled = stretches.iter().zip(used).map(|(stretch, used)| stretch.start..stretch.start + used);
        let mut late = filled.map(|range| range.start.max(total)..range.end).filter(|range| !range.is_empty());
        let mut source = 0..0;
        for (stretch, used) in stretches.iter().zip(used) {
            let mut gap = stretch.start + used..stretch.end.min(total);
            while !gap.is_empty() {
                if source.is_empty() {
                    source = late.next().expect("as much is behind the end as is missing before it");
                }
                let count = gap.len().min(source.len());
                lists.left.copy_within(source.start..source.start + count, gap.start);
                lists.right.copy_within(source.start..source.start + count, gap.start);
                (gap.start, source.start) = (gap.start + count, source.start + count);
            }
        }
        for list in [&mut lists.left, &mut lists.right] {
            list.truncate(total);
            if list.capacity() > total.saturating_mul(2) {
                list.shrink_to_fit();
            }
        }
        lists
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_last_fills_the_gaps() {
        for used in [[3, 0, 4, 2], [0, 0, 0, 0], [3, 2, 4, 2], [0, 2, 1, 2], [1, 1, 1, 1], [0, 0, 0, 2]] {
            let mut room = Room::new(&[3, 2, 4, 2], Memory::Plain);
            let mut next = 0;
            for (listed, used) in room.split().into_iter().zip(used) {
                for at in 0..used {
                    next += 1;
                    (listed.left[at], listed.right[at]) = (next, next + 100);
                }
            }
            let mut closed = room.close(&used);
            assert!(closed.left.iter().zip(&closed.right).all(|(left, right)| left + 100 == *right));
            closed.left.sort_unstable();
            assert_eq!((1..=next).collect::<Vec<u32>>(), closed.left);
        }
    }
}
