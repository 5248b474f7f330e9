"""
A Flex statement's bytes, read and checked: `read_statement`.

1. ibflex parses. It raises on a value that it does not know (a new order type, a new note), and only warns of a new
   attribute or section: so it is shown what is needed and nothing else, and what IB adds changes nothing.
2. Nothing is taken on trust: cut off, not XML, another query's type, a section or field that was not ticked, a count
   that does not agree: each is an error that says what to do, and nothing is kept.
3. A statement speaks for whole days before the one on which it was generated (T+1); trade confirmations for the day
   itself too, up to an hour before.

Sources: IB's Flex Web Service guide and reporting reference; ibflex's types.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from tieout.broker.flex.fields import (
    KINDS,
    LABELS,
    QUERY,
    RAW,
    READ,
    REQUIRED,
    STATEMENT,
    TIMES,
    WANTED,
    WITH_TIME,
    Kind,
)
from tieout.broker.flex.times import REPORT_ZONE, report_day, split_zone, utc_ns
from tieout.clock import to_iso
from tieout.errors import StatementUnusable

if TYPE_CHECKING:
    from collections.abc import Collection

    from ibflex.Types import FlexStatement

SIZE_BYTES_MAX: Final = 512 * 1024 * 1024
_NOTHING: Final = "nothing was kept"
_FORMATS: Final = "choose yyyyMMdd or yyyy-MM-dd for dates and HHmmss or HH:mm:ss for times"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a statement is read: whose, and in which zone its bare times are."""

    accounts: frozenset[str] = frozenset()
    """Whose statement is wanted; none named: the file's only one."""
    zone: str = REPORT_ZONE


@dataclass(frozen=True, slots=True)
class TradeRow:
    """One trade: ibflex's values beside the words and zones that it was not shown."""

    values: object
    words: dict[str, str]
    zones: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Document:
    """
    A statement that was read: one account of one file.

    `first_day` and `last_day` are what the statement says it is about; `trades` are its single executions.
    `left_out` counts rows that are no executions: sums, closed lots, exercises and the like.
    """

    statement_id: str
    account: str
    kind: Kind
    query_name: str
    first_day: date
    last_day: date
    generated_ns: int
    trades: tuple[TradeRow, ...]
    left_out: int
    lacks: tuple[str, ...]
    """Fields that would tell more and are not ticked."""

    @property
    def last_whole_day(self) -> date:
        """The last day that it can speak for as a whole: before the one on which it was generated."""
        return min(self.last_day, report_day(self.generated_ns) - timedelta(days=1))


def read_statement(data: bytes, reading: Reading) -> Document:
    """
    The statement in those bytes.

    Raises:
        StatementUnusable: what they are instead, and what to do.
    """
    root = _root(data)
    kind, section, row_tag = _kind(root)
    element = _account_of(root, reading.accounts)
    rows, left_out, lacks = _rows(element, kind, section=section, row_tag=row_tag)
    statement, trades = _parsed(element, rows, section=section)
    zone = split_zone(element.get("whenGenerated", ""))[1]
    generated_ns = utc_ns(statement.whenGenerated, zone, default_zone=reading.zone)
    if generated_ns is None:
        raise StatementUnusable(
            f"the statement says it was generated at {element.get('whenGenerated')!r}, which names no one moment",
            hint=f"fetch it again later; {_NOTHING}",
        )
    first, last = statement.fromDate, statement.toDate
    if first > last or first > report_day(generated_ns):
        raise StatementUnusable(
            f"the statement is about {first} to {last}, and was generated at {to_iso(generated_ns)}: that is no period",
            hint=f"fetch it again; {_NOTHING}",
        )
    return Document(
        statement_id=hashlib.sha256(data).hexdigest(),
        account=statement.accountId,
        kind=kind,
        query_name=root.get("queryName", ""),
        first_day=first,
        last_day=last,
        generated_ns=generated_ns,
        trades=trades,
        left_out=left_out,
        lacks=lacks,
    )


def _root(data: bytes) -> ET.Element:
    if len(data) > SIZE_BYTES_MAX:
        raise StatementUnusable(f"the file is larger than {SIZE_BYTES_MAX} bytes", hint="ask for a shorter period")
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise StatementUnusable(
            "the file is not XML; expected a Flex statement",
            hint=f"choose XML as the format ({QUERY}); {_NOTHING}",
        )
    try:
        root = ET.fromstring(data)
    except (ET.ParseError, ValueError, LookupError) as error:
        raise StatementUnusable(
            f"the file is XML that breaks off or is damaged: {error}",
            hint=f"download it again, whole; {_NOTHING}",
        ) from error
    if root.tag == "FlexStatementResponse":
        code, text = root.findtext("ErrorCode"), root.findtext("ErrorMessage")
        raise StatementUnusable(
            f"the file is an answer of the Flex service, not a statement (error {code}: {text})",
            hint=f"wait, then fetch it again with `tieout flex fetch`; {_NOTHING}",
        )
    if root.tag != "FlexQueryResponse":
        raise StatementUnusable(
            f"the file's outermost element is <{root.tag[:60]}>; expected <FlexQueryResponse>",
            hint=f"`tieout flex import` takes the XML of a Flex query; {_NOTHING}",
        )
    return root


