"""Telling people: the catalogue of alerts, the log they stand in, the metrics, and the router that sends them."""

from tieout.alerts.catalogue import CATALOGUE, Alert
from tieout.alerts.log import Log, open_log
from tieout.alerts.metrics import Metrics, serve_metrics
from tieout.alerts.router import AlertRouter

__all__ = ["CATALOGUE", "Alert", "AlertRouter", "Log", "Metrics", "open_log", "serve_metrics"]
