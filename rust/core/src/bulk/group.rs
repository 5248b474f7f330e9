//! Rows by their true key, one by one: what the fast way could not decide.

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
    entries.sort_unstable_by_key(|&(handle, side, row)| (handle, side as u8, row));
    let mut pairs = Vec::new();
    for run in entries.chunk_by(|a, b| a.0 == b.0) {
        if rules.exact || run.len() == 1 {
            one_key(run.iter().map(|&(_, side, row)| (side, row)), &mut pairs, found);
            continue;
        }
        for rows in by_key(run, rules.keys) {
            one_key(rows.into_iter(), &mut pairs, found);
        }
    }
    pairs.sort_unstable();
    for pair in pairs {
        found.pair(pair, mask(rules.fields, pair), rules.list);
    }
}

/// Splits rows of one 64-bit hash by key: nearly always they have one, so each is compared with the first of each key.
fn by_key(run: &[Entry], keys: &[Twin<'_>]) -> Vec<Vec<Place>> {
    let mut groups: Vec<Vec<Place>> = Vec::new();
    for &(_, side, row) in run {
        let same = |group: &&mut Vec<Place>| keys.iter().all(|key| key.same(group[0], (side, row)));
        match groups.iter_mut().find(same) {
            Some(group) => group.push((side, row)),
            None => groups.push(vec![(side, row)]),
        }
    }
    groups
}

/// Decides all rows of one key, the left ones first.
fn one_key(rows: impl ExactSizeIterator<Item = Place> + Clone, pairs: &mut Vec<(u32, u32)>, found: &mut Found<'_>) {
    let mut first = rows.clone();
    match (rows.len(), first.next(), first.next()) {
        (1, Some((Side::Left, row)), _) => found.left_only.push(row),
        (1, Some((Side::Right, row)), _) => found.right_only.push(row),
        (2, Some((Side::Left, left)), Some((Side::Right, right))) => pairs.push((left, right)),
        _ => {
            found.duplicate_keys += 1;
            rows.for_each(|(side, row)| found.duplicates[side as usize].push(row));
        }
    }
}
