//! Pairs the broker's orders with the book's.
//!
//! [`match_orders`] is the entry. Its rules, which the tests name by their numbers:
//!
//! 1. *Partition.* Every row of either side is in exactly one of pairs, its side's only, and ambiguous.
//! 2. *Order.* Neither the order of the rows nor the number of threads changes what a row is. (Of a row that has more
//!    than [`CANDIDATES_NAMED_MAX`] candidates, it may change which of them are named.)
//! 3. *Account.* Rows match within one account only; a row without an account matches nothing.
//! 4. *No key.* Null is no key, nor is a `perm_id` or `order_id` of 0 or an empty `order_ref`.
//! 5. *Contradiction.* Two rows contradict each other in contract (any field but the exchange), side or `perm_id` where
//!    both know it and it differs. What one side does not know contradicts nothing.
//! 6. *Settled.* A book row that is over (its status is known, not live and not Inactive) and has a `perm_id` takes
//!    part in tier 1 only.
//! 7. *Tier 1*, (account, `perm_id`): once on each side without contradiction of contract or side is a pair. On both
//!    sides, but several times on one or contradicting, makes all its rows ambiguous. On one side only: the rows go on.
//! 8. *Tier 2*, (account, `order_ref`), on what tier 1 left: the same, and the `perm_id`s may not contradict either.
//! 9. *Tier 3*, (account, `client_id`, `order_id`), on what is left, of the book's only live rows: rows of sessions
//!    that both know and that differ are no candidates. A component of candidates that is one to one and without
//!    contradiction (contract, side, `perm_id`) is a pair, any other is ambiguous.
//! 10. *Fork.* An undecided live broker row that shares an `order_ref` or a client's `order_id` with another live broker
//!     row of another `perm_id`, without contradiction of contract and side, is ambiguous. Its candidates are all book
//!     rows with that key; they stay what they are. Without any, its one edge has no book row.
//! 11. *Tier 4*, the signature, on what is left: candidates do not contradict each other in contract, both know the
//!     symbol, the side and the quantity, which are equal; limit and stop price are both null or within the tolerance;
//!     times, where both know them, are within the window; neither row is inexact; a live broker row has no candidate
//!     that is over. A component of candidates is a pair where it is one to one, both times are known, the `perm_id`s
//!     do not contradict and the settings accept it. Any other is ambiguous.
//! 12. *Bounds.* Work is near linear in the rows. At most [`CANDIDATES_NAMED_MAX`] candidates of a row are named, fewer
//!     in a group of more than 1,024 broker rows (at least one each, about 65,536 possibilities in all), and their true
//!     number is told; every ambiguous row is named at least once.

mod boxes;
mod fork;
mod keyed;
mod kinds;
mod ledger;
mod orders;
mod outcome;
mod sessions;
mod signature;
mod terms;
mod union;

pub use ledger::CANDIDATES_NAMED_MAX;
pub use orders::{Contracts, Orders, ROWS_MAX};
pub use outcome::{Edge, Matching, Pair, Reason, Settings, Tier};

use crate::error::CoreError;
use ledger::Ledger;
use orders::Sides;
use terms::Terms;

/// Splits the rows of both sides into pairs, broker only, book only and ambiguous, by the rules above.
///
/// # Errors
/// Columns of one side that differ in length; more than [`ROWS_MAX`] rows.
pub fn match_orders(broker: &Orders<'_>, book: &Orders<'_>, settings: &Settings) -> Result<Matching, CoreError> {
    broker.check("broker")?;
    book.check("book")?;
    let sides = Sides { broker, book };
    let mut ledger = Ledger::new(broker.len(), book.len());
    let terms = Terms::new(sides);
    keyed::by_perm_id(sides, &terms, &mut ledger);
    keyed::by_order_ref(sides, &terms, &mut ledger);
    sessions::by_order_id(sides, &terms, &mut ledger);
    fork::by_key(sides, &mut ledger);
    signature::by_signature(sides, settings, &mut ledger);
    Ok(ledger.close())
}
