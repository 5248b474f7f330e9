"""
The mapping file: other names, types and nulls of either side, and what to compare, in YAML (docs/diff.md).

    key: [perm_id]
    fields: [price, status]
    tolerance: {price: 0.01}
    left:
      rename: {permId: perm_id}
      cast: {price: decimal, placed_at: {type: timestamp, zone: America/New_York}}
      "null": ["", N/A]
    right: {}
"""

from __future__ import annotations

import difflib
import zoneinfo
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from tieout.config import source as src
from tieout.errors import SettingsError

SIZE_BYTES_MAX: Final = 1_000_000
_STRICT: Final = ConfigDict(extra="forbid", frozen=True)

Kind = Literal["text", "integer", "float", "decimal", "boolean", "date", "time", "timestamp"]


class Cast(BaseModel):
    """What a column is to be read as. The other keys belong to `decimal` (scale) and `timestamp` (the rest)."""

    model_config = _STRICT

    type: Kind
    scale: Annotated[int, Field(ge=0, le=30)] = 12
    zone: str | None = None
    unit: Literal["s", "ms", "us", "ns"] = "ms"
    format: str | None = None

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str | None) -> str | None:
        if zone is not None and zone not in zoneinfo.available_timezones():
            raise ValueError("a time zone's name, as America/New_York or UTC")
        return zone


def _short_form(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


class SideMapping(BaseModel):
    """One side: `rename` (its name -> the name here), then `cast` and `null` by the names here."""

    model_config = _STRICT

    rename: dict[str, str] = {}
    cast: dict[str, Annotated[Cast, BeforeValidator(_short_form)]] = {}
    null: tuple[str, ...] = ()


class Mapping(BaseModel):
    """Both sides, and what the options of the command line would say; those win where both do."""

    model_config = _STRICT

    key: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    tolerance: dict[str, Annotated[Decimal, Field(ge=0)]] = {}
    time: str | None = None
    left: SideMapping = SideMapping()
    right: SideMapping = SideMapping()


def read_mapping(path: Path) -> Mapping:
    """
    Read and check the file.

    Raises:
        SettingsError: it is missing, not YAML, or anything in it is unknown or not as it must be, with its line.
    """
    try:
        raw = path.read_bytes()[: SIZE_BYTES_MAX + 1]
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}", hint="check the path of --mapping") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 text", hint="save the file as UTF-8") from error
    source = src.read_yaml(text)
    if source.problems:
        told = [f"{path}:{one.line or 1}: {one.text}" for one in source.problems]
        raise SettingsError("\n".join(told), hint="correct the file; docs/diff.md shows what it may say")
    return check_mapping(source.values, name=str(path), lines=source.lines)


def check_mapping(
    values: dict[str, Any], *, name: str = "mapping", lines: dict[src.Path, int] | None = None
) -> Mapping:
    """
    A mapping from plain values, as a program hands them over.

    Raises:
        SettingsError: anything in it is unknown or not as it must be.
    """
    try:
        return Mapping.model_validate(values)
    except ValidationError as error:
        told = [_told(one, name, lines or {}) for one in error.errors(include_url=False)]
        raise SettingsError("\n".join(told), hint="correct it; docs/diff.md shows what it may say") from error


def _told(details: ErrorDetails, name: str, lines: dict[src.Path, int]) -> str:
    path = tuple(part for part in details["loc"] if not str(part).startswith("function-"))
    line = lines.get(path)
    where = f"{name}:{line}" if line else name
    shown = ".".join(map(str, path))
    if details["type"] == "extra_forbidden":
        return f"{where}: {shown} is not a key; {_suggestion(path)}"
    said = details["msg"].removeprefix("Value error, ")
    return f"{where}: {shown} is {details['input']!r}; expected: {said[:1].lower()}{said[1:]}"


def _suggestion(path: tuple[int | str, ...]) -> str:
    model: type[BaseModel] = Mapping if len(path) == 1 else SideMapping if len(path) == 2 else Cast
    known = list(model.model_fields)
    near = difflib.get_close_matches(str(path[-1]), known, n=1)
    return f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
