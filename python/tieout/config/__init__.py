"""The operator's settings and the workspace they belong to: `load_settings`, `open_workspace`."""

from tieout.config.blocks import (
    Alerts,
    AlertTargets,
    Audit,
    Broker,
    Database,
    GatewayRestart,
    Idempotency,
    Reconcile,
    SpyFutures,
)
from tieout.config.live_data import LiveData, Subscription
from tieout.config.load import load_settings
from tieout.config.settings import Settings
from tieout.config.workspace import CONFIG_FILE, ENV_WORKSPACE, Workspace, open_workspace

__all__ = [
    "CONFIG_FILE",
    "ENV_WORKSPACE",
    "AlertTargets",
    "Alerts",
    "Audit",
    "Broker",
    "Database",
    "GatewayRestart",
    "Idempotency",
    "LiveData",
    "Reconcile",
    "Settings",
    "SpyFutures",
    "Subscription",
    "Workspace",
    "load_settings",
    "open_workspace",
]
