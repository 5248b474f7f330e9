"""
One message: a batch of ticks as an Arrow IPC stream, and a head that says where it stands in the account.

The message id is the feed's id, 128 random bits, and the message's number: JetStream keeps one of two with one id.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from io import BytesIO
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.errors import InputUnusable
from tieout.ticks.layout import TICK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tieout.ticks.instruments import Instruments

VERSION: Final = 1
"""Of head and columns together; a reader refuses another one."""

SENT: Final[dict[str, pl.DataType]] = {"name": pl.Categorical()} | TICK
"""What a message holds: `TICK`, and the instrument's name, since its number means something in its own feed only."""

PREFIX: Final = "Tieout-"
MSG_ID: Final = "Nats-Msg-Id"
ROW_BYTES: Final = 128
"""More than a row takes, names included."""


@dataclass(frozen=True, slots=True)
class Head:
    """
    What a message says of itself and of everything before it. Counts are ticks.

    Attributes:
        feed: the id of one run of one publisher.
        number: 1, 2, 3, ... within the feed.
        rows: in this message; 0 in the last one, which only closes the account.
        published: in the messages up to this one.
        first_sequence, last_sequence: the ring's numbers of its first and last tick; 0 where there is none.
        taken: given to the publisher by the time it was made.
        lost: of those, given up by the publisher, because too many waited.
        produced: pushed into the ring by that time; None where the publisher was not told of a ring.
        dropped, conflated: of those, lost in the ring.
        end: whether the feed ended with it.
    """

    feed: str
    number: int
    rows: int
    published: int
    first_sequence: int
    last_sequence: int
    taken: int
    lost: int
    produced: int | None
    dropped: int
    conflated: int
    end: bool

    def headers(self) -> dict[str, str]:
        """As NATS headers."""
        named = {name: getattr(self, name) for name in _NAMES}
        told = {_header(name): str(int(value) if isinstance(value, bool) else value) for name, value in named.items()
                if value is not None}  # fmt: skip
        return told | {f"{PREFIX}Version": str(VERSION), MSG_ID: f"{self.feed}.{self.number}"}

    @classmethod
    def of(cls, headers: Mapping[str, str] | None) -> Head:
        """
        The head of a message.

        Raises:
            InputUnusable: it is no message of ours, or of another version.
        """
        told = headers or {}
        version = told.get(f"{PREFIX}Version")
        if version != str(VERSION):
            found = "no message of tieout's" if version is None else f"a message of version {version}"
            raise InputUnusable(
                f"{found}; expected version {VERSION}", hint="is the subject the publisher's, and are both up to date?"
            )
        try:
            counts = {name: int(told[_header(name)]) for name in _NAMES if name not in ("feed", "produced", "end")}
            produced = told.get(_header("produced"))
            return cls(
                feed=told[_header("feed")],
                produced=None if produced is None else int(produced),
                end=told[_header("end")] == "1",
                **counts,
            )
        except (KeyError, ValueError) as error:
            raise InputUnusable(f"a message's head cannot be read: {error}") from error


_NAMES: Final = tuple(field.name for field in fields(Head))


def _header(name: str) -> str:
    return PREFIX + "-".join(word.capitalize() for word in name.split("_"))


def named(ticks: pl.DataFrame, instruments: Instruments) -> pl.DataFrame:
    """The ticks, schema `TICK`, with their instruments' names: schema `SENT`."""
    names = {number: instruments.of(number).name for number in ticks["instrument"].unique()}
    name = pl.col("instrument").replace_strict(names, return_dtype=pl.String).cast(pl.Categorical)
    return ticks.select(name.alias("name"), *TICK)


def encoded(ticks: pl.DataFrame) -> bytes:
    """An Arrow IPC stream that any Arrow reads."""
    buffer = BytesIO()
    ticks.write_ipc_stream(buffer, compat_level=pl.CompatLevel.oldest())
    return buffer.getvalue()


def decoded(data: bytes) -> pl.DataFrame:
    """
    The ticks of a message, schema `SENT`.

    Raises:
        InputUnusable: the bytes are not such a stream, or have other columns.
    """
    try:
        ticks = pl.read_ipc_stream(BytesIO(data))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputUnusable(f"a message of {len(data)} bytes is no Arrow IPC stream: {error}") from error
    if list(ticks.columns) != list(SENT):
        raise InputUnusable(f"a message has the columns {', '.join(ticks.columns)}; expected {', '.join(SENT)}")
    return ticks.cast(dict(SENT))  # type: ignore[arg-type] # polars takes types by name
