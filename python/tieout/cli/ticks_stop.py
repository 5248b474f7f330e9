"""Ctrl-C and SIGTERM as a wish that a command looks at, so that files are closed before it ends."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """
    An event that the first SIGINT or SIGTERM sets. A second SIGINT is KeyboardInterrupt, as ever.

    Outside of the main thread, where no handler can be set, nothing sets it.
    """
    wished = threading.Event()

    def wish(_number: int, _frame: FrameType | None) -> None:
        wished.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield wished
        return
    before = {number: signal.signal(number, wish) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield wished
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
