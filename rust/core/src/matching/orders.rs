//! One side's orders, as columns.

use crate::column::{Bools, Ints, Texts};
use crate::error::CoreError;
use crate::field::Field;

/// What the bulk kernel takes in one call.
pub use crate::bulk::ROWS_MAX;

/// What an order is for. Null is "not known". The exchange is not here: it is told, never compared.
#[derive(Debug, Clone)]
pub struct Contracts<'a> {
    /// IB's contract id.
    pub con_id: Ints<'a>,
    /// The underlying's symbol.
    pub symbol: Texts<'a>,
    /// STK, FUT, OPT, ...
    pub sec_type: Texts<'a>,
    /// Last trading day or month.
    pub expiry: Texts<'a>,
    /// In units of 1e-8.
    pub strike_e8: Ints<'a>,
    /// C or P.
    pub right: Texts<'a>,
    /// In units of 1e-8.
    pub multiplier_e8: Ints<'a>,
    /// The currency it trades in.
    pub currency: Texts<'a>,
    /// The exchange's own symbol.
    pub local_symbol: Texts<'a>,
    /// The exchange's trading class.
    pub trading_class: Texts<'a>,
}

/// How many contract fields are compared.
pub(crate) const CONTRACT_FIELDS: usize = 10;

/// One side's orders: a row per order, in any order; all columns of one length.
#[derive(Debug, Clone)]
pub struct Orders<'a> {
    /// The account; a row without one matches nothing.
    pub account: Texts<'a>,
    /// IB's permId; 0 is taken for null.
    pub perm_id: Ints<'a>,
    /// The free text that we set; empty is taken for null.
    pub order_ref: Texts<'a>,
    /// The API client that placed it.
    pub client_id: Ints<'a>,
    /// The client's own number; 0 is taken for null.
    pub order_id: Ints<'a>,
    /// The broker session it was placed in.
    pub session: Texts<'a>,
    /// What it is for.
    pub contract: Contracts<'a>,
    /// BUY or SELL.
    pub side: Texts<'a>,
    /// In units of 1e-8.
    pub quantity_e8: Ints<'a>,
    /// In units of 1e-8; null where the order's type uses none.
    pub limit_price_e8: Ints<'a>,
    /// In units of 1e-8; null where the order's type uses none.
    pub stop_price_e8: Ints<'a>,
    /// The last status.
    pub status: Texts<'a>,
    /// UTC nanoseconds.
    pub placed_ns: Ints<'a>,
    /// Whether it can still fill, as follows from the status.
    pub live: Bools<'a>,
    /// Whether a number of it does not fit 1e-8.
    pub inexact: Bools<'a>,
}

