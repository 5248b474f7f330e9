"""Telling people: the catalogue of alerts, the log they stand in, and the router that sends them."""

from tieout.alerts.catalogue import CATALOGUE, Alert
from tieout.alerts.log import Log, open_log
from tieout.alerts.router import AlertRouter

__all__ = ["CATALOGUE", "Alert", "AlertRouter", "Log", "open_log"]
