//! Rows by class.

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
