"""All of config/local_reconcile.yml as one frozen value; its top keys are the field names in capitals."""

from __future__ import annotations

import posixpath
import re
from typing import Annotated, Final, Self

from pydantic import AfterValidator, ConfigDict, model_validator

from tieout.config.blocks import (
    Alerts,
    Audit,
    BackupKeep,
    Block,
    Broker,
    Database,
    GatewayRestart,
    Idempotency,
    PathText,
    Port,
    Reconcile,
    SpyFutures,
)
from tieout.config.flex import Flex
from tieout.config.live_data import LiveData, same_ids
from tieout.flags import Flags

_STRATEGY: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def _strategy(value: str) -> str:
    if not _STRATEGY.fullmatch(value):
        raise ValueError("`module:Class`, or null")
    return value


class Settings(Block):
    """
    The settings. The four safety flags have no default: a flag that is missing is an error.

    `allow_live` lets orders leave for an account that is not a paper account. `backup_copy_to` is a second
    home for finished backups, a folder or any address that fsspec knows. `metrics_port` serves Prometheus metrics on
    loopback.
    """

    dry_run: bool
    safe_mode: bool
    dry_run_confirm: bool
    force_sync_delete: bool
    auto_manage_external_orders: bool = False
    allow_live: bool = False
    backup_dir: PathText = "./backups"
    log_dir: PathText = "./logs"
    status_dir: PathText = "./status"
    alerts_dir: PathText = "./alerts"
    staged_actions: PathText = "./staged_actions.json"
    backup_copy_to: PathText | None = None
    backup_keep: BackupKeep = BackupKeep()
    metrics_port: Port | None = None
    strategy: Annotated[str, AfterValidator(_strategy)] | None = None
    broker: Broker = Broker()
    reconcile: Reconcile = Reconcile()
    gateway_restart: GatewayRestart = GatewayRestart()
    live_data: LiveData = LiveData()
    spy_futures: SpyFutures = SpyFutures()
    database: Database = Database()
    audit: Audit = Audit()
    idempotency: Idempotency = Idempotency()
    flex: Flex = Flex()
    alerts: Alerts = Alerts()

    model_config = ConfigDict(alias_generator=str.upper, validate_by_name=True, validate_by_alias=True)

    @property
    def flags(self) -> Flags:
        """The flags as `tieout.flags` reads them."""
        return Flags(
            dry_run=self.dry_run,
            safe_mode=self.safe_mode,
            dry_run_confirm=self.dry_run_confirm,
            force_sync_delete=self.force_sync_delete,
            auto_manage_external_orders=self.auto_manage_external_orders,
        )

    @model_validator(mode="after")
    def _paths_apart(self) -> Self:
        """The plan is written by rename: pointed at the book, it would replace it."""
        book, plan = (posixpath.normpath(p) for p in (self.database.orders_db_path, self.staged_actions))
        if book == plan:
            raise ValueError(
                f"STAGED_ACTIONS and DATABASE.orders_db_path are both {book}; expected two different files"
            )
        return self

    @model_validator(mode="after")
    def _clients_apart(self) -> Self:
        """Settings that never asked for ticks go on working, whatever ids they use."""
        live, broker = self.live_data, self.broker
        if live.enable_tick_subscriptions or "client_id" in live.model_fields_set:
            others = {"BROKER.client_id": broker.client_id, "BROKER.cli_client_id": broker.cli_client_id}
            why = same_ids(live.client_id, others)
            if why is not None:
                raise ValueError(why)
        return self
