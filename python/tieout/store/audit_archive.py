"""
Audit rows past their retention: moved out of the book into a compressed file that the chain goes on proving.

    backups/audit/audit_YYYYMMDD_HHMMSS.jsonl.gz    one JSON object a row, every column, in the chain's order

The file is whole and on the disk before the book changes. Then one transaction appends an `archived` row, which
holds the file's SHA-256 and the hashes at both of its ends, and takes the rows out. After a kill in between, the
file is there and nothing rests on it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Final, Self

from sqlalchemy import func, select

from tieout.clock import NS_PER_S, file_stamp, to_iso
from tieout.errors import AuditBroken, BookError
from tieout.files import sync_folder
from tieout.store import engine, migrate
from tieout.store.audit import (
    ARCHIVED,
    COLUMNS,
    GENESIS,
    AuditEntry,
    Head,
    Row,
    append_audit,
    links,
    table_rows,
)
from tieout.store.tables import order_audit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

SUFFIX: Final = ".jsonl.gz"
NS_PER_DAY: Final = 86_400 * NS_PER_S
_SECONDS_TRIED: Final = 600
_LEVEL: Final = 6


@dataclass(frozen=True, slots=True)
class Archive:
    """
    An archive as its `archived` row tells of it.

    `first` and `last` are positions in the chain; `previous_hash` is the hash before the first row, `last_hash` that
    of the last one; `sha256` is the file's.
    """

    file: str
    sha256: str
    first: int
    last: int
    previous_hash: str
    last_hash: str

    @classmethod
    def of_row(cls, row: Row) -> Self:
        """
        What an `archived` row tells.

        Raises:
            ValueError: it does not tell it.
        """
        try:
            told = json.loads(row["after"])
            made = cls(**{field.name: told[field.name] for field in fields(cls)})
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"audit row {row['id']} names no archive") from error
        if "/" in made.file or type(made.first) is not int or type(made.last) is not int:
            raise ValueError(f"audit row {row['id']} names no archive")
        return made


def archives_named(connection: Connection) -> list[Archive]:
    """
    The archives that the rows in the book name, oldest first; older ones are named inside these.

    Raises:
        ValueError: an `archived` row was edited.
    """
    mine = order_audit.c.row.is_(None) & (order_audit.c.kind == ARCHIVED)
    query = select(order_audit.c.id, order_audit.c.after).where(mine).order_by(order_audit.c.id)
    return [Archive.of_row(dict(row)) for row in connection.execute(query).mappings()]


def archive_old(book: Path, folder: Path, *, keep_days: int, now_ns: int, approver: str) -> tuple[Archive, Head] | None:
    """
    Move the audit rows that are older than `keep_days` days into a new archive; None where there are none.

    Raises:
        AuditBroken: the rows are not what was written; they stay where they are.
        BookError: the book or the folder cannot be used; the rows stay where they are.
    """
    cutoff = to_iso(now_ns - keep_days * NS_PER_DAY)
    with engine.connect(book) as connection:
        with engine.read(connection):
            migrate.require_current(connection, book)
            last_id = _last_before(connection, cutoff)
            if last_id is None:
                return None
            before = _newest(connection)
            path = _free_name(folder, now_ns)
            made = _write(path, _rows_to(connection, last_id), before)
        # Whatever stops this, the file stays: taken away after a commit, it would be the only copy.
        with engine.write(connection):
            _require_same(connection, made, last_id=last_id, before=before)
            entry = AuditEntry(
                kind=ARCHIVED,
                entity="audit",
                approver=approver,
                reason=f"older than {keep_days} days",
                after=asdict(made),
            )
            head = append_audit(connection, [entry], now_ns=now_ns)
            connection.execute(order_audit.delete().where(order_audit.c.id <= last_id))
    return made, head


def read_archive(path: Path) -> Iterator[Row]:
    """
    An archive's rows.

    Raises:
        OSError, EOFError, ValueError: it cannot be read, is cut short, or is no archive.
    """
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if not isinstance(row, dict) or set(row) != set(COLUMNS):
                raise ValueError("a line is not an audit row")
            yield row


def file_sha256(path: Path) -> str:
    """SHA-256 of a finished archive. OSError where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _last_before(connection: Connection, cutoff: str) -> int | None:
    """The id up to which every row is older; a row behind a younger one stays, or the chain would have a hole."""
    young = select(func.min(order_audit.c.id)).where(order_audit.c.at >= cutoff)
    first_young = connection.execute(young).scalar()
    old = select(func.max(order_audit.c.id))
    if first_young is not None:
        old = old.where(order_audit.c.id < first_young)
    return connection.execute(old).scalar()


def _newest(connection: Connection) -> Archive | None:
    try:
        named = archives_named(connection)
    except ValueError as error:
        raise AuditBroken(str(error), hint="run `tieout audit verify`") from error
    return named[-1] if named else None


def _rows_to(connection: Connection, last_id: int) -> Iterator[Row]:
    for row in table_rows(connection):
        if row["id"] > last_id:
            return
        yield row


def _free_name(folder: Path, now_ns: int) -> Path:
    for second in range(_SECONDS_TRIED):
        path = folder / f"audit_{file_stamp(now_ns + second * NS_PER_S)}{SUFFIX}"
        if not path.exists():
            return path
    raise BookError(
        f"{folder} holds an archive for each of the next {_SECONDS_TRIED} seconds", hint="the clock may be set back"
    )


def _write(path: Path, rows: Iterable[Row], before: Archive | None) -> Archive:
    previous = GENESIS if before is None else before.last_hash
    first = 1 if before is None else before.last + 1
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    last, count = previous, 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(handle, "wb") as raw:  # noqa: PTH123 - a descriptor, not a path
            with gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=raw, mtime=0) as packed:
                for row in rows:
                    if not links(row, last):
                        raise AuditBroken(f"audit row {row['id']} is not what was written", hint=_VERIFY)
                    packed.write((json.dumps(row, ensure_ascii=False) + "\n").encode())
                    last, count = str(row["hash"]), count + 1
            raw.flush()
            os.fsync(raw.fileno())
        beside.replace(path)
        sync_folder(path.parent)
        return Archive(path.name, file_sha256(path), first, first + count - 1, previous, last)
    except OSError as error:
        raise BookError(
            f"the audit archive {path} cannot be written: {error.strerror or error}; nothing was moved",
            hint="check the folder's free space, owner and mode",
        ) from error
    finally:
        with suppress(OSError):
            beside.unlink()


def _require_same(connection: Connection, made: Archive, *, last_id: int, before: Archive | None) -> None:
    """What was copied is still what is there: another process may have archived meanwhile."""
    count = select(func.count()).select_from(order_audit).where(order_audit.c.id <= last_id)
    found = connection.execute(count).scalar_one()
    last = connection.execute(select(order_audit.c.hash).where(order_audit.c.id == last_id)).scalar()
    if (found, last, _newest(connection)) != (made.last - made.first + 1, made.last_hash, before):
        raise BookError("the audit changed while it was being archived; nothing was moved", hint="run it again")


_VERIFY: Final = "run `tieout audit verify`; nothing was moved"
