"""
`data/flex`: the statements that were taken, each file under its SHA-256, with what is said about it beside it.

The file is written first, what is said about it last, both by rename: a statement is kept once its second file is
there. It is read again, and its hash compared, at every stage; one that is damaged is a hole in the evidence, because
what it told before would otherwise look like absence.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from tieout.broker.flex.read import Document, Reading, read_statement
from tieout.broker.flex.rows import executions
from tieout.broker.flex.times import REPORT_ZONE, report_day
from tieout.clock import NS_PER_S, from_iso, now_ns, to_iso
from tieout.errors import StatementUnusable, TieoutError
from tieout.files import pretty_json, write_atomically
from tieout.model import Part, Statement

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

CONFIRMS_LAG_S: Final = 3_600
"""IB shows an execution in trade confirmations "typically within 5 to 10 minutes": an hour is not claimed."""
_TURN: Final = time(17)
"""When the trade date turns at US exchanges, New York time: a later execution is in the next day's report."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is said about a kept file. Days are ISO dates, times ISO-8601 Z; `by` is who took it, `origin` whence."""

    statement_id: str
    account: str
    kind: str
    query_name: str
    first_day: str
    last_day: str
    generated_at: str
    executions: int
    left_out: int
    kept_at: str
    by: str
    origin: str

    @property
    def kept_ns(self) -> int:
        """When it was taken."""
        return from_iso(self.kept_at)


def keep(folder: Path, data: bytes, document: Document, *, by: str, origin: str, zone: str, at_ns: int) -> Kept:
    """
    Keep a file that was read; one that is kept already stays as it is.

    Raises:
        DiskError: it cannot be written.
    """
    found, dropped = executions(document, zone=zone)
    kept = Kept(
        statement_id=document.statement_id,
        account=document.account,
        kind=document.kind,
        query_name=document.query_name,
        first_day=document.first_day.isoformat(),
        last_day=document.last_day.isoformat(),
        generated_at=to_iso(document.generated_ns),
        executions=found.height,
        left_out=document.left_out + dropped,
        kept_at=to_iso(at_ns),
        by=by,
        origin=origin,
    )
    write_atomically(_file(folder, kept.statement_id), data)
    write_atomically(_about(folder, kept.statement_id), pretty_json(asdict(kept)))
    return kept


def kept_files(folder: Path) -> list[Kept]:
    """
    What is kept, in the order of its days.

    Raises:
        StatementUnusable: what is said about one cannot be read.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(Kept(**json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError) as error:
            raise StatementUnusable(
                f"{path} cannot be read: {error}",
                hint=f"`tieout flex forget {path.stem[:12]}`, then import the statement again",
            ) from error
    return sorted(found, key=lambda one: (one.first_day, one.last_day, one.generated_at, one.statement_id))


def forget(folder: Path, prefix: str) -> str:
    """
    Remove a kept statement; answers its id.

    Raises:
        StatementUnusable: none or several begin so.
    """
    names = {path.stem for pattern in ("*.json", "*.xml") for path in folder.glob(pattern)}
    found = sorted(name for name in names if len(prefix) >= 6 and name.startswith(prefix))
    if len(found) != 1:
        raise StatementUnusable(
            f"{'no' if not found else 'more than one'} kept statement begins with {prefix!r}",
            hint="name at least 6 digits of one that `tieout flex list` shows",
        )
    _about(folder, found[0]).unlink(missing_ok=True)
    _file(folder, found[0]).unlink(missing_ok=True)
    return found[0]


def kept_statements(folder: Path, account: str, *, zone: str) -> tuple[tuple[Statement, ...], Part | None]:
    """
    The kept statements of that account, read again, and what they are worth together as evidence.

    Returns:
        The statements that can be used, and the part `flex`: None where nothing is kept for the account, failed
        where one cannot be used any more.
    """
    asked_at_ns = now_ns()
    if not folder.is_dir():
        return (), None
    problems: list[str] = []
    found: list[Statement] = []
    try:
        kept = [one for one in kept_files(folder) if one.account == account]
    except StatementUnusable as error:
        return (), Part("flex", asked_at_ns, None, None, 0, f"{error.message}; {error.hint}")
    for one in kept:
        try:
            found.append(_again(folder, one, zone=zone))
        except (TieoutError, OSError) as error:
            problems.append(f"the kept statement {one.statement_id[:12]} cannot be used: {error}")
    if not kept:
        return (), None
    rows = sum(one.executions.height for one in found)
    why = f"{'; '.join(problems)}; `tieout flex forget ID`, then import it again" if problems else None
    return tuple(found), Part("flex", asked_at_ns, now_ns(), None, rows, why)


def _again(folder: Path, kept: Kept, *, zone: str) -> Statement:
    data = _file(folder, kept.statement_id).read_bytes()
    if hashlib.sha256(data).hexdigest() != kept.statement_id:
        raise StatementUnusable("its file is not the one that was kept")
    return statement_of(read_statement(data, Reading(frozenset({kept.account}), zone)), zone=zone)


def statement_of(document: Document, *, zone: str) -> Statement:
    """The statement that a document comes to."""
    found, _ = executions(document, zone=zone)
    until_ns = None
    if document.kind == "confirms" and document.last_day >= report_day(document.generated_ns):
        told_ns = document.generated_ns - CONFIRMS_LAG_S * NS_PER_S
        until_ns = min(told_ns, turn_ns(document.last_whole_day + timedelta(days=1)))
    return Statement(
        statement_id=document.statement_id,
        account=document.account,
        kind=document.kind,
        first_day=document.first_day,
        last_day=document.last_day,
        last_whole_day=document.last_whole_day,
        generated_ns=document.generated_ns,
        covers_until_ns=until_ns,
        executions=found,
    )


def turn_ns(day: date) -> int:
    """When that trade date is over in New York, UTC nanoseconds."""
    return int(datetime.combine(day, _TURN, ZoneInfo(REPORT_ZONE)).timestamp()) * NS_PER_S


def _file(folder: Path, statement_id: str) -> Path:
    return folder / f"{statement_id}.xml"


def _about(folder: Path, statement_id: str) -> Path:
    return folder / f"{statement_id}.json"
