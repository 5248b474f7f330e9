"""
Telling targets in the background, so that one that fails or hangs never delays the run.

1. `post` never waits. At most `QUEUE_MAX` messages wait; one more is not sent, and that is recorded.
2. The targets of one message are told side by side. One that has not answered after `SEND_TIMEOUT_S` counts as not
   told; while its thread still hangs, no other message is given to it. So there is at most one thread per target.
3. Each target of each message has exactly one outcome, told or why not: `close` settles what is left.
4. Threads are daemons: none keeps the program from ending.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tieout.alerts.targets import Message, Target

SEND_TIMEOUT_S: Final = 10.0
"""How long one target may take for one message."""
EXIT_WAIT_S: Final = 5.0
"""How long the end of a program waits for messages that are on their way."""
QUEUE_MAX: Final = 256
"""Messages that may wait."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message to one target; `why` is empty where it was told."""

    message: Message
    target: Target
    why: str


@dataclass(slots=True)
class _Letter:
    """One message and who is still to be told."""

    message: Message
    open: dict[str, Target] = field(default_factory=dict)


class Courier:
    """
    Takes messages to their targets.

    Args:
        tell: tells one target, in a thread of its own; the answer is why it was not told, or nothing.
        settled: called with each outcome, from any thread, one at a time.
    """

    def __init__(
        self,
        tell: Callable[[Target, Message], str],
        settled: Callable[[Outcome], None],
        *,
        send_timeout_s: float = SEND_TIMEOUT_S,
        queue_max: int = QUEUE_MAX,
    ) -> None:
        self._tell = tell
        self._settled = settled
        self.send_timeout_s = send_timeout_s
        self._queue_max = queue_max
        self._changed = threading.Condition()
        self._settling = threading.Lock()
        self._waiting: deque[_Letter] = deque()
        self._current: _Letter | None = None
        self._busy: set[str] = set()
        self._closed = False
        self._thread: threading.Thread | None = None

    def post(self, message: Message, targets: Sequence[Target]) -> None:
        """Have the targets told; returns at once."""
        if not targets:
            return
        letter = _Letter(message, {target.name: target for target in targets})
        with self._changed:
            refused = "the program is ending" if self._closed else ""
            if len(self._waiting) >= self._queue_max:
                refused = f"{self._queue_max} messages wait already"
            if not refused:
                self._waiting.append(letter)
                self._changed.notify_all()
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="tieout-alerts", daemon=True)
                    self._thread.start()
        if refused:
            self._settle_all(letter, refused)

    def flush(self, wait_s: float) -> bool:
        """Wait until every message posted is settled, at most so long; answers whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and self._current is None, wait_s)

    def close(self, wait_s: float = EXIT_WAIT_S) -> None:
        """Take no more messages, wait for those on their way, and settle the rest as not sent."""
        with self._changed:
            self._closed = True
        self.flush(wait_s)
        with self._changed:
            left = [*([] if self._current is None else [self._current]), *self._waiting]
            self._waiting.clear()
            self._changed.notify_all()
        for letter in left:
            self._settle_all(letter, "the program ended before it was sent")

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                self._current = letter = self._waiting.popleft()
            self._deliver(letter)
            with self._changed:
                self._current = None
                self._changed.notify_all()

    def _deliver(self, letter: _Letter) -> None:
        for target in list(letter.open.values()):
            with self._changed:
                hangs = target.name in self._busy
                self._busy.add(target.name)
            if hangs:
                self._settle(letter, target, "it still hangs on an earlier message")
                continue
            threading.Thread(
                target=self._tell_one, args=(letter, target), name=f"tieout-alerts-{target.name}", daemon=True
            ).start()
        deadline = time.monotonic() + self.send_timeout_s
        with self._changed:
            self._changed.wait_for(lambda: not letter.open, deadline - time.monotonic())
        self._settle_all(letter, f"no answer within {self.send_timeout_s:g} s")

    def _tell_one(self, letter: _Letter, target: Target) -> None:
        why = self._tell(target, letter.message)
        with self._changed:
            self._busy.discard(target.name)
        self._settle(letter, target, why)

    def _settle_all(self, letter: _Letter, why: str) -> None:
        for target in list(letter.open.values()):
            self._settle(letter, target, why)

    def _settle(self, letter: _Letter, target: Target, why: str) -> None:
        """The first outcome counts: an answer after its time is no second one."""
        with self._settling:
            if letter.open.get(target.name) is None:
                return
            self._settled(Outcome(letter.message, target, why))
            with self._changed:
                del letter.open[target.name]
                self._changed.notify_all()
