//! tickPrice, tickSize, tickGeneric and tickString.
#![expect(clippy::inline_always, reason = "calls through memory cost more than the work; docs/performance_ticks.md")]

use tieout_ring::tick::{Tick, flag as ring};

use super::{finish, head, superseding};
use crate::decimal;
use crate::error::{Doubt, Flaw};
use crate::fields::Fields;
use crate::fill::Fill;
use crate::kind;
use crate::stage::Stage;

/// Tick types that tell of a trade (last price, last size, last time, trade volume; and delayed): none replaces another.
const TRADE_FIELDS: [u8; 8] = [4, 5, 45, 48, 68, 71, 77, 88];

/// The flags that a tick type adds: looked up and not branched on, since quotes and trades come mixed.
const FLAGS: [u16; 256] = {
    let mut flags = [ring::SUPERSEDES; 256];
    let mut at = 0;
    while at < TRADE_FIELDS.len() {
        flags[TRADE_FIELDS[at] as usize] = 0;
        at += 1;
    }
    flags
};

/// Tick types whose text is seconds.
const SECONDS_FIELDS: [u8; 2] = [45, 88];

/// Tick types whose text is `price;size;milliseconds;volume;average;single`.
const RT_VOLUME_FIELDS: [u8; 2] = [48, 77];

/// `1, version, request id, tick type, price, size, attributes`.
#[inline(always)]
pub(super) fn price<'a>(fields: &mut impl Fields<'a>, stage: &mut Stage) -> Result<(), Doubt> {
    fields.version()?;
    let mut tick = head(kind::TICK_PRICE, fields)?;
    tick.put_price(fields.decimal()?);
    tick.put_size(fields.size()?);
    tick.put_attributes(fields.attributes()?);
    finish(fields)?;
    stage.push(quote(tick));
    Ok(())
}

/// `2, version, request id, tick type, size`.
#[inline(always)]
pub(super) fn size<'a>(fields: &mut impl Fields<'a>, stage: &mut Stage) -> Result<(), Doubt> {
    fields.version()?;
    let mut tick = head(kind::TICK_SIZE, fields)?;
    tick.put_size(fields.size()?);
    stage.push(quote(tick));
    Ok(())
}

/// `45, version, request id, tick type, value`.
#[inline(always)]
pub(super) fn generic<'a>(fields: &mut impl Fields<'a>, stage: &mut Stage) -> Result<(), Doubt> {
    fields.version()?;
    let mut tick = head(kind::TICK_GENERIC, fields)?;
    tick.put_price(fields.decimal()?);
    stage.push(superseding(tick));
    Ok(())
}

/// `46, version, request id, tick type, text`.
#[inline(always)]
pub(super) fn string<'a>(fields: &mut impl Fields<'a>, stage: &mut Stage) -> Result<(), Doubt> {
    fields.version()?;
    let mut tick = head(kind::TICK_STRING, fields)?;
    let text = fields.text()?.bytes;
    if RT_VOLUME_FIELDS.contains(&tick.field)
        && let Ok(tick) = rt_volume(tick, text)
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
        stage.push_text(tick, 0, text);
    }
    Ok(())
}

/// The six parts of a trade's text; a text that has not these parts stays a text.
#[inline(never)]
fn rt_volume(about: Tick, text: &[u8]) -> Result<Tick, Flaw> {
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
fn quote(mut tick: Tick) -> Tick {
    tick.flags |= FLAGS[usize::from(tick.field)];
    tick
}
