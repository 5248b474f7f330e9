"""The adapter and the simulated gateway, each written on its own, understand each other."""

from __future__ import annotations

import select
import socket
import struct
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from broker_support import CLIENT, VERSIONS
from tieout.broker import BrokerSettings, ContractSpec, OrderSpec, open_broker
from tieout.sim import SimOptions, run_in_thread

if TYPE_CHECKING:
    from tieout.sim.gateway import Gateway

WAIT_MS = 20_000


@pytest.mark.parametrize("version", VERSIONS)
def test_an_order_placed_is_found_open_and_then_cancelled(version: int) -> None:
    with run_in_thread(SimOptions(server_version_max=version)) as sim:
        settings = BrokerSettings(client=CLIENT, host="127.0.0.1", port=sim.port, client_id=31)  # type: ignore[arg-type]
        with open_broker(settings) as broker:
            before = broker.snapshot()
            held = before.positions.row(0, named=True)
            contract = ContractSpec(
                con_id=held["con_id"], symbol=held["symbol"], sec_type=held["sec_type"],
                exchange=before.open_orders["exchange"][0], currency=held["currency"],
            )  # fmt: skip
            order = OrderSpec(
                side="BUY", quantity=Decimal(1), order_type="LMT", limit_price=Decimal("0.25"), order_ref="sim-1"
            )
            order_id = broker.next_order_id()
            placed = broker.place(contract, order, order_id=order_id)
            during = broker.snapshot()
            cancelled = broker.cancel(order_id)
            after = broker.snapshot()

    assert (before.complete, during.complete, after.complete) == (True, True, True)
    assert before.gateway.server_version == version
    assert placed.code is None
    assert cancelled.code is None
    columns = ("client_id", "order_id", "limit_price_e8", "live")
    mine = during.open_orders.filter(order_ref="sim-1").select(columns).rows()
    assert mine == [(31, order_id, 25_000_000, True)]
    live_after = after.open_orders.filter(order_ref="sim-1", live=True)
    assert live_after.is_empty()
    assert after.completed_orders.filter(order_ref="sim-1")["status"].to_list() == ["Cancelled"]


def test_a_socket_that_the_gateway_reset_can_be_closed() -> None:
    """The library's goodbye on it fails ("Transport endpoint is not connected"); that is no error of the disk."""

    def reset(gateway: Gateway) -> None:
        for session in gateway.sessions.values():
            connection = session.writer.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            session.writer.transport.abort()

    with run_in_thread() as sim:
        broker = open_broker(BrokerSettings(client=CLIENT, host="127.0.0.1", port=sim.port, client_id=31))  # type: ignore[arg-type]
        broker.connect()
        ours = broker._link.client.conn.transport.get_extra_info("socket")  # type: ignore[attr-defined]
        sim.call(reset)
        poll = select.poll()
        poll.register(ours.fileno(), select.POLLHUP)
        assert poll.poll(WAIT_MS)
        broker.close()
        assert ours.fileno() == -1
