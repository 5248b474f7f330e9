//! The answer.

/// Rows that have the same key, and the same in every compared field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Equal {
    /// Rows of the left side.
    pub left: Vec<u32>,
    /// Their rows of the right side.
    pub right: Vec<u32>,
}

/// Rows that have the same key and differ in some field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// Rows of the left side.
    pub left: Vec<u32>,
    /// Their rows of the right side.
    pub right: Vec<u32>,
    /// Which fields differ: bit 0 is the first.
    pub masks: Vec<u64>,
}

/// Every row of both sides once.
///
/// The lists of pairs come in pieces, whose number and order follow from the input alone; the lists of rows of one side
/// are ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// How many pairs are equal; they are listed only where that was asked for.
    pub equal_count: usize,
    /// The equal pairs.
    pub equal: Vec<Equal>,
    /// The pairs that differ.
    pub changed: Vec<Changed>,
    /// Rows whose key the right side does not have.
    pub left_only: Vec<u32>,
    /// Rows whose key the left side does not have.
    pub right_only: Vec<u32>,
    /// Left rows whose key occurs more than once on a side.
    pub duplicate_left: Vec<u32>,
    /// Right rows whose key occurs more than once on a side.
    pub duplicate_right: Vec<u32>,
    /// How many keys those are.
    pub duplicate_keys: usize,
    /// Left rows with a null in their key.
    pub null_left: Vec<u32>,
    /// Right rows with a null in their key.
    pub null_right: Vec<u32>,
}

impl Diff {
    /// How many pairs differ.
    #[must_use]
    pub fn changed_count(&self) -> usize {
        self.changed.iter().map(|piece| piece.left.len()).sum()
    }
}

/// Where equal pairs are listed: two lists of one length that have room for all of them, and none if they are only
/// counted.
#[derive(Debug, Default)]
pub(crate) struct Listed<'l> {
    pub(crate) left: &'l mut [u32],
    pub(crate) right: &'l mut [u32],
    pub(crate) used: usize,
}

/// What a task found.
#[derive(Debug, Default)]
pub(crate) struct Found<'l> {
    pub(crate) equal_count: usize,
    pub(crate) equal: Listed<'l>,
    pub(crate) changed: Changed,
    pub(crate) left_only: Vec<u32>,
    pub(crate) right_only: Vec<u32>,
    pub(crate) duplicates: [Vec<u32>; 2],
    pub(crate) duplicate_keys: usize,
}

/// How much was found at some moment.
pub(crate) struct Mark {
    equal_count: usize,
    equal: usize,
    changed: usize,
    left_only: usize,
    right_only: usize,
}

impl<'l> Found<'l> {
    /// Nothing so far.
    pub(crate) fn new(equal: Listed<'l>) -> Self {
        Self { equal, ..Self::default() }
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark {
            equal_count: self.equal_count,
            equal: self.equal.used,
            changed: self.changed.left.len(),
            left_only: self.left_only.len(),
            right_only: self.right_only.len(),
        }
    }

    /// Forgets the pairs and single rows found since then.
    pub(crate) fn back_to(&mut self, mark: &Mark) {
        self.equal_count = mark.equal_count;
        self.equal.used = mark.equal;
        self.changed.left.truncate(mark.changed);
        self.changed.right.truncate(mark.changed);
        self.changed.masks.truncate(mark.changed);
        self.left_only.truncate(mark.left_only);
        self.right_only.truncate(mark.right_only);
    }

    /// Notes a pair; equal ones are listed only if `list` says so.
    #[inline]
    pub(crate) fn pair(&mut self, (left, right): (u32, u32), mask: u64, list: bool) {
        if mask != 0 {
            self.changed.left.push(left);
            self.changed.right.push(right);
            self.changed.masks.push(mask);
            return;
        }
        self.equal_count += 1;
        if list {
            let Listed { left: lefts, right: rights, used } = &mut self.equal;
            (lefts[*used], rights[*used]) = (left, right);
            *used += 1;
        }
    }
}

impl Found<'_> {
    /// Notes so many equal pairs of neighbouring rows.
    pub(crate) fn equal_run(&mut self, (left, right): (u32, u32), count: usize, list: bool) {
        self.equal_count += count;
        if list {
            let Listed { left: lefts, right: rights, used } = &mut self.equal;
            let places = *used..*used + count;
            lefts[places.clone()].iter_mut().zip(left..).for_each(|(place, row)| *place = row);
            rights[places].iter_mut().zip(right..).for_each(|(place, row)| *place = row);
            *used += count;
        }
    }
}

impl Diff {
    /// Takes over what a task found, but for the list of equal pairs.
    pub(crate) fn add(&mut self, found: Found<'_>) {
        self.equal_count += found.equal_count;
        self.duplicate_keys += found.duplicate_keys;
        if !found.changed.left.is_empty() {
            self.changed.push(found.changed);
        }
        let [left, right] = found.duplicates;
        self.left_only.extend(found.left_only);
        self.right_only.extend(found.right_only);
        self.duplicate_left.extend(left);
        self.duplicate_right.extend(right);
    }

    /// Adds equal pairs.
    pub(crate) fn list(&mut self, equal: Equal) {
        if !equal.left.is_empty() {
            self.equal.push(equal);
        }
    }

    /// Sorts the lists of rows of one side, which have that many rows.
    pub(crate) fn sort(&mut self, rows: [usize; 2]) {
        let [left, right] = rows;
        let lists = [
            (&mut self.left_only, left),
            (&mut self.duplicate_left, left),
            (&mut self.null_left, left),
            (&mut self.right_only, right),
            (&mut self.duplicate_right, right),
            (&mut self.null_right, right),
        ];
        for (list, rows) in lists {
            sort(list, rows);
        }
    }
}

/// Sorts row numbers that are all different: by a bitmap where that is faster.
fn sort(list: &mut [u32], rows: usize) {
    if list.is_sorted() {
        return;
    }
    if list.len() < rows / 64 {
        list.sort_unstable();
        return;
    }
    let mut bits = vec![0_u64; rows.div_ceil(64)];
    for &row in list.iter() {
        bits[row as usize / 64] |= 1 << (row % 64);
    }
    let mut rest = list.iter_mut();
    for (word, &bits) in (0_u32..).zip(&bits) {
        let mut left = bits;
        while left != 0 {
            if let Some(next) = rest.next() {
                *next = word * 64 + left.trailing_zeros();
            }
            left &= left - 1;
        }
    }
}
