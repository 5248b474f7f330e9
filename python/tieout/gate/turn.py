"""One at a time at the broker's connection, and whoever only listens gives way."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tieout.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LOOK_S: Final = 0.2
"""How often one who waits looks whether he is to give up."""


class Turn:
    """
    A lock of one thread (it may take it again) that a listener holds only while nobody else wants it.

    Args:
        wake: ends the listener's wait at the broker.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._lock = threading.RLock()
        self._wake = wake
        self._counting = threading.Condition()
        self._wanting = 0

    @contextmanager
    def take(self, give_up: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """
        Have the turn for the block.

        Raises:
            Interrupted: `give_up` came true while somebody else had it.
        """
        if not self._lock.acquire(blocking=False):
            self._wait(give_up)
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def listen(self) -> Iterator[bool]:
        """Have the turn, if nobody else has or wants it; answers whether that is so, after a moment at most."""
        with self._counting:
            free = self._counting.wait_for(lambda: self._wanting == 0, timeout=_LOOK_S)
        mine = free and self._lock.acquire(timeout=_LOOK_S)
        try:
            yield mine
        finally:
            if mine:
                self._lock.release()

    def _wait(self, give_up: Callable[[], bool]) -> None:
        with self._counting:
            self._wanting += 1
        try:
            self._wake()
            while not self._lock.acquire(timeout=_LOOK_S):
                if give_up():
                    raise Interrupted("an order is on its way; it was not waited for", hint="start the program again")
        finally:
            with self._counting:
                self._wanting -= 1
                self._counting.notify_all()
