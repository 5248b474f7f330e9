//! Numbers for rows by the values of some fields: equal numbers exactly where all the fields are equal.
//!
//! Null equals null. The numbers depend on nothing but the fields, the rows and their order.

use hashbrown::HashTable;
use rayon::prelude::*;

use crate::field::{Field, Place, Side};

/// Rows that one task numbers by itself before the tasks' numbers are brought together.
const ROWS_PER_TASK: usize = 1 << 16;

/// Rows whose values stay in a core's cache between hashing and comparing them.
const ROWS_PER_BLOCK: usize = 1 << 12;

/// The class of each row that was given, side by side, from 0 to `count() - 1`.
#[derive(Debug)]
pub(crate) struct Classes {
    pub(crate) left: Vec<u32>,
    pub(crate) right: Vec<u32>,
    /// One row of each class: it holds what every row of the class holds.
    pub(crate) leaders: Vec<Place>,
}

impl Classes {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.leaders.len()
    }
}

/// One task's own numbers, and one row that stands for each of them.
struct Part {
    side: Side,
    classes: Vec<u32>,
    leaders: Vec<Leader>,
}

#[derive(Clone, Copy)]
struct Leader {
    hash: u64,
    place: Place,
}

/// Numbers these rows of the two sides by these fields.
pub(crate) fn classes(fields: &[Field<'_>], left: &[u32], right: &[u32]) -> Classes {
    let tasks: Vec<(Side, &[u32])> = left
        .chunks(ROWS_PER_TASK)
        .map(|rows| (Side::Left, rows))
        .chain(right.chunks(ROWS_PER_TASK).map(|rows| (Side::Right, rows)))
        .collect();
    let mut parts: Vec<Part> = tasks.into_par_iter().map(|(side, rows)| part(fields, side, rows)).collect();
    let (maps, leaders) = join(fields, &parts);
    parts.par_iter_mut().zip(maps).for_each(|(part, map)| {
        for class in &mut part.classes {
            *class = map[*class as usize];
        }
    });
    let mut classes = Classes { left: Vec::with_capacity(left.len()), right: Vec::with_capacity(right.len()), leaders };
    for part in parts {
        match part.side {
            Side::Left => classes.left.extend(part.classes),
            Side::Right => classes.right.extend(part.classes),
        }
    }
    classes
}

fn part(fields: &[Field<'_>], side: Side, rows: &[u32]) -> Part {
    let hash = |rows: &[u32]| {
        let mut hashes = vec![0; rows.len()];
        for field in fields {
            field.fold(side, rows, &mut hashes);
        }
        hashes
    };
    by_hash(fields, side, rows, hash).unwrap_or_else(|| by_value(fields, side, rows, hash))
}

/// Numbers the rows by their hashes, and answers only if every row then holds what its leader holds.
///
/// Comparing one column after the other is several times faster than row by row, and two different rows of one 64-bit
/// hash are so rare that doing it all again then costs nothing.
fn by_hash(fields: &[Field<'_>], side: Side, rows: &[u32], hash: impl Fn(&[u32]) -> Vec<u64>) -> Option<Part> {
    let mut table = Table::new(&[]);
    let mut classes = Vec::with_capacity(rows.len());
    let mut leaders = Vec::new();
    for block in rows.chunks(ROWS_PER_BLOCK) {
        let first = classes.len();
        let leader = |(&row, hash): (&u32, u64)| Leader { hash, place: (side, row) };
        classes.extend(block.iter().zip(hash(block)).map(leader).map(|row| table.class(row)));
        leaders.extend(table.leaders[leaders.len()..].iter().map(|leader| leader.place.1));
        if !fields.iter().all(|field| field.all_same(side, block, &classes[first..], &leaders)) {
            return None;
        }
    }
    Some(Part { side, classes, leaders: table.leaders })
}

/// Numbers the rows by what they hold.
fn by_value(fields: &[Field<'_>], side: Side, rows: &[u32], hash: impl Fn(&[u32]) -> Vec<u64>) -> Part {
    let mut table = Table::new(fields);
    let leader = |(&row, hash): (&u32, u64)| Leader { hash, place: (side, row) };
    let classes = rows.iter().zip(hash(rows)).map(leader).map(|row| table.class(row)).collect();
    Part { side, classes, leaders: table.leaders }
}

/// The common number of each part's numbers, and one row of each.
fn join(fields: &[Field<'_>], parts: &[Part]) -> (Vec<Vec<u32>>, Vec<Place>) {
    let mut table = Table::new(fields);
    let maps = parts.iter().map(|part| part.leaders.iter().map(|&leader| table.class(leader)).collect()).collect();
    (maps, table.leaders.into_iter().map(|leader| leader.place).collect())
}

struct Table<'a> {
    fields: &'a [Field<'a>],
    slots: HashTable<u32>,
    leaders: Vec<Leader>,
}

impl<'a> Table<'a> {
    fn new(fields: &'a [Field<'a>]) -> Self {
        Self { fields, slots: HashTable::new(), leaders: Vec::new() }
    }

    /// The class of the row, a new one where no row before had its values.
    #[inline]
    fn class(&mut self, row: Leader) -> u32 {
        let Self { fields, slots, leaders } = self;
        let same = |&class: &u32| {
            let leader = leaders[class as usize];
            leader.hash == row.hash && fields.iter().all(|field| field.same(leader.place, row.place))
        };
        if let Some(&class) = slots.find(row.hash, same) {
            return class;
        }
        let class = u32::try_from(leaders.len()).expect("no more classes than rows, which are 32 bits wide");
        slots.insert_unique(row.hash, class, |&class| leaders[class as usize].hash);
        leaders.push(row);
        class
    }
}

#[cfg(test)]
#[path = "classes_tests.rs"]
mod tests;
