"""
What clients ask: the fields of a request read into plain records.

placeOrder is laid out as public clients write it at server versions 157 to 178. Only what the gateway uses is
kept, but everything is walked through, since optional groups move what comes after them.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from tieout.sim.layouts_order import FA_PROFILE_DROPPED


class RequestError(Exception):
    """A request has too few fields, or text where a number belongs; its client is cut off."""


@dataclass(slots=True)
class Reader:
    """The fields of one request, taken from the left."""

    fields: list[str]
    at: int = 0

    def text(self) -> str:
        """The next field."""
        if self.at >= len(self.fields):
            raise RequestError(f"request {self.fields[0]} ends after {len(self.fields)} fields")
        self.at += 1
        return self.fields[self.at - 1]

    def skip(self, count: int) -> None:
        """Pass over that many fields."""
        for _ in range(count):
            self.text()

    def integer(self) -> int:
        """The next field as a whole number; empty is 0."""
        field = self.text()
        try:
            return int(field or 0)
        except ValueError as error:
            raise RequestError(f"request {self.fields[0]}: {field!r} is not a whole number") from error

    def flag(self) -> bool:
        """The next field as a boolean."""
        return self.text() in {"1", "true", "True"}

    def decimal(self) -> Decimal | None:
        """The next field as a number; empty and the unset sentinel are None."""
        field = self.text()
        if not field:
            return None
        try:
            value = Decimal(field)
        except InvalidOperation as error:
            raise RequestError(f"request {self.fields[0]}: {field!r} is not a number") from error
        return value if value.is_finite() and abs(value) < Decimal("1e15") else None


@dataclass(frozen=True, slots=True)
class ContractQuery:
    """A contract as a client describes it; empty and 0 do not restrict."""

    con_id: int
    symbol: str
    sec_type: str
    expiry: str
    strike: Decimal
    right: str
    multiplier: str
    currency: str
    local_symbol: str
    trading_class: str


@dataclass(frozen=True, slots=True)
class OrderTicket:
    """placeOrder, as far as the gateway uses it."""

    order_id: int
    contract: ContractQuery
    side: str
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None
    stop_price: Decimal | None
    tif: str
    oca_group: str
    account: str
    order_ref: str
    transmit: bool
    parent_id: int
    outside_rth: bool
    good_till_date: str
    what_if: bool


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """reqExecutions: empty and 0 do not restrict. `time` is `yyyymmdd-hh:mm:ss` or with a blank, UTC."""

    client_id: int
    account: str
    time: str
    symbol: str
    sec_type: str
    exchange: str
    side: str


def read_contract(reader: Reader) -> ContractQuery:
    """The twelve contract fields that order and contract requests share."""
    con_id, symbol, sec_type, expiry = reader.integer(), reader.text(), reader.text(), reader.text()
    strike, right, multiplier = reader.decimal() or Decimal(0), reader.text(), reader.text()
    reader.skip(2)  # exchange and primary exchange: SMART here, a venue there; they restrict nothing
    return ContractQuery(
        con_id=con_id,
        symbol=symbol,
        sec_type=sec_type,
        expiry=expiry,
        strike=strike,
        right="" if right in {"?", "0"} else right,
        multiplier=multiplier,
        currency=reader.text(),
        local_symbol=reader.text(),
        trading_class=reader.text(),
    )


def read_filter(reader: Reader) -> ExecutionFilter:
    """The filter of reqExecutions."""
    return ExecutionFilter(
        client_id=reader.integer(),
        account=reader.text(),
        time=reader.text(),
        symbol=reader.text(),
        sec_type=reader.text(),
        exchange=reader.text(),
        side=reader.text(),
    )


def read_order(fields: list[str], version: int) -> OrderTicket:
    """
    The ticket in a placeOrder request.

    Raises:
        RequestError: the request does not have the layout of this server version.
    """
    reader = Reader(fields, at=1)
    order_id, contract = reader.integer(), read_contract(reader)
    reader.skip(2)  # secIdType, secId
    side, quantity, order_type = reader.text(), reader.decimal() or Decimal(0), reader.text()
    limit_price, stop_price, tif, oca_group = reader.decimal(), reader.decimal(), reader.text(), reader.text()
    account = reader.text()
    reader.skip(2)  # openClose, origin
    order_ref, transmit, parent_id = reader.text(), reader.flag(), reader.integer()
    reader.skip(4)  # blockOrder, sweepToFill, displaySize, triggerMethod
    outside_rth = reader.flag()
    reader.skip(1)  # hidden
    if contract.sec_type == "BAG":
        _skip_legs(reader)
    reader.skip(3)  # obsolete shares allocation, discretionaryAmt, goodAfterTime
    good_till_date = reader.text()
    return OrderTicket(
        order_id=order_id,
        contract=contract,
        side=side,
        quantity=quantity,
        order_type=order_type,
        limit_price=limit_price,
        stop_price=stop_price,
        tif=tif,
        oca_group=oca_group,
        account=account,
        order_ref=order_ref,
        transmit=transmit,
        parent_id=parent_id,
        outside_rth=outside_rth,
        good_till_date=good_till_date,
        what_if=_read_what_if(reader, version),
    )


def _skip_legs(reader: Reader) -> None:
    reader.skip(8 * reader.integer())
    reader.skip(reader.integer())
    reader.skip(2 * reader.integer())


def _read_what_if(reader: Reader, version: int) -> bool:
    """From faGroup on to whatIf, over every group that may or may not be there."""
    reader.skip(3 + (1 if version < FA_PROFILE_DROPPED else 0))  # faGroup, faMethod, faPercentage, faProfile
    reader.skip(22)  # modelCode ... volatilityType
    delta_neutral_type = reader.text()
    reader.skip(1)  # deltaNeutralAuxPrice
    if delta_neutral_type:
        reader.skip(8)
    reader.skip(6)  # continuousUpdate ... scaleSubsLevelSize
    scale_increment = reader.decimal()
    if scale_increment is not None and scale_increment > 0:
        reader.skip(7)
    reader.skip(3)  # scaleTable, activeStartTime, activeStopTime
    if reader.text():  # hedgeType
        reader.skip(1)
    reader.skip(4)  # optOutSmartRouting, clearingAccount, clearingIntent, notHeld
    if reader.flag():  # delta-neutral contract
        reader.skip(3)
    if reader.text():  # algoStrategy
        reader.skip(2 * reader.integer())
    reader.skip(1)  # algoId
    return reader.flag()
