"""
The metrics, and Prometheus' page of them on loopback.

    tieout_alerts_total{event}                        alerts raised, by name
    tieout_alerts_unsent_total{event}                 messages that a target was not told
    tieout_alerts_held_back_total{event}              alerts that nobody was told of, for the rate limit
    tieout_last_verified_backup_timestamp_seconds     when a verified backup was last known to hold all of the book
    tieout_unknown_intents                            orders whose fate is not proven
    tieout_stream_dropped_total                       ticks that were dropped
    tieout_ticks_conflated_total                      ticks that newer ones of the same instrument replaced
    tieout_ticks_total{instrument}                    ticks that were taken; this and the following with a feed alone
    tieout_ticks_lag_seconds{instrument}              exchange to receipt, the least of the last second
    tieout_ticks_waiting                              ticks in the ring
    tieout_ticks_stale_instruments                    instruments that ticked and are silent
    tieout_live_data_up                               whether the data connection is up

Counting is plain integers under a lock; prometheus_client is loaded only where somebody reads them.
"""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tieout.alerts.catalogue import CATALOGUE
from tieout.alerts.tick_metrics import TickMetrics
from tieout.clock import NS_PER_S
from tieout.errors import TieoutError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

HOST: Final = "127.0.0.1"
"""Metrics tell of an account: nobody else's machine reads them."""


class Metrics:
    """What is counted. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._raised: Counter[str] = Counter()
        self._unsent: Counter[str] = Counter()
        self._held_back: Counter[str] = Counter()
        self.ticks = TickMetrics()
        self._unknown_intents = 0
        self._backup_ns: int | None = None
        self._registry: CollectorRegistry | None = None

    def alert_raised(self, name: str) -> None:
        """An alert was raised."""
        with self._lock:
            self._raised[name] += 1

    def alert_unsent(self, name: str) -> None:
        """A target was not told of an alert."""
        with self._lock:
            self._unsent[name] += 1

    def alert_held_back(self, name: str) -> None:
        """Nobody was told of an alert, since others like it were sent just before."""
        with self._lock:
            self._held_back[name] += 1

    def backup_verified(self, now_ns: int) -> None:
        """Now a verified backup holds all of the book, a new one or one that was reused."""
        with self._lock:
            self._backup_ns = now_ns

    def unknown_intents(self, count: int) -> None:
        """So many orders' fates are not proven."""
        with self._lock:
            self._unknown_intents = count

    @property
    def registry(self) -> CollectorRegistry:
        """Prometheus' registry of exactly these."""
        if self._registry is None:
            from prometheus_client import CollectorRegistry

            self._registry = CollectorRegistry()
            self._registry.register(self)
        return self._registry

    def collect(self) -> Iterator[Metric]:
        """The metrics as Prometheus reads them; every alert of the catalogue has its line from the start."""
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

        with self._lock:
            counters = (
                ("tieout_alerts", "Alerts raised, by name.", Counter(self._raised)),
                ("tieout_alerts_unsent", "Messages that a target was not told, by alert.", Counter(self._unsent)),
                ("tieout_alerts_held_back", "Alerts held back by the rate limit.", Counter(self._held_back)),
            )
            intents, backup_ns = self._unknown_intents, self._backup_ns
        for name, told, counts in counters:
            family = CounterMetricFamily(name, told, labels=["event"])
            for event in CATALOGUE:
                family.add_metric([event], counts[event])
            yield family
        yield from self.ticks.collect()
        yield GaugeMetricFamily("tieout_unknown_intents", "Orders whose fate is not proven.", value=intents)
        if backup_ns is not None:  # no backup yet is no time, not 1970
            yield GaugeMetricFamily(
                "tieout_last_verified_backup_timestamp_seconds",
                "When a verified backup was last known to hold all of the book.",
                value=backup_ns / NS_PER_S,
            )


@contextmanager
def serve_metrics(metrics: Metrics, port: int) -> Iterator[int]:
    """
    Serve the metrics on that loopback port (0: any free one) for as long as the block runs; gives the port.

    Raises:
        TieoutError: the port is taken, or may not be used.
    """
    from prometheus_client import start_http_server

    try:
        server, thread = start_http_server(port, addr=HOST, registry=metrics.registry)
    except OSError as error:
        raise TieoutError(
            f"the metrics cannot be served on {HOST}:{port}: {error.strerror}",
            hint="set METRICS_PORT to a free port, or to null",
        ) from error
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
