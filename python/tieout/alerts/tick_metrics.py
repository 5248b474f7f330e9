"""The metrics of live data; `tieout.alerts.metrics` serves them with the others."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.metrics_core import Metric


@dataclass(frozen=True, slots=True)
class TickFigures:
    """
    How a feed stands: counts since its start, by instrument where it says so.

    Attributes:
        lags_s: the least of received - exchange in the last second, of instruments that told it.
        stale: instruments that ticked and are silent.
    """

    ticks: Mapping[str, int] = field(default_factory=dict)
    lags_s: Mapping[str, float] = field(default_factory=dict)
    dropped: int = 0
    conflated: int = 0
    waiting: int = 0
    stale: int = 0
    up: bool = False


class TickMetrics:
    """Holds the newest figures. Any thread may set and collect them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._figures: TickFigures | None = None

    def set(self, figures: TickFigures) -> None:
        """These are the figures from now on."""
        with self._lock:
            self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """As Prometheus reads them; without a feed only the losses, which are none."""
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

        with self._lock:
            figures = self._figures
        shown = figures or TickFigures()
        yield CounterMetricFamily("tieout_stream_dropped", "Ticks that were dropped.", value=shown.dropped)
        yield CounterMetricFamily("tieout_ticks_conflated", "Ticks that newer ones replaced.", value=shown.conflated)
        if figures is None:
            return
        ticks = CounterMetricFamily("tieout_ticks", "Ticks that were taken, by instrument.", labels=["instrument"])
        for name, count in figures.ticks.items():
            ticks.add_metric([name], count)
        yield ticks
        lag = GaugeMetricFamily(
            "tieout_ticks_lag_seconds", "Exchange to receipt, least of a second.", labels=["instrument"]
        )
        for name, lag_s in figures.lags_s.items():
            lag.add_metric([name], lag_s)
        yield lag
        yield GaugeMetricFamily("tieout_ticks_waiting", "Ticks in the ring.", value=figures.waiting)
        yield GaugeMetricFamily("tieout_ticks_stale_instruments", "Instruments that fell silent.", value=figures.stale)
        yield GaugeMetricFamily("tieout_live_data_up", "Whether the data connection is up.", value=int(figures.up))
