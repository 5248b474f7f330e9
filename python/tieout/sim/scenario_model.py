"""The keys of a scenario, as strict models; `tieout.sim.scenario` documents them for people."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tieout.sim.fault_keys import Conduct, ConductKeys, RuleKeys
from tieout.sim.layout import VERSION_MAX, VERSION_MIN
from tieout.sim.quotes import QuoteKind
from tieout.sim.scenario_types import Id, Moment, Number, Positive
from tieout.sim.ticks.keys import TickKeys


class Strict(BaseModel):
    """No unknown key, no conversion, no change after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ContractKeys(Strict):
    """One instrument."""

    con_id: Annotated[int, Field(gt=0)]
    symbol: Annotated[str, Field(min_length=1)]
    sec_type: Literal[
        "STK", "FUT", "OPT", "FOP", "CASH", "IND", "CFD", "BOND", "CMDTY", "CRYPTO", "FUND", "WAR", "BAG"
    ]  # fmt: skip
    exchange: str = "SMART"
    currency: str = "USD"
    expiry: str = ""
    strike: Number = Decimal(0)
    right: Literal["", "C", "P"] = ""
    multiplier: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    primary_exchange: str = ""
    min_tick: Positive = Decimal("0.01")
    price_magnifier: Annotated[int, Field(ge=1)] = 1


class OrderKeys(Strict):
    """What live and completed orders share."""

    contract: str
    perm_id: Annotated[int, Field(gt=0)]
    side: Literal["BUY", "SELL"]
    quantity: Positive
    order_type: Annotated[str, Field(min_length=1)]
    limit_price: Number | None = None
    stop_price: Number | None = None
    tif: str = "DAY"
    account: str | None = None
    client_id: Id = 0
    order_id: int = 0
    order_ref: str = ""
    filled: Number = Decimal(0)
    average_price: Number = Decimal(0)
    parent_id: Id = 0
    oca_group: str = ""


class LiveOrderKeys(OrderKeys):
    """An open order."""

    status: Literal["ApiPending", "PendingSubmit", "PreSubmitted", "Submitted", "PendingCancel", "Inactive"] = (
        "Submitted"
    )


class CompletedOrderKeys(OrderKeys):
    """An order that ended."""

    status: Literal["Filled", "Cancelled", "ApiCancelled", "Inactive"]
    ended_at: Moment
    completed_status: str = ""


class ExecutionKeys(Strict):
    """One fill."""

    contract: str
    exec_id: Annotated[str, Field(min_length=1)]
    perm_id: Id
    side: Literal["BUY", "SELL"]
    quantity: Positive
    price: Number
    executed_at: Moment
    account: str | None = None
    client_id: Id = 0
    order_id: int = 0
    order_ref: str = ""
    cumulative: Number | None = None
    average_price: Number | None = None
    commission: Number | None = None
    commission_currency: str = "USD"
    realized_pnl: Number | None = None


class PositionKeys(Strict):
    """One holding."""

    contract: str
    quantity: Number
    average_cost: Number
    account: str | None = None


class QuoteKeys(Strict):
    """What an instrument is quoted at."""

    kind: QuoteKind = "live"
    bid: Number | None = None
    ask: Number | None = None
    last: Number | None = None
    last_at: Moment | None = None


class AccountValueKeys(Strict):
    """One line of an account's values."""

    key: Annotated[str, Field(min_length=1)]
    value: str
    currency: str = "USD"
    account: str | None = None


class ScenarioKeys(Strict):
    """The whole file."""

    accounts: Annotated[list[str], Field(min_length=1)]
    next_order_id: Annotated[int, Field(ge=1)] = 1
    server_version: Annotated[int, Field(ge=VERSION_MIN, le=VERSION_MAX)] = VERSION_MAX
    commission_per_unit: Number = Decimal(1)
    contracts: dict[str, ContractKeys] = {}
    prices: dict[str, Positive] = {}
    quotes: dict[str, QuoteKeys] = {}
    live_orders: list[LiveOrderKeys] = []
    completed_orders: list[CompletedOrderKeys] = []
    executions: list[ExecutionKeys] = []
    positions: list[PositionKeys] = []
    account_values: list[AccountValueKeys] = []
    fault: Conduct = ConductKeys()
    faults: list[RuleKeys] = []
    ticks: TickKeys | None = None
    seed: int = 0
