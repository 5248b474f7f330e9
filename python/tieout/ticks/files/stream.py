"""Ticks from one place in their order, and the failures of reading them in a person's words."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.errors import InputUnusable, TieoutError
from tieout.ticks.instruments import Instrument
from tieout.ticks.layout import TICK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tieout.broker.port import ContractSpec

FRAME: Final[dict[str, pl.DataType]] = {**TICK, "session": pl.UInt64()}
"""A piece of a stream: ticks, and when their recording began (0: not recorded by tieout)."""

_WORDS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Stream:
    """
    Ticks of one or several instruments, in the order in which they arrived.

    Attributes:
        shown: what it is, for messages.
        instruments: the contracts behind the numbers 0, 1, ... of its own frames.
        pieces: reads it anew: frames of schema `FRAME`, at most about so many rows each.
        rows: how many there are; None where nobody knows before they are read.
    """

    shown: str
    instruments: tuple[ContractSpec, ...]
    pieces: Callable[[int], Iterator[pl.DataFrame]]
    rows: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The instruments' names."""
        return tuple(Instrument(number, contract).name for number, contract in enumerate(self.instruments))


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """
    What goes wrong while a file is read becomes `InputUnusable` with its name.

    Raises:
        InputUnusable: it cannot be read.
    """
    try:
        yield
    except TieoutError:
        raise
    except (pl.exceptions.PolarsError, OSError, UnicodeError, ValueError) as error:
        raise _explained(path, error) from error
    except BaseException as error:  # a panic of the reader is none of Exception
        if type(error).__name__ != "PanicException":
            raise
        raise _explained(path, error) from error


def _explained(path: Path, error: BaseException) -> InputUnusable:
    if isinstance(error, FileNotFoundError):
        return InputUnusable(
            f"{path}: there is no such file", hint="check the path; `ticks compact` and retention remove files, too"
        )
    if isinstance(error, PermissionError):
        return InputUnusable(f"{path} cannot be read: permission denied", hint="check the file's owner and mode")
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    if "must end with PAR1" in said or "header and footer" in said:
        return InputUnusable(
            f"{path} is not a whole Parquet file: its end is missing", hint="copy it again, or take it away"
        )
    said = said if len(said) <= _WORDS_MAX else f"{said[: _WORDS_MAX - 3]}..."
    return InputUnusable(f"{path} cannot be read: {said}", hint="copy it again, or take it away")
