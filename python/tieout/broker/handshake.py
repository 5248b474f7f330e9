"""
Whether we may speak to this gateway at all: the account is there, and live only where the settings allow live.

IB's default ports are 4001 (Gateway) and 7496 (TWS) for live trading, 4002 and 7497 for paper trading; the accounts of
paper logins start with D (DU, DF, DI). Both can be told before anything is asked, so both are looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tieout.errors import AccountUnknown, LiveNotAllowed, SettingsError
from tieout.model import Gateway

if TYPE_CHECKING:
    from tieout.broker.ib import Link
    from tieout.broker.port import BrokerSettings

LIVE_PORTS: Final = {4001: "IB Gateway", 7496: "TWS"}
_PAPER: Final = "for paper trading use 4002 (IB Gateway) or 7497 (TWS); to trade live set ALLOW_LIVE: true"


def refuse_client_zero(settings: BrokerSettings) -> None:
    """
    Raises:
        SettingsError: the client id is 0 or negative.
    """
    if settings.client_id <= 0:
        raise SettingsError(
            f"BROKER.client_id is {settings.client_id}; it must be 1 or more.",
            hint="Client 0 binds manual orders as it connects, which changes them.",
        )


def refuse_live_port(settings: BrokerSettings) -> None:
    """
    Before a socket is opened.

    Raises:
        LiveNotAllowed: the port is one of live trading, and the settings do not allow live.
    """
    if settings.port in LIVE_PORTS and not settings.allow_live:
        raise LiveNotAllowed(
            f"BROKER.port is {settings.port}, {LIVE_PORTS[settings.port]}'s port for live trading, and ALLOW_LIVE is "
            "false; nothing was sent there",
            hint=_PAPER,
        )


def gateway_of(link: Link, wanted: str | None) -> Gateway:
    """
    Who answered, with the wanted account found among the gateway's; None is its only one.

    Raises:
        AccountUnknown: it is not there, or several are and none was named.
        LiveNotAllowed: it is not a paper account, and the settings do not allow live.
    """
    s, held = link.settings, link.accounts
    named = ", ".join(held)
    if wanted is None and len(held) > 1:
        raise AccountUnknown(
            f"The gateway holds {len(held)} accounts: {named}; BROKER.account names none.",
            hint="Set BROKER.account to one of them.",
        )
    account = wanted or held[0]
    if account not in held:
        raise AccountUnknown(
            f"The gateway does not hold the account {account}; it holds {named}.",
            hint="Correct BROKER.account, or log the gateway in with the right user.",
        )
    paper = account.startswith("D")
    if not paper and not s.allow_live:
        raise LiveNotAllowed(
            f"the gateway at {s.host}:{s.port} is logged in to {account}, which is not a paper account, and ALLOW_LIVE "
            "is false; nothing was asked there",
            hint=_PAPER,
        )
    return Gateway(
        host=s.host, port=s.port, client_id=s.client_id, client=s.client,
        server_version=link.server_version, account=account, paper=paper,
        sole=len(held) == 1, next_order_id=link.collector.next_valid_id,
    )  # fmt: skip
