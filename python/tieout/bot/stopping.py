"""SIGTERM and SIGINT: noted, and whatever the main thread waits for at that moment is given up."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from tieout.broker.port import Broker


class Stopping:
    """Whether the bot was told to end."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._asking = False

    def is_set(self) -> bool:
        """Whether it was."""
        return self._event.is_set()

    def wait(self, seconds: float) -> None:
        """Wait so long, or until it is told to end."""
        self._event.wait(seconds)

    @contextmanager
    def giving_up(self) -> Iterator[None]:
        """Within the block a signal ends the question to the gateway that is under way, and every later one."""
        self._asking = True
        try:
            yield
        finally:
            self._asking = False

    @contextmanager
    def signals(self, line: Broker) -> Iterator[None]:
        """Take the signals for the block, in the main thread."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            self._event.set()
            line.wake()
            if self._asking:
                line.interrupt()

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
