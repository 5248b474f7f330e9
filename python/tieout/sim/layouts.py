"""Layouts of every message but the two order ones, server versions 157 to 178."""

from __future__ import annotations

from typing import Final

from tieout.sim.layout import Field, Layout, fixed, given
from tieout.sim.layouts_order import CONTRACT

FRACTIONAL_SIZES: Final = 163
SIZE_RULES: Final = 164
ADVANCED_REJECT: Final = 166
PENDING_PRICE_REVISION: Final = 178

ERROR: Final[Layout] = (
    *given("message", "version", "request_id", "code", "text"),
    Field("advanced", "", since=ADVANCED_REJECT),
)

ORDER_STATUS: Final[Layout] = given(
    "message", "order_id", "status", "filled", "remaining", "average_price", "perm_id", "parent_id",
    "last_price", "client_id", "why_held", "market_cap_price",
)  # fmt: skip

EXECUTION: Final[Layout] = (
    *given("message", "request_id", "order_id"),
    *CONTRACT,
    *given("exec_id", "time", "account", "exec_exchange", "side", "quantity", "price", "perm_id", "client_id"),
    *fixed("liquidation=0"),
    *given("cumulative", "average_price", "order_ref"),
    *fixed("ev_rule= ev_multiplier= model_code= last_liquidity=1"),
    Field("pending_price_revision", "0", since=PENDING_PRICE_REVISION),
)

COMMISSION: Final[Layout] = (
    *given("message", "version", "exec_id", "commission", "currency", "realized_pnl"),
    *fixed("yield= yield_redemption_date="),
)

POSITION: Final[Layout] = (
    *given("message", "version", "account"),
    *CONTRACT,
    *given("quantity", "average_cost"),
)

POSITION_MULTI: Final[Layout] = (
    *given("message", "version", "request_id", "account"),
    *CONTRACT,
    *given("quantity", "average_cost"),
    *fixed("model_code="),
)

PORTFOLIO: Final[Layout] = given(
    "message", "version", "con_id", "symbol", "sec_type", "expiry", "strike", "right", "multiplier",
    "primary_exchange", "currency", "local_symbol", "trading_class", "quantity", "market_price",
    "market_value", "average_cost", "unrealized_pnl", "realized_pnl", "account",
)  # fmt: skip

CONTRACT_DETAILS: Final[Layout] = (
    *given("message"),
    Field("version", "8", until=SIZE_RULES),
    *given("request_id", "symbol", "sec_type", "expiry", "strike", "right", "exchange", "currency"),
    *given("local_symbol", "market_name", "trading_class", "con_id", "min_tick"),
    Field("size_multiplier", "1", until=SIZE_RULES),
    *given("multiplier", "order_types", "valid_exchanges"),
    *given("price_magnifier"),
    *fixed("under_con_id=0"),
    *given("long_name", "primary_exchange", "contract_month"),
    *fixed("industry= category= subcategory= time_zone=UTC trading_hours= liquid_hours= ev_rule= ev_multiplier=0"),
    *fixed("sec_ids=0 agg_group=1"),
    *given("under_symbol", "under_sec_type"),
    *fixed("market_rule_ids=26"),
    *given("real_expiry"),
    *fixed("stock_type="),
    Field("size_min_tick", "1", since=FRACTIONAL_SIZES, until=SIZE_RULES),
    Field("min_size", "1", since=SIZE_RULES),
    Field("size_increment", "1", since=SIZE_RULES),
    Field("suggested_size_increment", "100", since=SIZE_RULES),
)
