"""
Layouts of openOrder (5) and completedOrder (101), server versions 157 to 178.

Sources: the public clients' decoders (field order and versions), and published recordings of real gateways
for what stands in fields that an order leaves alone: right `?`, deltaNeutralOrderType `None` (which brings its
own fields along), the unset numbers, the shareholder line.
"""

from __future__ import annotations

from typing import Final

from tieout.sim.layout import Field, Layout, fixed, given
from tieout.sim.wording import UNSET_DOUBLE, UNSET_INTEGER, UNSET_LONG

FA_PROFILE_DROPPED: Final = 177
DURATION: Final = 158
POST_TO_ATS: Final = 160
AUTO_CANCEL_PARENT: Final = 162
PEGGED_OFFSETS: Final = 170

CONTRACT: Final[Layout] = given(
    "con_id", "symbol", "sec_type", "expiry", "strike", "right", "multiplier", "exchange", "currency",
    "local_symbol", "trading_class",
)  # fmt: skip

_TERMS: Final[Layout] = (
    *given("side", "quantity", "order_type", "limit_price", "stop_price", "tif", "oca_group", "account"),
    *fixed("open_close= origin=0"),
    *given("order_ref"),
)

_ADVISOR: Final[Layout] = (
    *fixed("fa_group= fa_method= fa_percentage="),
    Field("fa_profile", "", until=FA_PROFILE_DROPPED),
    *fixed("model_code= good_till_date= rule_80a= percent_offset= settling_firm= short_sale_slot=0"),
    *fixed("designated_location= exempt_code=-1"),
)

_PEGGED_BENCH: Final[Layout] = tuple(
    Field(name, default, order_type="PEGBENCH")
    for name, default in (
        ("reference_con_id", "0"),
        ("pegged_decrease", "0"),
        ("pegged_change", "0"),
        ("reference_change", "0"),
        ("reference_exchange", ""),
    )
)

_PEGGED_OFFSETS: Final[Layout] = tuple(
    Field(name, "", since=PEGGED_OFFSETS)
    for name in ("min_trade_qty", "min_compete_size", "compete_offset", "mid_offset_whole", "mid_offset_half")
)

_LEGS_AND_SCALE: Final[Layout] = (
    *fixed("combo_legs_text= combo_legs=0 order_combo_legs=0 routing_params=0"),
    *fixed(f"scale_init={UNSET_INTEGER} scale_subs={UNSET_INTEGER} scale_increment= hedge_type="),
)

MARGINS: Final = tuple(
    f"{name}_{when}"
    for when in ("before", "change", "after")
    for name in ("init_margin", "maint_margin", "equity_with_loan")
)

OPEN_ORDER: Final[Layout] = (
    *given("message", "order_id"),
    *CONTRACT,
    *_TERMS,
    *given("client_id", "perm_id", "outside_rth"),
    *fixed("hidden=0 discretionary=0 good_after_time= shares_allocation="),
    *_ADVISOR,
    *fixed("auction_strategy=0 starting_price= stock_ref_price= delta= stock_lower= stock_upper="),
    *fixed(f"display_size={UNSET_INTEGER} block_order=0 sweep_to_fill=0 all_or_none=0 min_qty= oca_type=3"),
    *fixed("etrade_only=0 firm_quote_only=0 nbbo_price_cap="),
    *given("parent_id"),
    *fixed("trigger_method=0 volatility= volatility_type=0"),
    *fixed("dn_order_type=None dn_aux_price= dn_con_id=0 dn_settling_firm= dn_clearing_account="),
    *fixed("dn_clearing_intent= dn_open_close=? dn_short_sale=0 dn_short_sale_slot=0 dn_location="),
    *fixed("continuous_update=0 reference_price_type=0 trail_stop= trailing_percent="),
    *fixed("basis_points= basis_points_type="),
    *_LEGS_AND_SCALE,
    *fixed("opt_out_smart=0 clearing_account= clearing_intent=IB not_held=0 delta_neutral=0 algo= solicited=0"),
    *given("what_if", "status"),
    *(Field(name, UNSET_DOUBLE) for name in MARGINS),
    *fixed("commission= commission_min= commission_max= commission_currency= warning="),
    *fixed("randomize_size=0 randomize_price=0"),
    *_PEGGED_BENCH,
    *fixed(f"conditions=0 adjusted_type=None trigger_price={UNSET_DOUBLE}"),
    Field("trail_stop_price", UNSET_DOUBLE),
    *fixed(f"limit_offset={UNSET_DOUBLE} adjusted_stop={UNSET_DOUBLE} adjusted_stop_limit={UNSET_DOUBLE}"),
    *fixed(f"adjusted_trailing={UNSET_DOUBLE} adjusted_unit=0 soft_tier= soft_tier_value= soft_tier_text="),
    *fixed("cash_qty=0 no_auto_hedge_price=1 oms_container=0 discretionary_to_limit=0 price_management=0"),
    Field("duration", UNSET_INTEGER, since=DURATION),
    Field("post_to_ats", UNSET_INTEGER, since=POST_TO_ATS),
    Field("auto_cancel_parent", "0", since=AUTO_CANCEL_PARENT),
    *_PEGGED_OFFSETS,
)

COMPLETED_ORDER: Final[Layout] = (
    *given("message"),
    *CONTRACT,
    *_TERMS,
    *given("perm_id", "outside_rth"),
    *fixed("hidden=0 discretionary=0 good_after_time="),
    *_ADVISOR,
    *fixed(f"starting_price= stock_ref_price= delta= stock_lower= stock_upper= display_size={UNSET_INTEGER}"),
    *fixed("sweep_to_fill=0 all_or_none=0 min_qty= oca_type=3 trigger_method=0 volatility= volatility_type=0"),
    *fixed("dn_order_type=None dn_aux_price= dn_con_id=0 dn_short_sale=0 dn_short_sale_slot=0 dn_location="),
    *fixed("continuous_update=0 reference_price_type=0 trail_stop= trailing_percent="),
    *_LEGS_AND_SCALE,
    *fixed("clearing_account= clearing_intent=IB not_held=0 delta_neutral=0 algo= solicited=0"),
    *given("status"),
    *fixed("randomize_size=0 randomize_price=0"),
    *_PEGGED_BENCH,
    *fixed("conditions=0"),
    Field("trail_stop_price", UNSET_DOUBLE),
    *fixed(f"limit_offset={UNSET_DOUBLE} cash_qty=0 no_auto_hedge_price=1 oms_container=0 auto_cancel_date="),
    *given("filled_quantity"),
    *fixed(f"ref_futures_con_id={UNSET_INTEGER} auto_cancel_parent=0"),
    Field("shareholder", "Not an insider or substantial shareholder"),
    *fixed(f"imbalance_only=0 route_to_bbo=0 parent_perm_id={UNSET_LONG}"),
    *given("completed_time", "completed_status"),
    *_PEGGED_OFFSETS,
)
