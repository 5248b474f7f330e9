//! One message of each kind to its records.
#![expect(clippy::inline_always, reason = "calls through memory cost more than the work; docs/performance_ticks.md")]

mod bar;
mod by_tick;
mod depth;
mod derived;
mod history;
mod market;

use tieout_ring::tick::{Tick, flag as ring};

use crate::error::{Doubt, Flaw};
use crate::fields::Fields;
use crate::kind;
use crate::stage::Stage;

/// The records of a message, whose id has been read. What was staged before a doubt is for the caller to discard.
#[inline(always)]
pub(crate) fn decode<'a>(id: u8, fields: &mut impl Fields<'a>, stage: &mut Stage) -> Result<(), Doubt> {
    match id {
        kind::TICK_PRICE => market::price(fields, stage),
        kind::TICK_SIZE => market::size(fields, stage),
        kind::TICK_GENERIC => market::generic(fields, stage),
        kind::TICK_STRING => market::string(fields, stage),
        kind::DEPTH => depth::depth(fields, stage),
        kind::DEPTH_L2 => depth::depth_l2(fields, stage),
        kind::OPTION => derived::option(fields, stage),
        kind::EFP => derived::efp(fields, stage),
        kind::BAR => bar::bar(fields, stage),
        kind::HISTORY => history::midpoints(fields, stage),
        kind::HISTORY_BID_ASK => history::bid_ask(fields, stage),
        kind::HISTORY_LAST => history::last(fields, stage),
        kind::BY_TICK => by_tick::by_tick(fields, stage),
        _ => Err(Doubt::Beyond),
    }
}

/// A record with the request id and the tick type, which are the next two fields.
#[inline(always)]
fn head<'a>(kind: u8, fields: &mut impl Fields<'a>) -> Result<Tick, Doubt> {
    let instrument = fields.small()?;
    Ok(Stage::blank(kind, instrument, fields.small()?))
}

/// For messages that end exactly where their last field does.
#[inline(always)]
fn finish<'a>(fields: &impl Fields<'a>) -> Result<(), Doubt> {
    if fields.at_end() { Ok(()) } else { Err(Flaw::FieldsLeft.into()) }
}

/// A record that a newer one of the same instrument, kind and field replaces.
#[inline(always)]
fn superseding(mut tick: Tick) -> Tick {
    tick.flags |= ring::SUPERSEDES;
    tick
}

/// The time of a record, from seconds.
#[inline(always)]
fn put_seconds(tick: &mut Tick, seconds: i64) -> Result<(), Doubt> {
    use crate::fill::Fill;
    if tick.put_seconds(seconds) { Ok(()) } else { Err(Doubt::Beyond) }
}
