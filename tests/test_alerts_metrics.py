"""The metrics: what they are called, what they say, and that they are served on loopback."""

from __future__ import annotations

import socket
import urllib.request
from pathlib import Path

import pytest

from tieout.alerts import CATALOGUE, AlertRouter, Metrics, open_log, serve_metrics
from tieout.alerts.tick_metrics import TickFigures
from tieout.config.blocks import Alerts
from tieout.errors import TieoutError


def page(port: int) -> dict[str, float]:
    """The page as Prometheus reads it: sample -> value."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_every_metric_is_served_under_its_name(tmp_path: Path) -> None:
    log = open_log(tmp_path / "reconcile.log", lambda: 0)
    alerts = AlertRouter(log, tmp_path, settings=Alerts(), now=lambda: 0)
    with serve_metrics(alerts.metrics, 0) as port:
        first = page(port)
        assert first["tieout_unknown_intents"] == 0.0
        assert first["tieout_stream_dropped_total"] == 0.0
        assert "tieout_last_verified_backup_timestamp_seconds" not in first
        assert [name for name in first if name.startswith("tieout_alerts_total")] == [
            f'tieout_alerts_total{{event="{name}"}}' for name in CATALOGUE
        ]
        assert {value for name, value in first.items() if name.startswith("tieout_alerts")} == {0.0}
        alerts.raise_alert("backup_failed")
        alerts.metrics.backup_verified(1_765_108_800_500_000_000)
        alerts.metrics.unknown_intents(3)
        figures = {"dropped": 107, "conflated": 3, "waiting": 2, "stale": 1}
        alerts.metrics.ticks.set(TickFigures(ticks={"ESZ6": 7}, lags_s={"ESZ6": 0.25}, up=True, **figures))
        alerts.metrics.alert_unsent("backup_failed")
        alerts.metrics.alert_held_back("backup_failed")
        after = page(port)
    changed = {name: value for name, value in after.items() if first.get(name) != value}
    assert changed == {
        'tieout_alerts_total{event="backup_failed"}': 1.0,
        'tieout_alerts_unsent_total{event="backup_failed"}': 1.0,
        'tieout_alerts_held_back_total{event="backup_failed"}': 1.0,
        "tieout_last_verified_backup_timestamp_seconds": 1765108800.5,
        "tieout_unknown_intents": 3.0,
        "tieout_stream_dropped_total": 107.0,
        "tieout_ticks_conflated_total": 3.0,
        'tieout_ticks_total{instrument="ESZ6"}': 7.0,
        'tieout_ticks_lag_seconds{instrument="ESZ6"}': 0.25,
        "tieout_ticks_waiting": 2.0,
        "tieout_ticks_stale_instruments": 1.0,
        "tieout_live_data_up": 1.0,
    }


def test_only_loopback_is_served_and_the_port_is_free_afterwards() -> None:
    with serve_metrics(Metrics(), 0) as port:
        assert page(port)["tieout_unknown_intents"] == 0.0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    with serve_metrics(Metrics(), port) as again:
        assert again == port


def test_a_port_that_is_taken_is_one_clear_error() -> None:
    with serve_metrics(Metrics(), 0) as port:
        with pytest.raises(TieoutError) as caught, serve_metrics(Metrics(), port):
            pass
        assert caught.value.message == f"the metrics cannot be served on 127.0.0.1:{port}: Address already in use"
        assert caught.value.hint == "set METRICS_PORT to a free port, or to null"
