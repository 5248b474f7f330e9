"""
The running bot's entry: `python run_bot.py`, `tieout run`. What it does while it lives is `tieout.bot.live`.

One bot on one book; SIGTERM and SIGINT end it within seconds, with its state written.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tieout import locks
from tieout.alerts import serve_metrics
from tieout.bot.live import Live
from tieout.bot.loading import load_strategy
from tieout.bot.reconciling import Reconciler
from tieout.errors import EXIT_OK, TieoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tieout.staging.desk import Desk
    from tieout.staging.stage import Staged


def main() -> int:
    """`python run_bot.py`: `tieout run` with the same options."""
    from tieout.cli import main as run_command

    return run_command(["run", *sys.argv[1:]])


class Bot:
    """
    One bot on one book.

    Args:
        desk: its surroundings.
        say: where a line for the operator goes.
        report: called with each reconcile's outcome.
        lock_wait_s: how long to wait for another tieout's lock.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        say: Callable[[str], None],
        report: Callable[[Staged], None],
        lock_wait_s: float = 0.0,
    ) -> None:
        self._desk = desk
        self._say = say
        self._lock_wait_s = lock_wait_s
        self._reconciler = Reconciler(desk, say=say, report=report, lock_wait_s=lock_wait_s)

    def run(self, *, once: bool) -> int:
        """
        Run until a signal, or until the first reconcile; answers the exit code.

        Raises:
            Locked: another bot runs on this book.
            SettingsError: there is no such strategy.
            TieoutError: the first reconcile failed (the status says why).
        """
        desk = self._desk
        named = desk.settings.strategy
        strategy = None if once or named is None else load_strategy(named, desk.workspace.root)
        with locks.hold(desk.workspace.bot_lock, what="run", now_ns=desk.now(), wait_s=self._lock_wait_s):
            self._reconciler.archive()
            if once:
                return self._reconciler.first().exit_code
            with self._metrics():
                Live(desk, self._reconciler, say=self._say, strategy=strategy).run()
            desk.log.info("bot_stopped")
            self._say("stopped; the book and the staged plan are as the last lines said")
        return EXIT_OK

    @contextmanager
    def _metrics(self) -> Iterator[None]:
        """The metrics on METRICS_PORT; that they cannot be served does not keep the bot from running."""
        desk = self._desk
        port = desk.settings.metrics_port
        with ExitStack() as stack:
            if port is not None:
                try:
                    stack.enter_context(serve_metrics(desk.alerts.metrics, port))
                except TieoutError as error:
                    desk.log.warning("metrics_not_served", reason=error.message)
                    self._say(f"{error.message}; {error.hint}")
            yield
