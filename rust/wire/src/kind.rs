//! The decoder's numbers: a record's kind is its message's id; what needs further records has a kind from 128 up.
//!
//! `docs/wire.md` tells what every word of every kind holds.

/// tickPrice.
pub const TICK_PRICE: u8 = 1;
/// tickSize.
pub const TICK_SIZE: u8 = 2;
/// marketDepth.
pub const DEPTH: u8 = 12;
/// marketDepthL2.
pub const DEPTH_L2: u8 = 13;
/// tickOptionComputation: the option's price, implied volatility and delta.
pub const OPTION: u8 = 21;
/// tickGeneric.
pub const TICK_GENERIC: u8 = 45;
/// tickString.
pub const TICK_STRING: u8 = 46;
/// tickEFP: the implied future, basis points and days.
pub const EFP: u8 = 47;
/// Real-time bar: close, volume, open and count.
pub const BAR: u8 = 50;
/// Historical midpoints.
pub const HISTORY: u8 = 96;
/// Historical bid and ask.
pub const HISTORY_BID_ASK: u8 = 97;
/// Historical trades.
pub const HISTORY_LAST: u8 = 98;
/// tickByTick; the field tells which.
pub const BY_TICK: u8 = 99;

/// A text that was too long for its record, in pieces of 16 bytes.
pub const TEXT: u8 = 128;
/// After [`OPTION`]: the underlying's price, gamma and vega.
pub const OPTION_GREEKS: u8 = 129;
/// After [`OPTION_GREEKS`]: the present value of dividends, and theta.
pub const OPTION_MODEL: u8 = 130;
/// After [`EFP`]: both dividend numbers.
pub const EFP_DIVIDENDS: u8 = 131;
/// After [`EFP_DIVIDENDS`]: both texts.
pub const EFP_TEXTS: u8 = 132;
/// After [`BAR`]: high, low and volume-weighted average.
pub const BAR_RANGE: u8 = 133;
/// After the last tick of a historical answer.
pub const HISTORY_END: u8 = 134;
/// A tickString of type 48 or 77 taken apart: price, size, time, day's volume, average.
pub const RT_VOLUME: u8 = 135;

/// The message ids that are decoded.
pub const TICK_MESSAGES: [u8; 13] = [
    TICK_PRICE,
    TICK_SIZE,
    DEPTH,
    DEPTH_L2,
    OPTION,
    TICK_GENERIC,
    TICK_STRING,
    EFP,
    BAR,
    HISTORY,
    HISTORY_BID_ASK,
    HISTORY_LAST,
    BY_TICK,
];

/// Those of them that have a version behind their id.
pub(crate) const HAVE_VERSION: [u8; 8] = [TICK_PRICE, TICK_SIZE, DEPTH, DEPTH_L2, TICK_GENERIC, TICK_STRING, EFP, BAR];

/// The flags that the decoder adds to those of `tieout_ring::tick::flag`.
pub mod flag {
    /// A number of this record was sent as "there is none": NaN, infinite, `DBL_MAX`, an unset size, an option's -1, -2.
    pub const UNSET: u16 = 1 << 5;
    /// There is a word `extra[0]`.
    pub const HAS_EXTRA_0: u16 = 1 << 8;
    /// There is a word `extra[1]`.
    pub const HAS_EXTRA_1: u16 = 1 << 9;
    /// `extra[0]` is an f64's bits; or the text goes on: [`super::TEXT`] records with the whole of it follow.
    pub const EXTRA_0_WIDE: u16 = 1 << 10;
    /// The same of `extra[1]`.
    pub const EXTRA_1_WIDE: u16 = 1 << 11;
    /// The lowest of three bits of attributes.
    pub const ATTRIBUTE_0: u16 = 1 << 12;
    /// The next.
    pub const ATTRIBUTE_1: u16 = 1 << 13;
    /// The last.
    pub const ATTRIBUTE_2: u16 = 1 << 14;
}
