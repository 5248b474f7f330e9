//! Real-time bars.
#![expect(clippy::inline_always, reason = "calls through memory cost more than the work; docs/performance_ticks.md")]

use super::put_seconds;
use crate::error::Doubt;
use crate::fields::Fields;
use crate::fill::Fill;
use crate::kind;
use crate::stage::Stage;

/// `50, version, request id, time, open, high, low, close, volume, average, count`.
#[inline(always)]
pub(super) fn bar<'a>(fields: &mut impl Fields<'a>, stage: &mut Stage) -> Result<(), Doubt> {
    fields.version()?;
    let instrument = fields.small()?;
    let mut first = Stage::blank(kind::BAR, instrument, 0);
    let mut range = Stage::blank(kind::BAR_RANGE, instrument, 0);
    let seconds = fields.integer()?;
    put_seconds(&mut first, seconds)?;
    put_seconds(&mut range, seconds)?;
    first.put_extra(0, fields.decimal()?);
    range.put_price(fields.decimal()?);
    range.put_extra(0, fields.decimal()?);
    first.put_price(fields.decimal()?);
    first.put_size(fields.size()?);
    range.put_extra(1, fields.decimal()?);
    first.put_count(1, fields.small()?);
    stage.push(first);
    stage.push(range);
    Ok(())
}
