"""Threads that a coroutine of a strategy waits for, and that the end of the bot does not."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Aside(ThreadPoolExecutor):
    """
    An executor whose threads are daemons, a new one for each call.

    Python waits at its end for every thread of an ordinary executor, so that a strategy that hangs in
    `asyncio.to_thread` would keep the bot from ending. A subclass, since a loop takes no other as its own.
    """

    def submit(self, call: Callable[..., Any], /, *values: Any, **named: Any) -> Future[Any]:
        """Call it in a thread of its own."""
        answer: Future[Any] = Future()

        def run() -> None:
            if not answer.set_running_or_notify_cancel():
                return
            try:
                answer.set_result(call(*values, **named))
            except BaseException as error:  # noqa: BLE001 - whoever waits for the answer gets it
                answer.set_exception(error)

        threading.Thread(target=run, name="tieout-strategy-aside", daemon=True).start()
        return answer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for nobody."""
