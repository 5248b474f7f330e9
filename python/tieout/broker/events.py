"""What the gateway said unasked, in our words: the events of a `Collector` with their numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tieout.broker import translate
from tieout.broker.collect import Heard, RawCommission, RawExecution, RawStatus
from tieout.broker.port import COMMISSION_COLUMNS, BrokerEvent


def told(heard: Iterable[Heard], *, gateway_zone: str | None) -> list[BrokerEvent]:
    """The events, each with what its message said."""
    return [_with_numbers(event, raw, gateway_zone) for event, raw in heard]


def _with_numbers(
    event: BrokerEvent, raw: RawStatus | RawExecution | RawCommission | None, gateway_zone: str | None
) -> BrokerEvent:
    if isinstance(raw, RawStatus):
        return replace(event, filled_e8=translate.Exact().e8(raw.filled))
    if isinstance(raw, RawExecution):
        return replace(event, row=translate.execution_row(raw, None, gateway_zone=gateway_zone))
    if isinstance(raw, RawCommission):
        values = (translate.average_e8(raw.commission), translate.text_of(raw.currency),
                  translate.average_e8(raw.realized_pnl))  # fmt: skip
        return replace(event, row=dict(zip(COMMISSION_COLUMNS, values, strict=True)))
    return event
