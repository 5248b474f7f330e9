"""What polars says about input that it cannot read, in a person's words."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import polars as pl

from tieout.errors import InputUnusable

_CHUNK_BYTES: Final = 1 << 20
_WORDS_MAX: Final = 200
_NOISE: Final = re.compile(r"\s*\n.*", re.DOTALL)


@contextmanager
def reading(name: str, files: Sequence[Path] = ()) -> Iterator[None]:
    """
    Errors of the block become InputUnusable with the input's name; `files` are looked through for what is not UTF-8.

    Raises:
        InputUnusable: the input cannot be read.
    """
    try:
        yield
    except (pl.exceptions.PolarsError, OSError, UnicodeError) as error:
        raise _explained(name, files, error) from error
    except BaseException as error:  # a panic of the reader is none of Exception
        if type(error).__name__ != "PanicException":
            raise
        raise _explained(name, files, error) from error


def _explained(name: str, files: Sequence[Path], error: BaseException) -> InputUnusable:
    said = _NOISE.sub("", str(error)).strip() or type(error).__name__
    if len(said) > _WORDS_MAX:
        said = said[: _WORDS_MAX - 3] + "..."
    if isinstance(error, FileNotFoundError):
        return InputUnusable(f"{name}: there is no such file", hint="check the path")
    if isinstance(error, PermissionError):
        return InputUnusable(f"{name} cannot be read: permission denied", hint="check the file's owner and mode")
    if "utf-8" in str(error).lower() or "utf8" in str(error).lower():
        for file in files:
            if place := _not_utf8(file):
                return InputUnusable(
                    f"{file}: {place} is not UTF-8; expected UTF-8 text", hint="save the file as UTF-8, then run again"
                )
    if cut := [file for file in files if _is_cut_parquet(file)]:
        return InputUnusable(
            f"{cut[0]} is not a whole Parquet file: its end is missing", hint="copy it again, or wait for its writer"
        )
    return InputUnusable(f"{name} cannot be read: {said}", hint="check that the file is whole and of that format")


def _not_utf8(file: Path) -> str | None:
    """Line and byte of the first place that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with file.open("rb") as raw:
        while chunk := raw.read(_CHUNK_BYTES):
            held = decoder.getstate()[0]
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                line += (held + chunk).count(b"\n", 0, error.start)
                return f"line {line}, byte 0x{error.object[error.start]:02x},"
            line += chunk.count(b"\n")
    held = decoder.getstate()[0]
    return f"line {line}, byte 0x{held[0]:02x}," if held else None


def _is_cut_parquet(file: Path) -> bool:
    if file.suffix.lower() not in {".parquet", ".pq"}:
        return False
    with file.open("rb") as raw:
        if raw.read(4) != b"PAR1":
            return False
        raw.seek(-4, 2)
        return raw.read(4) != b"PAR1"
