//! tickByTick, and the two shapes of tick that historical answers share with it.
#![expect(clippy::inline_always, reason = "calls through memory cost more than the work; docs/performance_ticks.md")]

use tieout_ring::tick::Tick;

use super::{finish, put_seconds, superseding};
use crate::error::Doubt;
use crate::fields::Fields;
use crate::fill::Fill;
use crate::kind;
use crate::stage::Stage;

const LAST: u8 = 1;
const ALL_LAST: u8 = 2;
const BID_ASK: u8 = 3;
const MIDPOINT: u8 = 4;

/// `99, request id, type, time`, then by type `price, size, attributes, exchange, conditions`, or `bid, ask, bid size,
/// ask size, attributes`, or `midpoint`.
#[inline(always)]
pub(super) fn by_tick<'a>(fields: &mut impl Fields<'a>, stage: &mut Stage) -> Result<(), Doubt> {
    let mut tick = super::head(kind::BY_TICK, fields)?;
    let seconds = fields.integer()?;
    put_seconds(&mut tick, seconds)?;
    match tick.field {
        LAST | ALL_LAST => {
            tick.put_price(fields.decimal()?);
            tick.put_size(fields.size()?);
            tick.put_attributes(fields.attributes()?);
            push_trade(tick, fields, stage)?;
        }
        BID_ASK => {
            prices_and_sizes(&mut tick, fields)?;
            tick.put_attributes(fields.attributes()?);
            stage.push(superseding(tick));
        }
        MIDPOINT => {
            tick.put_price(fields.decimal()?);
            stage.push(superseding(tick));
        }
        _ => return Err(Doubt::Beyond),
    }
    finish(fields)
}

/// `bid, ask, bid size, ask size`.
#[inline(always)]
pub(super) fn prices_and_sizes<'a>(tick: &mut Tick, fields: &mut impl Fields<'a>) -> Result<(), Doubt> {
    tick.put_price(fields.decimal()?);
    tick.put_extra(0, fields.decimal()?);
    tick.put_size(fields.size()?);
    tick.put_extra(1, fields.size()?);
    Ok(())
}

/// A trade, of which `exchange, conditions` are the next fields.
#[inline(always)]
pub(super) fn push_trade<'a>(mut tick: Tick, fields: &mut impl Fields<'a>, stage: &mut Stage) -> Result<(), Doubt> {
    let (exchange, conditions) = (fields.text()?, fields.text()?);
    let fits = [tick.put_text(0, exchange), tick.put_text(1, conditions)];
    stage.push(tick);
    for (word, text) in [exchange, conditions].into_iter().enumerate() {
        if !fits[word] {
            stage.push_text(tick, word, text.bytes);
        }
    }
    Ok(())
}
