//! Historical ticks: `request id, count`, the ticks, and whether the answer is complete.

use tieout_ring::tick::Tick;

use super::by_tick::{prices_and_sizes, push_trade};
use super::put_seconds;
use crate::error::Doubt;
use crate::fields::Fields;
use crate::fill::Fill;
use crate::kind;
use crate::stage::Stage;

/// `96`; each tick is `time, 0, price, size`.
pub(super) fn midpoints<'a>(fields: &mut impl Fields<'a>, stage: &mut Stage) -> Result<(), Doubt> {
    answer(kind::HISTORY, fields, stage, |mut tick, fields, stage| {
        fields.skip()?;
        tick.put_price(fields.decimal()?);
        tick.put_size(fields.size()?);
        stage.push(tick);
        Ok(())
    })
}

/// `97`; each tick is `time, attributes, bid, ask, bid size, ask size`.
pub(super) fn bid_ask<'a>(fields: &mut impl Fields<'a>, stage: &mut Stage) -> Result<(), Doubt> {
    answer(kind::HISTORY_BID_ASK, fields, stage, |mut tick, fields, stage| {
        tick.put_attributes(fields.attributes()?);
        prices_and_sizes(&mut tick, fields)?;
        stage.push(tick);
        Ok(())
    })
}

/// `98`; each tick is `time, attributes, price, size, exchange, conditions`.
pub(super) fn last<'a>(fields: &mut impl Fields<'a>, stage: &mut Stage) -> Result<(), Doubt> {
    answer(kind::HISTORY_LAST, fields, stage, |mut tick, fields, stage| {
        tick.put_attributes(fields.attributes()?);
        tick.put_price(fields.decimal()?);
        tick.put_size(fields.size()?);
        push_trade(tick, fields, stage)
    })
}

/// The ticks, each with its time, by `one`; then a record that tells their number and the answer's end.
///
/// The number is believed only as far as there are fields: it claims no memory.
fn answer<'a, F: Fields<'a>>(
    kind: u8,
    fields: &mut F,
    stage: &mut Stage,
    one: impl Fn(Tick, &mut F, &mut Stage) -> Result<(), Doubt>,
) -> Result<(), Doubt> {
    let instrument = fields.small()?;
    let count: u64 = fields.small()?;
    for _ in 0..count {
        let mut tick = Stage::blank(kind, instrument, 0);
        let seconds = fields.integer()?;
        put_seconds(&mut tick, seconds)?;
        one(tick, fields, stage)?;
    }
    let mut end = Stage::blank(kind::HISTORY_END, instrument, kind);
    end.put_count(0, count);
    end.put_attributes(u16::from(fields.attributes()? != 0));
    stage.push(end);
    Ok(())
}
