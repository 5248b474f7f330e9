"""The object that a client library's decoder reports to: every name that it knows, led to a `Collector`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tieout.broker.collect import THEY_CLOSED, Collector


def wrapper(collector: Collector) -> SimpleNamespace:
    """The object that the library's decoder calls, under the names it knows."""

    def nothing(*_fields: Any) -> None:
        """Said at logon; read from the client afterwards."""

    return SimpleNamespace(
        openOrder=collector.open_order,
        openOrderEnd=lambda: collector.end("open_orders"),
        orderStatus=collector.order_status,
        completedOrder=collector.completed_order,
        completedOrdersEnd=lambda: collector.end("completed_orders"),
        execDetails=collector.execution,
        execDetailsEnd=collector.end,
        position=collector.position,
        positionEnd=lambda: collector.end("positions"),
        currentTime=collector.time,
        priceSizeTick=lambda req_id, tick_type, price, _size: collector.tick(req_id, "price", tick_type, price),
        tickString=lambda req_id, tick_type, text: collector.tick(req_id, "text", tick_type, text),
        marketDataType=lambda req_id, kind: collector.tick(req_id, "kind", 0, kind),
        tickSnapshotEnd=collector.end,
        contractDetails=collector.contract_details,
        contractDetailsEnd=collector.end,
        error=collector.message,
        connectAck=nothing,
        nextValidId=collector.valid_id,
        managedAccounts=nothing,
        setEventsDone=lambda: collector.close(THEY_CLOSED),
        connectionClosed=nothing,
        # The decoder insists on reading an execution's time itself; its answer is thrown away (see ib.py).
        ib=SimpleNamespace(TimezoneTWS="UTC"),
        defaultTimezone=None,
    )
