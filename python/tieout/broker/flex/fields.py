"""Which fields of a statement are read, which of them must be there, and what Client Portal calls them."""

from __future__ import annotations

import re
from typing import Final, Literal

Kind = Literal["activity", "confirms"]

KINDS: Final[dict[str, tuple[Kind, str, str]]] = {
    "AF": ("activity", "Trades", "Trade"),
    "TCF": ("confirms", "TradeConfirms", "TradeConfirm"),
}
"""The `type` of a query -> what it is, its section, and the section's rows."""

REQUIRED: Final[dict[Kind, tuple[str, ...]]] = {
    "activity": (
        "assetCategory", "symbol", "conid", "dateTime", "buySell", "quantity", "tradePrice", "ibCommission",
        "ibCommissionCurrency", "ibExecID", "ibOrderID",
    ),
    "confirms": (
        "assetCategory", "symbol", "conid", "dateTime", "buySell", "quantity", "price", "commission",
        "commissionCurrency", "execID", "orderID",
    ),
}  # fmt: skip
"""What a row must carry; IB leaves out what was not ticked, and sends an empty text for what is ticked and empty."""

WANTED: Final = ("orderReference", "orderTime", "orderType", "underlyingSymbol")
READ: Final = frozenset(
    {*REQUIRED["activity"], *REQUIRED["confirms"], *WANTED}
    | {"accountId", "levelOfDetail", "transactionType", "multiplier", "strike", "expiry", "putCall", "currency"}
    | {"orderType", "exchange", "tradeID", "origTradeID"}
)
TIMES: Final = ("dateTime", "orderTime")
WITH_TIME: Final = re.compile(r"\S+[;,T ]\s*\d{2}:?\d{2}:?\d{2}")
"""A bare date would be read as its midnight; it names no moment."""
RAW: Final = frozenset(
    {"assetCategory", "orderType", "transactionType", "buySell", "putCall", "currency", "ibCommissionCurrency"}
    | {"commissionCurrency"}
)
"""Words that ibflex knows a closed list of. They are taken as they stand; a new one must not spoil the file."""
STATEMENT: Final = ("accountId", "fromDate", "toDate", "period", "whenGenerated")
QUERY: Final = "in Client Portal: Performance & Reports, Flex Queries, edit the query"
LABELS: Final = {
    "assetCategory": "Asset Class",
    "symbol": "Symbol",
    "conid": "Conid",
    "dateTime": "Date/Time",
    "buySell": "Buy/Sell",
    "quantity": "Quantity",
    "tradePrice": "Trade Price",
    "price": "Price",
    "ibCommission": "IB Commission",
    "commission": "Commission",
    "ibCommissionCurrency": "IB Commission Currency",
    "commissionCurrency": "Commission Currency",
    "ibExecID": "IB Execution ID",
    "execID": "Execution ID",
    "ibOrderID": "IB Order ID",
    "orderID": "Order ID",
    "orderReference": "Order Reference",
    "orderTime": "Order Time",
    "orderType": "Order Type",
    "underlyingSymbol": "Underlying Symbol",
}
"""The names in Client Portal."""
