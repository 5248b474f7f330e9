//! tickOptionComputation and tickEFP: more values than one record holds.
#![expect(clippy::inline_always, reason = "calls through memory cost more than the work; docs/performance_ticks.md")]

use super::{finish, head, superseding};
use crate::decimal::{FIXED_ONE, Number};
use crate::error::Doubt;
use crate::fields::Fields;
use crate::fill::Fill;
use crate::kind;
use crate::stage::Stage;

/// What TWS sends for a price, volatility or dividend that it did not compute.
const NOT_COMPUTED: i64 = -1;
/// What it sends for a greek.
const NO_GREEK: i64 = -2;

/// `21, request id, tick type, attribute, implied volatility, delta, option price, dividends, gamma, vega, theta,
/// underlying's price`.
#[inline(always)]
pub(super) fn option<'a>(fields: &mut impl Fields<'a>, stage: &mut Stage) -> Result<(), Doubt> {
    let mut first = head(kind::OPTION, fields)?;
    first.put_attributes(fields.attributes()?);
    let mut greeks = Stage::blank(kind::OPTION_GREEKS, first.instrument, first.field);
    let mut model = Stage::blank(kind::OPTION_MODEL, first.instrument, first.field);
    first.put_extra(0, without(NOT_COMPUTED, fields.float()?));
    first.put_extra(1, without(NO_GREEK, fields.float()?));
    first.put_price(without(NOT_COMPUTED, fields.decimal()?));
    model.put_price(without(NOT_COMPUTED, fields.decimal()?));
    greeks.put_extra(0, without(NO_GREEK, fields.float()?));
    greeks.put_extra(1, without(NO_GREEK, fields.float()?));
    model.put_extra(0, without(NO_GREEK, fields.float()?));
    greeks.put_price(without(NOT_COMPUTED, fields.decimal()?));
    finish(fields)?;
    for tick in [first, greeks, model] {
        stage.push(superseding(tick));
    }
    Ok(())
}

/// `47, version, request id, tick type, basis points, the same as text, implied future, days, expiry, dividend impact,
/// dividends to expiry`.
#[inline(always)]
pub(super) fn efp<'a>(fields: &mut impl Fields<'a>, stage: &mut Stage) -> Result<(), Doubt> {
    fields.version()?;
    let mut first = head(kind::EFP, fields)?;
    let mut dividends = Stage::blank(kind::EFP_DIVIDENDS, first.instrument, first.field);
    let mut texts = Stage::blank(kind::EFP_TEXTS, first.instrument, first.field);
    first.put_extra(0, fields.float()?);
    let points = fields.text()?;
    first.put_price(fields.decimal()?);
    first.put_count(1, fields.small()?);
    let expiry = fields.text()?;
    dividends.put_extra(0, fields.float()?);
    dividends.put_extra(1, fields.float()?);
    let whole = [(0, points), (1, expiry)].map(|(word, text)| (texts.put_text(word, text), word, text));
    stage.push(superseding(first));
    stage.push(superseding(dividends));
    if whole.iter().all(|(fits, ..)| *fits) {
        stage.push(superseding(texts));
        return Ok(());
    }
    stage.push(texts);
    for (_, word, text) in whole.into_iter().filter(|(fits, ..)| !fits) {
        stage.push_text(texts, word, text.bytes);
    }
    Ok(())
}

/// The number, unless it is the one that stands for none.
#[inline]
fn without(none: i64, number: Number) -> Number {
    #[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "-1 and -2 are exact as f64")]
    let is_none = match number {
        Number::Fixed(fixed) => fixed == none * FIXED_ONE,
        Number::Float(float) => float == none as f64,
        Number::Absent | Number::Unset => false,
    };
    if is_none { Number::Unset } else { number }
}
