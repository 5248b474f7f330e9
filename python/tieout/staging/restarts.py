"""Whether the gateway may have restarted a moment ago, as a program that has just connected can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tieout.gate.restart import near_restart

if TYPE_CHECKING:
    from tieout.model import Gateway
    from tieout.staging.desk import Desk


def restart_suspected(desk: Desk, gateway: Gateway) -> str | None:
    """
    Why one reading of that gateway is not enough, or None: its nextValidId is lower than the last time, or its daily
    restart was minutes ago (GATEWAY_RESTART). What a connection saw itself, it adds (`Broker.restarted`).
    """
    went_back = desk.state.ids_went_back(gateway)
    if went_back is not None or desk.simulated is not None:
        return went_back
    settings = desk.settings.gateway_restart
    if near_restart(settings.model_copy(update={"minutes_before": 0}), desk.now()) is None:
        return None
    return f"its daily restart at {settings.time} {settings.zone_name} was less than {settings.minutes_after} min ago"
