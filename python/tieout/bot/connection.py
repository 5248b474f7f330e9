"""Reaching the gateway, and reaching it again: back-off with jitter, and a proof of the link now and then."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from tieout.clock import NS_PER_S
from tieout.errors import BrokerError, GatewayUnreachable, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tieout.bot.line import Line
    from tieout.bot.reconciling import Reconciler
    from tieout.bot.schedule import Schedule
    from tieout.bot.standing import Link
    from tieout.bot.stopping import Stopping
    from tieout.gate import OrderGate
    from tieout.staging.desk import Desk
    from tieout.staging.stage import Staged

LISTEN_S: Final = 1.0
PROVE_NS: Final = 30 * NS_PER_S
"""How often the link is proven by a round trip: a socket can look healthy while it is dead."""


class Connection:
    """Keeps the line up, as far as the gateway lets it. For the main thread."""

    def __init__(
        self,
        desk: Desk,
        line: Line,
        gate: OrderGate,
        *,
        reconciler: Reconciler,
        link: Link,
        stopping: Stopping,
        say: Callable[[str], None],
    ) -> None:
        self._desk = desk
        self._line = line
        self._gate = gate
        self._reconciler = reconciler
        self._link = link
        self._stopping = stopping
        self._say = say
        self._attempt = 0
        self._next_ns = 0

    def first(self) -> Staged | None:
        """
        The first reconcile, waiting for the gateway as often as the settings say; None where the bot was told to end.

        Raises:
            TieoutError: it failed, or the gateway was not reached.
        """
        retries = self._desk.settings.live_data.reconnect_max_retries
        for attempt in range(retries + 1):
            try:
                with self._stopping.giving_up():
                    return self._reconciler.first()
            except GatewayUnreachable as error:
                self._link.is_down(self._desk.now(), error.message)
                if attempt == retries:
                    raise
                self._attempt = attempt
                self._stopping.wait(self._put_off(error))
            if self._stopping.is_set():
                return None
        raise AssertionError("unreachable: the last try returns or raises")

    def there(self, schedule: Schedule) -> bool:
        """Whether the gateway answers; where it does not, wait a little. Its return is a reason to reconcile."""
        now_ns, link = self._desk.now(), self._link
        if now_ns < self._next_ns:
            self._stopping.wait(min((self._next_ns - now_ns) / NS_PER_S, LISTEN_S))
            return False
        try:
            if not link.up:
                self._reconciler.reload()
            with self._stopping.giving_up(), self._gate.turn.take(self._stopping.is_set):
                self._line.renew()
                gateway = self._line.connect()
                if not link.up:
                    self._gate.hear(answers=True)
                if not link.up or link.proven_ns is None or now_ns - link.proven_ns >= PROVE_NS:
                    self._line.current_time()
                    link.proven_ns = now_ns
        except (BrokerError, SettingsError) as error:
            self._lost(error)
            return False
        if not link.up:
            self._attempt, self._next_ns = 0, 0
            schedule.hurry(now_ns, "the connection is back")
            self._say(f"connected to the gateway again, account {gateway.account}")
        link.is_up(link.proven_ns or now_ns, gateway.account)
        return True

    def _lost(self, error: BrokerError | SettingsError) -> None:
        desk, link = self._desk, self._link
        if link.up:
            desk.log.warning("connection_lost", reason=error.message)
            desk.status("FAILED", reason=error.message)
            self._attempt = 0
        link.is_down(desk.now(), error.message)
        if self._attempt == desk.settings.live_data.reconnect_max_retries:
            desk.alerts.raise_alert("gateway_lost", reason=error.message, attempts=self._attempt + 1)
        self._next_ns = desk.now() + int(self._put_off(error) * NS_PER_S)
        self._attempt += 1

    def _put_off(self, error: BrokerError | SettingsError) -> float:
        wait_s = self._desk.settings.live_data.delay_s(self._attempt, chance=random.random())
        self._say(f"{error.message}; trying again in {wait_s:.0f} s")
        return wait_s
