"""
Whether the gateway's "Read-Only API" is on. IB has no question for it; it shows in what is refused.

reqOpenOrders is among what such a gateway refuses (321), and harmless otherwise: it lists this client's own orders,
and as another client than 0 binds nothing.
"""

from __future__ import annotations

from tieout.broker.ib import Link
from tieout.errors import GatewayUnreachable

_END = "open_orders"


async def refusal(link: Link) -> str | None:
    """
    The gateway's words where it is read-only; asked once for each connection.

    Raises:
        GatewayUnreachable: neither a list nor a refusal came in time; the socket was dropped.
    """
    collector = link.collector
    if collector.read_only is None and not collector.writable:
        collector.forget()
        link.client.reqOpenOrders()
        await collector.wait(
            lambda: _END in collector.ends or collector.read_only is not None, timeout_s=link.settings.timeout_s
        )
        collector.writable = _END in collector.ends
        if not collector.writable and collector.read_only is None:
            await link.drop()
            raise GatewayUnreachable(
                f"The gateway did not list our open orders within {link.settings.timeout_s:g} s.",
                hint="Its connection was dropped. Look whether TWS or IB Gateway asks something in its own window.",
            )
    return collector.read_only
