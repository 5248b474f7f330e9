//! tickPrice, tickSize, tickGeneric and tickString.
#![expect(clippy::inline_always, reason = "calls through memory cost more than the work; docs/performance_ticks.md")]

use tieout_ring::tick::Tick;

use super::{finish, head, superseding};
use crate::decimal;
use crate::error::{Doubt, Flaw};
use crate::fields::Fields;
use crate::fill::Fill;
use crate::kind;
use crate::stage::Stage;

/// Tick types that tell of a trade (last price, last size, last time, trade volume; and delayed): none replaces another.
const TRADE_FIELDS: [u8; 8] = [4, 5, 45, 48, 68, 71, 77, 88];

/// Tick types whose text is seconds.
const SECONDS_FIELDS: [u8; 2] = [45, 88];

/// Tick types whose text is `price;size;milliseconds;volume;average;single`.
const RT_VOLUME_FIELDS: [u8; 2] = [48, 77];

/// `1, version, request id, tick type, price, size, attributes`.
#[inline]
pub(super) fn price<const FAST: bool>(fields: &mut Fields<'_, FAST>, stage: &mut Stage) -> Result<(), Doubt> {
    fields.skip()?;
    let mut tick = head(kind::TICK_PRICE, fields)?;
    tick.put_price(fields.decimal()?);
    tick.put_size(fields.size()?);
    tick.put_attributes(fields.attributes()?);
    finish(fields)?;
    stage.push(quote(tick));
    Ok(())
}

/// `2, version, request id, tick type, size`.
#[inline]
pub(super) fn size<const FAST: bool>(fields: &mut Fields<'_, FAST>, stage: &mut Stage) -> Result<(), Doubt> {
    fields.skip()?;
    let mut tick = head(kind::TICK_SIZE, fields)?;
    tick.put_size(fields.size()?);
    stage.push(quote(tick));
    Ok(())
}

/// `45, version, request id, tick type, value`.
#[inline]
pub(super) fn generic<const FAST: bool>(fields: &mut Fields<'_, FAST>, stage: &mut Stage) -> Result<(), Doubt> {
    fields.skip()?;
    let mut tick = head(kind::TICK_GENERIC, fields)?;
    tick.put_price(fields.decimal()?);
    stage.push(superseding(tick));
    Ok(())
}

/// `46, version, request id, tick type, text`.
#[inline]
pub(super) fn string<const FAST: bool>(fields: &mut Fields<'_, FAST>, stage: &mut Stage) -> Result<(), Doubt> {
    fields.skip()?;
    let mut tick = head(kind::TICK_STRING, fields)?;
    let text = fields.text()?.bytes;
    if RT_VOLUME_FIELDS.contains(&tick.field)
        && let Ok(tick) = rt_volume(&tick, text)
    {
        stage.push(tick);
        return Ok(());
    }
    if SECONDS_FIELDS.contains(&tick.field)
        && let Ok(seconds) = decimal::integer(text)
    {
        tick.put_seconds(seconds);
    }
    if tick.put_long_text(text) {
        stage.push(quote(tick));
    } else {
        // Its pieces share one subject, so that none may replace another.
        stage.push(tick);
        stage.push_text(&tick, 0, text);
    }
    Ok(())
}

/// The six parts of a trade's text; a text that has not these parts stays a text.
fn rt_volume(about: &Tick, text: &[u8]) -> Result<Tick, Flaw> {
    let mut parts = text.split(|byte| *byte == b';');
    let mut next = || parts.next().ok_or(Flaw::FieldMissing);
    let mut tick = Stage::blank(kind::RT_VOLUME, about.instrument, about.field);
    tick.put_price(decimal::decimal(next()?)?);
    tick.put_size(decimal::size(decimal::decimal(next()?)?));
    match next()? {
        [] => {}
        milliseconds if tick.put_milliseconds(decimal::integer(milliseconds)?) => {}
        _ => return Err(Flaw::NotAnInteger),
    }
    tick.put_extra(0, decimal::size(decimal::decimal(next()?)?));
    tick.put_extra(1, decimal::decimal(next()?)?);
    match next()? {
        b"true" => tick.put_attributes(1),
        b"false" => {}
        _ => return Err(Flaw::NotANumber),
    }
    if next().is_ok() { Err(Flaw::FieldsLeft) } else { Ok(tick) }
}

/// Marks what a newer one replaces: all but what tells of a trade.
#[inline(always)]
fn quote(tick: Tick) -> Tick {
    if TRADE_FIELDS.contains(&tick.field) { tick } else { superseding(tick) }
}
