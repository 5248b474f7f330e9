"""What a run has at hand: its workspace, log, alerts, state, clock, and the way to the broker."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tieout.alerts import AlertRouter, Log, open_log
from tieout.errors import (
    Ambiguous,
    BackupError,
    BookMissing,
    ClockWrong,
    EvidenceIncomplete,
    Forbidden,
    Interrupted,
    PlanStale,
    TieoutError,
)
from tieout.staging.latch import Latched, read_latch, set_latch
from tieout.staging.status import write_status
from tieout.store.migrate import create_book
from tieout.store.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tieout.broker import Broker, BrokerSettings
    from tieout.canonical import Json
    from tieout.config import Settings, Workspace
    from tieout.flags import MatchRules, Permissions


REFUSALS = (PlanStale, Ambiguous, EvidenceIncomplete, Forbidden, BackupError, ClockWrong, Interrupted)
"""A gate that did not open, as it should, or the program was told to end: nothing failed, nothing latches."""


@dataclass(slots=True)
class Desk:
    """
    One run's surroundings.

    `simulated` is the address of a simulated gateway that takes the settings' place; `client_id` is the bot's
    or the command line's. `reached` turns true once the gateway answered: a reconcile that fails after that latches.
    """

    workspace: Workspace
    log: Log
    alerts: AlertRouter
    state: State
    now: Callable[[], int]
    client_id: int
    who: str
    simulated: tuple[str, int] | None = None
    reached: bool = False
    told: list[str] = field(default_factory=list)
    """What the operator should read beside the result, in order."""
    lender: Callable[[], Broker] | None = None
    """The running bot's: lends the one connection that it has; the borrower's `close` leaves it open."""

    @property
    def settings(self) -> Settings:
        """The workspace's settings."""
        return self.workspace.settings

    @property
    def rules(self) -> MatchRules:
        """How the two sides are matched."""
        return self.settings.reconcile.match_rules

    def latched(self) -> Latched | None:
        """The safe-mode latch as it stands now."""
        return read_latch(self.workspace.latch_file)

    def permissions(self) -> Permissions:
        """What flags and latch allow now."""
        from tieout.flags import allowed

        return allowed(self.settings.flags, self.latched() is not None)

    def config(self) -> dict[str, Json]:
        """The plan's `config`: the flags by the guide's names, and how was matched."""
        rules = self.rules
        return {
            **self.settings.flags.as_config(),
            "matching": {
                "window_seconds": rules.window_seconds,
                "exact_price": rules.exact_price,
                "price_tolerance": str(rules.price_tolerance),
                "accept_unique": rules.accept_unique,
            },
        }

    def broker(self) -> Broker:
        """The broker of the settings, or the simulated one; not yet connected. The running bot's is lent."""
        return self.open_broker() if self.lender is None else self.lender()

    def open_broker(self) -> Broker:
        """The same, always a connection of its own."""
        from tieout.broker import open_broker

        return open_broker(self.broker_settings())

    def broker_settings(self, *, client_id: int | None = None) -> BrokerSettings:
        """Where the gateway of this run is; None is the desk's own client id."""
        from tieout.broker import BrokerSettings

        wanted = self.settings.broker
        host, port = self.simulated or (wanted.host, wanted.port)
        return BrokerSettings(
            client=wanted.client,
            host=host,
            port=port,
            client_id=self.client_id if client_id is None else client_id,
            account=wanted.account,
            timeout_s=wanted.timeout_seconds,
            total_timeout_s=self.settings.reconcile.timeout_seconds,
            restart_pause_s=self.settings.gateway_restart.read_again_seconds,
            warning_codes=frozenset(wanted.warning_codes),
            allow_live=self.settings.allow_live or self.simulated is not None,
        )

    def ensure_book(self) -> bool:
        """
        Make an empty book in a workspace that never had one, once the gateway answers; answers whether it did.

        Raises:
            BookMissing: there is none, but backups or state say that there was.
            BrokerError: no gateway answers.
        """
        book = self.workspace.book
        if book.exists():
            return False
        backups = self.workspace.backups_dir
        traces = [
            str(path) for path in (self.workspace.state_db, *sorted(backups.glob("db_backup_*"))[:1]) if path.exists()
        ]
        if traces:
            raise BookMissing(
                f"there is no book at {book}, but there was one: {traces[0]} is there",
                hint="check DATABASE.orders_db_path, or restore a backup (`tieout backup list` shows them)",
            )
        with self.broker() as broker:
            broker.connect()  # nothing is made for a gateway that is not there: an old book may still be adopted
        create_book(book, now_ns=self.now())
        self.log.info("book_created", book=str(book))
        self.told.append(f"there was no book: an empty one was made at {book}")
        return True

    def status(self, status: str, *, counts: Mapping[str, int] | None = None, **more: Json) -> None:
        """Write `status/reconcile_status.json`; a simulated run says so."""
        latch = self.latched()
        write_status(
            self.workspace.status_file,
            status,  # type: ignore[arg-type]  # callers pass the words of flags.Status
            now_ns=self.now(),
            counts=counts,
            safe_mode_latched=None if latch is None else latch.reason,
            simulated=True if self.simulated else None,
            **more,
        )

    def latch(self, *, by: str, reason: str) -> None:
        """Latch safe mode, and say so."""
        set_latch(self.workspace.latch_file, by=by, reason=reason, now_ns=self.now())
        self.told.append("safe mode is latched; lift it with `tieout safe-mode off --reason TEXT`")

    @contextmanager
    def reconciling(self, what: str) -> Iterator[None]:
        """
        A reconcile or a confirm: IN_PROGRESS while it runs, FAILED with the reason where it fails.

        Once the gateway was reached a failure is `reconcile_failed` and latches safe mode.
        """
        self.status("IN_PROGRESS", running=what)
        try:
            yield
        except REFUSALS as error:
            self._refused(what, error)
            raise
        except TieoutError as error:
            self._failed(what, error.message)
            raise
        except KeyboardInterrupt:
            self._last_words(lambda: self.status("FAILED", reason=f"{what} was interrupted"))
            raise
        except BaseException as error:
            self._failed(what, f"{type(error).__name__}: {error}")
            raise

    def _refused(self, what: str, error: TieoutError) -> None:
        self._last_words(
            lambda: self.log.warning("refused", during=what, error=error.code, reason=error.message),
            lambda: self.status("FAILED", reason=error.message),
        )

    def _failed(self, what: str, reason: str) -> None:
        if self.reached:
            self._last_words(
                lambda: self.alerts.raise_alert("reconcile_failed", during=what, reason=reason),
                lambda: self.latch(by="reconcile_failed", reason=f"{what} failed: {reason}"),
            )
        else:
            self._last_words(lambda: self.log.error("reconcile_not_begun", during=what, reason=reason))
        self._last_words(lambda: self.status("FAILED", reason=reason))

    def _last_words(self, *steps: Callable[[], object]) -> None:
        """Each of them, as far as the disk lets us: a failure to tell must not hide what failed."""
        for step in steps:
            try:
                step()
            except TieoutError as error:
                self.told.append(error.message)


def open_desk(
    workspace: Workspace,
    *,
    now: Callable[[], int],
    client_id: int,
    who: str,
    simulated: tuple[str, int] | None = None,
) -> Desk:
    """A desk for that workspace; its folders are made."""
    for folder in workspace.folders():
        folder.mkdir(parents=True, exist_ok=True)
    log = open_log(workspace.reconcile_log, now)
    if simulated is not None:
        log = log.bind(simulated=True)
    return Desk(
        workspace=workspace,
        log=log,
        alerts=AlertRouter(log, workspace.alerts_dir, settings=workspace.settings.alerts, now=now),
        state=State(workspace.state_db),
        now=now,
        client_id=client_id,
        who=who,
        simulated=simulated,
    )
