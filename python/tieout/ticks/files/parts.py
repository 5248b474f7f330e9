"""
How recorded ticks lie on the disk: folders, file names, columns, and what each file says of itself.

    FOLDER/date=2026-11-27/instrument=ESZ6/part-....parquet

`date` is the UTC day of `received_ns`. Both are Hive partitions: polars, DuckDB and pyarrow read them as columns, so
the files themselves have every column of `TICK` but `instrument`, and `session` beside them. Nothing but whole Parquet
files ever lies below FOLDER; locks and drafts are in a hidden folder beside it. docs/ticks_files.md
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote

import polars as pl

from tieout.broker.port import ContractSpec
from tieout.clock import NS_PER_S
from tieout.errors import InputUnusable
from tieout.ticks.instruments import Instrument
from tieout.ticks.layout import TICK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

VERSION: Final = "tieout-ticks/1"
"""What a file's metadata has under `tieout.schema`; another number is another set of columns or meanings."""

COLUMNS: Final[dict[str, pl.DataType]] = {
    **{name: dtype for name, dtype in TICK.items() if name != "instrument"},
    "session": pl.UInt64(),
}
"""The columns of a part. `session`: when the recording began, UTC ns; `sequence` counts within one, per connection."""

ROW_GROUP_ROWS: Final = 131_072
"""About 2 MB compressed: enough for a reader to skip by time and to use all processors."""

DAY_NS: Final = 86_400 * NS_PER_S
DAY_FOLDER: Final = "date="
INSTRUMENT_FOLDER: Final = "instrument="

Kind = Literal["part", "day"]

_SCHEMA_KEY: Final = "tieout.schema"
_INSTRUMENT_KEY: Final = "tieout.instrument"
_SCALE_KEY: Final = "tieout.price_scale"
_REPLACES_KEY: Final = "tieout.replaces"
_CONTENT_KEY: Final = "tieout.content"


@dataclass(frozen=True, slots=True)
class Label:
    """
    What a part says of itself.

    Attributes:
        instrument: as the recording numbered it.
        replaces: the parts of the same folder that it stands for.
        content: how many rows it has, and their digest (`files.content.digest_of`); None where nobody said.
    """

    instrument: Instrument
    replaces: tuple[str, ...] = ()
    content: tuple[int, int] | None = None

    def to_metadata(self) -> dict[str, str]:
        """The file's key-value metadata."""
        contract = {key: _plain(value) for key, value in asdict(self.instrument.contract).items() if value is not None}
        told = {"number": self.instrument.number, "name": self.instrument.name, "contract": contract}
        found = {_SCHEMA_KEY: VERSION, _INSTRUMENT_KEY: json.dumps(told), _SCALE_KEY: "1e-8"}
        if self.content is not None:
            found[_CONTENT_KEY] = json.dumps(self.content)
        if self.replaces:
            found[_REPLACES_KEY] = json.dumps(self.replaces)
        return found


def label_of(path: Path, metadata: Mapping[str, str]) -> Label | None:
    """
    What a file says of itself; None where it is no recording of tieout's.

    Raises:
        InputUnusable: another schema version, or a label that cannot be read.
    """
    version = metadata.get(_SCHEMA_KEY)
    if version is None:
        return None
    if version != VERSION:
        raise InputUnusable(
            f"{path} has the schema {version!r}; expected {VERSION}", hint="read it with the tieout that wrote it"
        )
    try:
        told = json.loads(metadata[_INSTRUMENT_KEY])
        contract = told["contract"]
        for name in ("strike", "multiplier"):
            if name in contract:
                contract[name] = Decimal(contract[name])
        instrument = Instrument(int(told["number"]), ContractSpec(**contract))
        replaces = tuple(str(name) for name in json.loads(metadata.get(_REPLACES_KEY, "[]")))
        content = json.loads(metadata[_CONTENT_KEY]) if _CONTENT_KEY in metadata else None
        counted = None if content is None else (int(content[0]), int(content[1]))
    except (KeyError, IndexError, ValueError, TypeError, ArithmeticError) as error:
        raise InputUnusable(
            f"{path}: its metadata does not say which instrument it is of", hint="copy it again from where it was made"
        ) from error
    return Label(instrument, replaces, counted)


def day_of(received_ns: int) -> date:
    """The UTC day of a time."""
    return datetime.fromtimestamp(received_ns // NS_PER_S, UTC).date()


def part_name(first_ns: int, session: int, number: int, *, kind: Kind = "part") -> str:
    """A part's name; `day` is one that `ticks compact` wrote, `session` then when it did. No two ever have the same."""
    return f"{kind}-{first_ns:019d}-{session:019d}-{number:06d}.parquet"


def in_order(path: Path) -> tuple[int, str, Path]:
    """The key by which an instrument's parts are sorted: when the first tick came, as the name says."""
    first = path.name.split("-")[1:2]
    return (int(first[0]) if first and first[0].isdigit() else 0, path.name, path)


def folder_of(root: Path, day: date, name: str) -> Path:
    """Where an instrument's parts of a day are; what a path cannot hold is percent-encoded, as Hive does."""
    return root / f"{DAY_FOLDER}{day.isoformat()}" / f"{INSTRUMENT_FOLDER}{quote(name, safe='')}"


def day_folders(root: Path) -> dict[date, Path]:
    """The days of a recording, oldest first."""
    found: dict[date, Path] = {}
    for path in sorted(root.glob(f"{DAY_FOLDER}*")):
        try:
            day = date.fromisoformat(path.name.removeprefix(DAY_FOLDER))
        except ValueError:
            continue
        if path.is_dir() and not path.is_symlink():
            found[day] = path
    return found


def folder_names(instruments: Iterable[Instrument]) -> dict[int, str]:
    """Number -> folder name: the instrument's own, or where several share it, with the contract's id behind."""
    known = list(instruments)
    shared = Counter(one.name for one in known)
    return {one.number: one.name if shared[one.name] == 1 else _told_apart(one) for one in known}


def _told_apart(one: Instrument) -> str:
    return f"{one.name}~{one.number if one.contract.con_id is None else one.contract.con_id}"


def work_folder(root: Path) -> Path:
    """The hidden folder beside a recording that holds its locks and drafts."""
    return root.parent / f".{root.name}.writing"


def _plain(value: Any) -> object:
    return str(value) if isinstance(value, Decimal) else value
