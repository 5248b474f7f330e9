//! What matching answers.

/// The rule that decided, from the strongest to the weakest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Tier {
    /// The same (account, `perm_id`).
    PermId = 1,
    /// The same (account, `order_ref`).
    OrderRef = 2,
    /// The same (account, `client_id`, `order_id`).
    OrderId = 3,
    /// The same account, contract, side, quantity and price at about the same time.
    Signature = 4,
}

/// Why rows are ambiguous.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Tier 1: the permanent id is on several rows of a side.
    PermIdNotUnique,
    /// Tier 2: the order reference is on several rows of a side.
    OrderRefNotUnique,
    /// Tier 3: the client's order id is on several rows of a side.
    OrderIdNotUnique,
    /// Tiers 1-3: the key agrees, and a contract field that both sides know does not.
    ContractContradicts,
    /// Tiers 1-3: the key agrees, and the sides do not.
    SideContradicts,
    /// Tiers 2-4: the key agrees, and the permanent ids do not.
    PermIdContradicts,
    /// Another live broker order with another permanent id has the same order reference.
    ForkedOrderRef,
    /// Another live broker order with another permanent id has the same client's order id.
    ForkedOrderId,
    /// Tier 4: one to one, but the settings leave every such pair to the operator.
    SignatureForReview,
    /// Tier 4: several rows of a side are possible.
    SignatureNotUnique,
    /// Tier 4: one to one, but a time is not known.
    TimeUnknown,
}

impl Reason {
    /// The reason's name in files and frames.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PermIdNotUnique => "perm_id_not_unique",
            Self::OrderRefNotUnique => "order_ref_not_unique",
            Self::OrderIdNotUnique => "order_id_not_unique",
            Self::ContractContradicts => "contract_contradicts",
            Self::SideContradicts => "side_contradicts",
            Self::PermIdContradicts => "perm_id_contradicts",
            Self::ForkedOrderRef => "forked_order_ref",
            Self::ForkedOrderId => "forked_order_id",
            Self::SignatureForReview => "signature_for_review",
            Self::SignatureNotUnique => "signature_not_unique",
            Self::TimeUnknown => "time_unknown",
        }
    }
}

/// A broker row and the book row that is the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// The broker's row.
    pub broker: u32,
    /// The book's row.
    pub book: u32,
    /// What paired them.
    pub tier: Tier,
}

/// One possibility among those that an ambiguous row has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// Rows that are possibilities of one another, directly or through others, share a number.
    pub group: u32,
    /// The broker's row; it is ambiguous.
    pub broker: u32,
    /// The book's row; `None` where the broker's row has no candidate at all.
    pub book: Option<u32>,
    /// What made it a possibility.
    pub tier: Tier,
    /// Why it is not more than that.
    pub reason: Reason,
    /// How many candidates the broker's row has, named or not.
    pub candidates: u32,
}

/// The partition: every row of either side is in exactly one of `pairs`, its side's `only`, and the ambiguous ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matching {
    /// The same orders, ascending by broker row.
    pub pairs: Vec<Pair>,
    /// Broker rows that the book has nothing for, ascending.
    pub broker_only: Vec<u32>,
    /// Book rows that the broker has nothing for, ascending.
    pub book_only: Vec<u32>,
    /// The possibilities of ambiguous rows, ascending by (group, broker, book). Every ambiguous row is in one or more.
    pub ambiguous: Vec<Edge>,
}

/// What the operator's settings say about matching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How far apart the times of a signature match may be, in nanoseconds, inclusive.
    pub window_ns: u64,
    /// How far apart its prices may be, in units of 1e-8, inclusive; 0 where prices must be equal.
    pub price_tolerance_e8: u64,
    /// Whether a signature match that is the only possibility is taken without asking.
    pub accept_unique: bool,
}