def _kind(root: ET.Element) -> tuple[Kind, str, str]:
    found = KINDS.get(root.get("type", ""))
    if found is None:
        raise StatementUnusable(
            f"the query is of type {root.get('type')!r}; expected AF (activity) or TCF (trade confirmations)",
            hint=f"make an Activity Flex Query or a Trade Confirmation Flex Query; {_NOTHING}",
        )
    return found


def _account_of(root: ET.Element, wanted: Collection[str]) -> ET.Element:
    """The one statement that is about a wanted account."""
    wrapper = root.find("FlexStatements")
    statements = [] if wrapper is None else wrapper.findall("FlexStatement")
    count = None if wrapper is None else wrapper.get("count")
    if wrapper is None or not statements or (count is not None and count != str(len(statements))):
        raise StatementUnusable(
            f"the file says that it holds {count or 'some'} statements and holds {len(statements)}",
            hint=f"download it again, whole; {_NOTHING}",
        )
    held = [one.get("accountId") or "(unnamed)" for one in statements]
    ours = [one for one in statements if not wanted or one.get("accountId") in wanted]
    if len(ours) != 1:
        found = ", ".join(sorted(set(held)))
        meant = ", ".join(sorted(wanted)) if wanted else "one account only"
        raise StatementUnusable(
            f"the file is about {found}{' more than once' if len(set(held)) < len(held) else ''}; expected {meant}",
            hint=f"set BROKER.account, or fetch the statement of that account; {_NOTHING}",
        )
    missing = [name for name in STATEMENT if name not in ours[0].keys()]  # noqa: SIM118 - an Element is no dict
    if missing:
        raise StatementUnusable(
            f"the statement does not say its {', '.join(missing)}",
            hint=f"fetch it again from IB, unchanged; {_NOTHING}",
        )
    return ours[0]


def _rows(
    element: ET.Element, kind: Kind, *, section: str, row_tag: str
) -> tuple[list[ET.Element], int, tuple[str, ...]]:
    """The section's executions, how many other rows it has, and the fields that it would be better to have."""
    found = element.find(section)
    if found is None:
        raise StatementUnusable(
            f"the statement has no section {section}",
            hint=f"{QUERY}, add the section {section} with Executions; {_NOTHING}",
        )
    rows = [row for row in found if row.tag == row_tag and row.get("levelOfDetail", "EXECUTION") == "EXECUTION"]
    if len(found) and not rows:
        levels = ", ".join(sorted({row.get("levelOfDetail", row.tag) for row in found}))
        raise StatementUnusable(
            f"the section {section} holds {levels} and no executions",
            hint=f"{QUERY}, section {section}: tick Executions; {_NOTHING}",
        )
    missing = [name for name in REQUIRED[kind] if any(name not in row.keys() for row in rows)]  # noqa: SIM118
    if missing:
        raise StatementUnusable(
            f"the section {section} lacks {', '.join(missing)}",
            hint=f"{QUERY}, section {section}: tick {', '.join(LABELS.get(n, n) for n in missing)}; {_NOTHING}",
        )
    lacks = tuple(LABELS.get(n, n) for n in WANTED if rows and not any(n in row.keys() for row in rows))  # noqa: SIM118
    return rows, len(found) - len(rows), lacks


def _parsed(element: ET.Element, rows: list[ET.Element], *, section: str) -> tuple[FlexStatement, tuple[TradeRow, ...]]:
    """The statement and its rows through ibflex, which is shown only what is needed."""
    from ibflex import parser

    shown = {name: element.get(name, "") for name in STATEMENT}
    shown["whenGenerated"] = split_zone(shown["whenGenerated"])[0]
    _refuse_slashes({name: shown[name] for name in ("fromDate", "toDate", "whenGenerated")})
    outer = ET.Element("FlexStatement", shown)
    inner = ET.SubElement(outer, section)
    words, zones = [], []
    for row in rows:
        words.append({name: row.get(name, "").strip() for name in RAW | {"tradeID", "origTradeID"}})
        known = {name: value for name, value in row.items() if name in READ - RAW}
        split = {name: split_zone(known.pop(name)) for name in TIMES if known.get(name)}
        stamps = {name: stamp for name, (stamp, _) in split.items() if WITH_TIME.fullmatch(stamp)}
        _refuse_slashes(stamps | {"expiry": known.get("expiry", "")})
        ET.SubElement(inner, row.tag, known | stamps)
        zones.append({name: zone for name, (_, zone) in split.items()})
    try:
        statement = parser.parse_data_element(outer)
    except (parser.FlexParserError, AssertionError, TypeError, ValueError) as error:
        raise StatementUnusable(
            f"the statement holds a value that cannot be read: {str(error)[:300]}",
            hint=f"{_FORMATS} ({QUERY}); {_NOTHING}",
        ) from error
    values = getattr(statement, section)
    trades = tuple(TradeRow(*one) for one in zip(values, words, zones, strict=True))
    return statement, trades  # type: ignore[return-value]  # the element is a FlexStatement


def _refuse_slashes(texts: dict[str, str]) -> None:
    """03/04/2026 is a day in March to some and in April to others."""
    for name, text in texts.items():
        if "/" in text.partition(";")[0]:
            raise StatementUnusable(
                f"{name} is {text!r}, which may be two different days", hint=f"{_FORMATS} ({QUERY}); {_NOTHING}"
            )
