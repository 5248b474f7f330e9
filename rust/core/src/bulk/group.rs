//! Rows by their true key, one by one: what the fast way could not decide, and what is too little for it.

use rayon::prelude::*;

use super::compare::mask;
use super::outcome::Found;
use super::twin::Twin;
use crate::field::{Place, Side};

/// A row and the handle of its key: rows of one key have one handle.
pub(crate) type Entry = (u64, Side, u32);

/// What the keys and fields are.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'r> {
    pub(crate) keys: &'r [Twin<'r>],
    pub(crate) fields: &'r [Twin<'r>],
    /// Whether rows of one handle have one key.
    pub(crate) exact: bool,
    /// Whether equal pairs are listed.
    pub(crate) list: bool,
}

/// Decides these rows; every row of each of their keys is among them.
pub(crate) fn settle(mut entries: Vec<Entry>, rules: Rules<'_>, found: &mut Found<'_>) {
    let mut pairs = Vec::new();
    each_key(&mut entries, (rules.keys, rules.exact), |rows| one_key(rows, &mut pairs, found));
    pairs.sort_unstable();
    for pair in pairs {
        found.pair(pair, mask(rules.fields, pair), rules.list);
    }
}

/// These rows, with a hash of their key as its handle.
pub(crate) fn hashed(keys: &[Twin<'_>], side: Side, rows: &[u32]) -> Vec<Entry> {
    let entry = |&row: &u32| (hash(keys, (side, row)), side, row);
    rows.par_iter().map(entry).collect()
}

/// A hash of the key.
pub(crate) fn hash(keys: &[Twin<'_>], place: Place) -> u64 {
    keys.iter().fold(0, |hash, key| key.fold(hash, place))
}

/// Takes the rows of one key after the other: the left ones first, and ascending. `exact` says that rows of one handle
/// have one key. The order of the keys means nothing.
pub(crate) fn each_key(entries: &mut [Entry], (keys, exact): (&[Twin<'_>], bool), mut take: impl FnMut(&[Entry])) {
    entries.par_sort_unstable_by_key(|&(handle, side, row)| (handle, side as u8, row));
    for run in entries.chunk_by(|a, b| a.0 == b.0) {
        // Two keys of one 64-bit hash are rare, so nearly always the whole run has one.
        if exact || run.iter().skip(1).all(|row| same_key(keys, &run[0], row)) {
            take(run);
        } else {
            for rows in by_key(run, keys) {
                take(&rows);
            }
        }
    }
}

fn same_key(keys: &[Twin<'_>], a: &Entry, b: &Entry) -> bool {
    keys.iter().all(|key| key.same((a.1, a.2), (b.1, b.2)))
}

/// Splits rows of one 64-bit hash by key.
fn by_key(run: &[Entry], keys: &[Twin<'_>]) -> Vec<Vec<Entry>> {
    let mut groups: Vec<Vec<Entry>> = Vec::new();
    for row in run {
        match groups.iter_mut().find(|group| same_key(keys, &group[0], row)) {
            Some(group) => group.push(*row),
            None => groups.push(vec![*row]),
        }
    }
    groups
}

/// Decides all rows of one key.
fn one_key(rows: &[Entry], pairs: &mut Vec<(u32, u32)>, found: &mut Found<'_>) {
    match *rows {
        [(_, Side::Left, row)] => found.left_only.push(row),
        [(_, Side::Right, row)] => found.right_only.push(row),
        [(_, Side::Left, left), (_, Side::Right, right)] => pairs.push((left, right)),
        _ => {
            found.duplicate_keys += 1;
            for &(_, side, row) in rows {
                found.duplicates[side as usize].push(row);
            }
        }
    }
}