impl Orders<'_> {
    /// How many orders.
    #[must_use]
    pub fn len(&self) -> usize {
        self.account.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Known to be over: neither live nor Inactive, and the status is known.
    pub(crate) fn ended(&self, row: u32) -> bool {
        let row = row as usize;
        !self.live.is_true(row) && self.status.is_known(row) && !self.status.is(row, "Inactive")
    }

    /// Known to be over, and known to the broker by its permanent id: only that id can still match it.
    pub(crate) fn settled(&self, row: u32) -> bool {
        self.perm_id.id(row as usize).is_some() && self.ended(row)
    }

    /// Fails where a column has another length than the first, or there are too many rows.
    pub(crate) fn check(&self, side: &'static str) -> Result<(), CoreError> {
        let expected = self.len();
        if expected > ROWS_MAX {
            return Err(CoreError::TooManyRows { side, found: expected, limit: ROWS_MAX });
        }
        match self.lengths().into_iter().find(|&(_, found)| found != expected) {
            Some((column, found)) => Err(CoreError::Ragged { side, column, found, expected }),
            None => Ok(()),
        }
    }

    fn lengths(&self) -> [(&'static str, usize); 24] {
        let contract = &self.contract;
        [
            ("perm_id", self.perm_id.len()),
            ("order_ref", self.order_ref.len()),
            ("client_id", self.client_id.len()),
            ("order_id", self.order_id.len()),
            ("session", self.session.len()),
            ("con_id", contract.con_id.len()),
            ("symbol", contract.symbol.len()),
            ("sec_type", contract.sec_type.len()),
            ("expiry", contract.expiry.len()),
            ("strike_e8", contract.strike_e8.len()),
            ("right", contract.right.len()),
            ("multiplier_e8", contract.multiplier_e8.len()),
            ("currency", contract.currency.len()),
            ("local_symbol", contract.local_symbol.len()),
            ("trading_class", contract.trading_class.len()),
            ("side", self.side.len()),
            ("quantity_e8", self.quantity_e8.len()),
            ("limit_price_e8", self.limit_price_e8.len()),
            ("stop_price_e8", self.stop_price_e8.len()),
            ("status", self.status.len()),
            ("placed_ns", self.placed_ns.len()),
            ("live", self.live.len()),
            ("inexact", self.inexact.len()),
            ("account", self.account.len()),
        ]
    }
}

/// The broker's orders beside the book's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sides<'a> {
    pub(crate) broker: &'a Orders<'a>,
    pub(crate) book: &'a Orders<'a>,
}

impl<'a> Sides<'a> {
    pub(crate) fn account(&self) -> Field<'a> {
        Field::Texts(&self.broker.account, &self.book.account)
    }

    pub(crate) fn perm_id(&self) -> Field<'a> {
        Field::Ints(&self.broker.perm_id, &self.book.perm_id)
    }

    pub(crate) fn order_ref(&self) -> Field<'a> {
        Field::Texts(&self.broker.order_ref, &self.book.order_ref)
    }

    pub(crate) fn client_order(&self) -> [Field<'a>; 2] {
        [
            Field::Ints(&self.broker.client_id, &self.book.client_id),
            Field::Ints(&self.broker.order_id, &self.book.order_id),
        ]
    }

    pub(crate) fn session(&self) -> Field<'a> {
        Field::Texts(&self.broker.session, &self.book.session)
    }

    pub(crate) fn side(&self) -> Field<'a> {
        Field::Texts(&self.broker.side, &self.book.side)
    }

    pub(crate) fn quantity(&self) -> Field<'a> {
        Field::Ints(&self.broker.quantity_e8, &self.book.quantity_e8)
    }

    pub(crate) fn prices(&self) -> [Field<'a>; 2] {
        [
            Field::Ints(&self.broker.limit_price_e8, &self.book.limit_price_e8),
            Field::Ints(&self.broker.stop_price_e8, &self.book.stop_price_e8),
        ]
    }

    pub(crate) fn contract(&self) -> [Field<'a>; CONTRACT_FIELDS] {
        let (broker, book) = (&self.broker.contract, &self.book.contract);
        [
            Field::Ints(&broker.con_id, &book.con_id),
            Field::Texts(&broker.symbol, &book.symbol),
            Field::Texts(&broker.sec_type, &book.sec_type),
            Field::Texts(&broker.expiry, &book.expiry),
            Field::Ints(&broker.strike_e8, &book.strike_e8),
            Field::Texts(&broker.right, &book.right),
            Field::Ints(&broker.multiplier_e8, &book.multiplier_e8),
            Field::Texts(&broker.currency, &book.currency),
            Field::Texts(&broker.local_symbol, &book.local_symbol),
            Field::Texts(&broker.trading_class, &book.trading_class),
        ]
    }

    /// Whether both permanent ids are known and differ.
    pub(crate) fn perm_contradicts(&self, broker: u32, book: u32) -> bool {
        let (broker, book) = (self.broker.perm_id.id(broker as usize), self.book.perm_id.id(book as usize));
        matches!((broker, book), (Some(a), Some(b)) if a != b)
    }
}
