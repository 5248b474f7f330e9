"""Fewer messages a second than IB takes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

MESSAGES_MAX: Final = 40
"""IB takes 50 a second over all requests of a client; the rest is for questions."""
WINDOW_NS: Final = 1_000_000_000


class Pace:
    """
    A sliding window over the messages of the last second.

    Args:
        now: a clock that only goes forward, nanoseconds.
        wait: waits so many seconds.
    """

    def __init__(
        self, *, now: Callable[[], int] = time.monotonic_ns, wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._now = now
        self._wait = wait
        self._sent: deque[int] = deque()

    def take(self, messages: int) -> None:
        """Count so many messages, waiting until they fit."""
        while (delay_ns := self._delay_ns(messages)) > 0:
            self._wait(delay_ns / WINDOW_NS)
        self._sent.extend([self._now()] * messages)

    def _delay_ns(self, messages: int) -> int:
        now = self._now()
        while self._sent and self._sent[0] <= now - WINDOW_NS:
            self._sent.popleft()
        over = len(self._sent) + messages - MESSAGES_MAX
        return 0 if over <= 0 else self._sent[over - 1] + WINDOW_NS - now
