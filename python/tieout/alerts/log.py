"""
logs/reconcile.log: one JSON object a line, `timestamp` (UTC, ISO-8601 Z), `level`, `event`, then the fields.

A line is written with one append, under a lock, and the file is closed again, so that the bot and the command line
can share it, and so that it can be rotated by renaming it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

from tieout.clock import to_iso
from tieout.errors import TieoutError

Level = Literal["debug", "info", "warning", "error", "critical"]
Clock = Callable[[], int]
"""Answers UTC nanoseconds."""

MODE: Final = 0o600


def append_line(path: Path, line: str, *, durable: bool = False) -> None:
    """
    Append a line with one write; an earlier line that a crash left half written is closed off first.

    Args:
        path: the file; it and its folder are made if they are not there.
        line: without its newline.
        durable: return only after the line is on the disk.

    Raises:
        TieoutError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, MODE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)  # else another's line, half written, looks like a torn one
            size = os.fstat(handle).st_size
            torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
            data = f"{chr(10) if torn else ''}{line}\n".encode("utf-8", "backslashreplace")
            if os.write(handle, data) != len(data):
                raise TieoutError(f"{path}: only part of a line could be written", hint="free some disk space")
            if durable:
                os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise TieoutError(
            f"{path}: cannot be written: {error.strerror}", hint="check the disk space and the permissions"
        ) from error


@dataclass(slots=True)
class Log:
    """An open log. `bind` gives one that repeats some fields on every line."""

    path: Path
    now: Clock
    fields: dict[str, object] = field(default_factory=dict)
    _logger: Any = None

    def bind(self, **fields: object) -> Log:
        """The same log with these fields on every line."""
        return Log(self.path, self.now, {**self.fields, **fields})

    def info(self, event: str, /, **fields: object) -> None:
        """Something happened as it should."""
        self.write("info", event, **fields)

    def warning(self, event: str, /, **fields: object) -> None:
        """Something the operator may want to look at."""
        self.write("warning", event, **fields)

    def error(self, event: str, /, **fields: object) -> None:
        """Something failed."""
        self.write("error", event, **fields)

    def write(self, level: Level, event: str, /, **fields: object) -> None:
        """
        Append one line.

        Raises:
            TieoutError: it cannot be written.
        """
        if self._logger is None:
            self._logger = _structlog(self.path, self.now)
        getattr(self._logger, level)(event, fields={**self.fields, **fields})


def open_log(path: Path, now: Clock) -> Log:
    """The log at that path. Nothing is opened or made before the first line."""
    return Log(path, now)


@dataclass(frozen=True, slots=True)
class _Appender:
    path: Path

    def msg(self, line: str) -> None:
        append_line(self.path, line)

    debug = info = warning = error = critical = msg


def _structlog(path: Path, now: Clock) -> Any:
    import structlog  # a tenth of the start-up of a command that writes no log

    def stamp(_logger: object, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        head = {"timestamp": to_iso(now()), "level": level, "event": event["event"]}
        fields: dict[str, Any] = event["fields"]
        return {**head, **{f"field_{key}" if key in head else key: value for key, value in fields.items()}}

    return structlog.wrap_logger(
        _Appender(path),
        processors=[stamp, structlog.processors.JSONRenderer(to_json)],
        wrapper_class=structlog.make_filtering_bound_logger(0),
        cache_logger_on_first_use=False,
    )


def to_json(value: object, **_: object) -> str:
    """One line of JSON; what JSON has no word for goes as text."""
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: object) -> object:
    if isinstance(value, Decimal | Path):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    return repr(value)
