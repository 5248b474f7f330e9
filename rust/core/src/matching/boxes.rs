//! Points in boxes: a k-d tree that counts, names and takes out the points of a box.
//!
//! Each of n points is taken out once, and a question costs at most about `n^(2/3)` steps beside the points it names,
//! so that a hundred thousand look-alikes are never compared pair by pair.

/// Time, limit price, stop price.
pub(crate) const DIMENSIONS: usize = 3;
/// A node of at most this many points is searched one by one.
const LEAF_POINTS: usize = 16;

/// An order's place, and its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) at: [i64; DIMENSIONS],
    pub(crate) row: u32,
}

/// What is near a point, bounds included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    low: [i64; DIMENSIONS],
    high: [i64; DIMENSIONS],
}

impl Reach {
    /// Everything that is at most `distance` away in each dimension.
    pub(crate) fn around(point: &Point, distance: [u64; DIMENSIONS]) -> Self {
        Self {
            low: std::array::from_fn(|d| point.at[d].saturating_sub_unsigned(distance[d])),
            high: std::array::from_fn(|d| point.at[d].saturating_add_unsigned(distance[d])),
        }
    }

    fn holds(&self, at: &[i64; DIMENSIONS]) -> bool {
        (0..DIMENSIONS).all(|d| self.low[d] <= at[d] && at[d] <= self.high[d])
    }

    fn misses(&self, node: &Node) -> bool {
        (0..DIMENSIONS).any(|d| node.high[d] < self.low[d] || self.high[d] < node.low[d])
    }

    fn covers(&self, node: &Node) -> bool {
        self.holds(&node.low) && self.holds(&node.high)
    }
}

/// A run of points, the box around them, and how many were not taken out.
#[derive(Debug)]
struct Node {
    low: [i64; DIMENSIONS],
    high: [i64; DIMENSIONS],
    start: usize,
    end: usize,
    left: usize,
    /// The second child's number; 0, which is the root's, on a leaf.
    children: Option<(usize, usize)>,
}

/// The points of one side.
#[derive(Debug)]
pub(crate) struct Tree {
    points: Vec<Point>,
    gone: Vec<bool>,
    nodes: Vec<Node>,
}

impl Tree {
    /// # Panics
    /// When there are no points.
    pub(crate) fn new(mut points: Vec<Point>) -> Self {
        assert!(!points.is_empty(), "a tree of no points");
        let mut nodes = Vec::new();
        build(&mut points, 0, &mut nodes);
        Self { gone: vec![false; points.len()], points, nodes }
    }

    pub(crate) fn points(&self) -> &[Point] {
        &self.points
    }

    /// How many points of the box there are, whether taken out or not.
    pub(crate) fn count(&self, reach: &Reach) -> usize {
        self.count_in(0, reach)
    }

    fn count_in(&self, node: usize, reach: &Reach) -> usize {
        let node = &self.nodes[node];
        if reach.misses(node) {
            return 0;
        }
        if reach.covers(node) {
            return node.end - node.start;
        }
        match node.children {
            Some((a, b)) => self.count_in(a, reach) + self.count_in(b, reach),
            None => self.points[node.start..node.end].iter().filter(|point| reach.holds(&point.at)).count(),
        }
    }

    /// Adds rows of the box, whether taken out or not, until there are `limit`.
    pub(crate) fn name(&self, reach: &Reach, limit: usize, rows: &mut Vec<u32>) {
        self.name_in(0, reach, limit, rows);
    }

    fn name_in(&self, node: usize, reach: &Reach, limit: usize, rows: &mut Vec<u32>) {
        let node = &self.nodes[node];
        if rows.len() >= limit || reach.misses(node) {
            return;
        }
        if let Some((a, b)) = node.children {
            self.name_in(a, reach, limit, rows);
            self.name_in(b, reach, limit, rows);
            return;
        }
        let held = self.points[node.start..node.end].iter().filter(|point| reach.holds(&point.at));
        rows.extend(held.map(|point| point.row).take(limit - rows.len()));
    }

    /// Takes the points of the box out and adds them to `taken`.
    pub(crate) fn take(&mut self, reach: &Reach, taken: &mut Vec<Point>) {
        self.take_in(0, reach, taken);
    }

    fn take_in(&mut self, at: usize, reach: &Reach, taken: &mut Vec<Point>) {
        let node = &self.nodes[at];
        if node.left == 0 || reach.misses(node) {
            return;
        }
        let before = taken.len();
        match node.children {
            Some((a, b)) => {
                self.take_in(a, reach, taken);
                self.take_in(b, reach, taken);
            }
            None => {
                for place in node.start..node.end {
                    if !self.gone[place] && reach.holds(&self.points[place].at) {
                        self.gone[place] = true;
                        taken.push(self.points[place]);
                    }
                }
            }
        }
        self.nodes[at].left -= taken.len() - before;
    }
}

/// Builds the node of these points, which start at `start`, and those below it; returns its number.
fn build(points: &mut [Point], start: usize, nodes: &mut Vec<Node>) -> usize {
    let bound = |pick: fn(i64, i64) -> i64| -> [i64; DIMENSIONS] {
        std::array::from_fn(|d| points.iter().map(|point| point.at[d]).reduce(pick).expect("a node has points"))
    };
    let (low, high) = (bound(i64::min), bound(i64::max));
    let number = nodes.len();
    nodes.push(Node { low, high, start, end: start + points.len(), left: points.len(), children: None });
    let widest = (0..DIMENSIONS).max_by_key(|&d| high[d].abs_diff(low[d])).expect("there are dimensions");
    if points.len() <= LEAF_POINTS {
        return number;
    }
    let middle = points.len() / 2;
    points.select_nth_unstable_by_key(middle, |point| (point.at[widest], point.row));
    let (first, second) = points.split_at_mut(middle);
    let a = build(first, start, nodes);
    let b = build(second, start + middle, nodes);
    nodes[number].children = Some((a, b));
    number
}

#[cfg(test)]
#[path = "boxes_tests.rs"]
mod tests;
