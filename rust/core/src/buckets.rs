//! Rows by class, and the classes that both sides have.

use crate::join::{Group, Groups};

/// The groups of rows by class: `left` and `right` are the rows, `left_classes` and `right_classes` their classes.
pub(crate) fn group(left: (&[u32], &[u32]), right: (&[u32], &[u32]), count: usize) -> Groups {
    let (left, right) = (Buckets::new(left.0, left.1, count), Buckets::new(right.0, right.1, count));
    let mut groups = Groups::default();
    for class in 0..count {
        match (left.rows(class), right.rows(class)) {
            ([], _) | (_, []) => {}
            (&[left], &[right]) => groups.single.push((left, right)),
            (left, right) => groups.many.push(Group { left: left.to_vec(), right: right.to_vec() }),
        }
    }
    groups.many.sort_unstable_by_key(|group| group.left[0]);
    groups
}

/// Rows by class, in ascending order within each.
#[derive(Debug)]
pub(crate) struct Buckets {
    rows: Vec<u32>,
    starts: Vec<usize>,
}

impl Buckets {
    /// Sorts rows, which are ascending, by their classes.
    pub(crate) fn new(rows: &[u32], classes: &[u32], count: usize) -> Self {
        let mut starts = vec![0; count + 1];
        for &class in classes {
            starts[class as usize + 1] += 1;
        }
        for class in 0..count {
            starts[class + 1] += starts[class];
        }
        let mut next = starts.clone();
        let mut sorted = vec![0; rows.len()];
        for (&row, &class) in rows.iter().zip(classes) {
            sorted[next[class as usize]] = row;
            next[class as usize] += 1;
        }
        Self { rows: sorted, starts }
    }

    /// The rows of a class.
    pub(crate) fn rows(&self, class: usize) -> &[u32] {
        &self.rows[self.starts[class]..self.starts[class + 1]]
    }
}
