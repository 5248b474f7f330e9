"""The broker: `open_broker(settings)` gives a `Broker` (see `tieout.broker.port`)."""

from __future__ import annotations

from tieout.broker.adapter import IbBroker
from tieout.broker.data_line import DataLine, Said
from tieout.broker.port import (
    Acknowledgement,
    Broker,
    BrokerEvent,
    BrokerSettings,
    ContractSpec,
    OrderSpec,
    Quote,
)

__all__ = [
    "Acknowledgement",
    "Broker",
    "BrokerEvent",
    "BrokerSettings",
    "ContractSpec",
    "DataLine",
    "OrderSpec",
    "Quote",
    "Said",
    "open_broker",
]


def open_broker(settings: BrokerSettings) -> Broker:
    """
    The broker of these settings, not yet connected; use it as a context manager or call `close()`.

    Raises:
        SettingsError: the client id is 0 or negative.
    """
    return IbBroker(settings)
