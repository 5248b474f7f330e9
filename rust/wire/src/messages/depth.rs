//! marketDepth and marketDepthL2. The field is `2 * operation + side`: operation 0 inserts, 1 updates, 2 deletes; side 0
//! asks, 1 bids.
#![expect(clippy::inline_always, reason = "calls through memory cost more than the work; docs/performance_ticks.md")]

use tieout_ring::tick::Tick;

use crate::error::Doubt;
use crate::fields::Fields;
use crate::fill::Fill;
use crate::kind;
use crate::stage::Stage;

const OPERATION_MAX: u8 = 2;
const SIDE_MAX: u8 = 1;

/// `12, version, request id, position, operation, side, price, size`.
#[inline(always)]
pub(super) fn depth<'a>(fields: &mut impl Fields<'a>, stage: &mut Stage) -> Result<(), Doubt> {
    fields.version()?;
    let (instrument, position) = (fields.small()?, fields.small()?);
    let tick = change(kind::DEPTH, (instrument, position), fields)?;
    stage.push(tick);
    Ok(())
}

/// `13, version, request id, position, market maker, operation, side, price, size[, smart depth]`.
#[inline(always)]
pub(super) fn depth_l2<'a>(fields: &mut impl Fields<'a>, stage: &mut Stage) -> Result<(), Doubt> {
    fields.version()?;
    let (instrument, position) = (fields.small()?, fields.small()?);
    let maker = fields.text()?;
    let mut tick = change(kind::DEPTH_L2, (instrument, position), fields)?;
    if !fields.at_end() {
        tick.put_attributes(u16::from(fields.attributes()? != 0));
    }
    let whole = tick.put_text(1, maker);
    stage.push(tick);
    if !whole {
        stage.push_text(tick, 1, maker.bytes);
    }
    Ok(())
}

/// Operation, side, price and size.
#[inline(always)]
fn change<'a>(kind: u8, at: (u32, u64), fields: &mut impl Fields<'a>) -> Result<Tick, Doubt> {
    let (instrument, position) = at;
    let (operation, side): (u8, u8) = (fields.small()?, fields.small()?);
    if operation > OPERATION_MAX || side > SIDE_MAX {
        return Err(Doubt::Beyond);
    }
    let mut tick = Stage::blank(kind, instrument, 2 * operation + side);
    tick.put_count(0, position);
    tick.put_price(fields.decimal()?);
    tick.put_size(fields.size()?);
    Ok(tick)
}
