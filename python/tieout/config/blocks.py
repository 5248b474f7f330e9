"""
The blocks of config/local_reconcile.yml, one class each; keys, units and limits.

Every model is strict (no value is bent into another type), frozen, and refuses keys it does not know. A
default is the safest value. Lines and wording of errors are `tieout.config.load`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializationInfo,
    field_serializer,
    model_validator,
)

from tieout.config.source import decimal_of
from tieout.fixed import to_e8
from tieout.flags import MatchRules

ID_MAX: Final = 2**31 - 1
"""IB's client and order ids are 32-bit signed."""

_MEANT: Final = frozenset({103, 201, 202, 321, 326, 1100, 1101, 1102, 2110, 10147, 10148})
"""Codes of IB that change what is known: nobody may call them harmless."""

Severity = Literal["INFO", "MEDIUM", "HIGH", "CRITICAL"]


def _decimal(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, str):
        number = decimal_of(value)
        return value if number is None else number
    return value


def _seconds(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _harmless(found: tuple[int, ...]) -> tuple[int, ...]:
    if meant := sorted(_MEANT & set(found)):
        raise ValueError(f"codes that only inform; {', '.join(map(str, meant))} never do")
    return found


def _path(value: str) -> str:
    if value.startswith("~"):
        raise ValueError("a path without ~ (it is not expanded)")
    if any(ord(c) < 32 for c in value):
        raise ValueError("a path without control characters")
    return value


def _e8(value: Decimal) -> Decimal:
    if to_e8(value) is None:
        raise ValueError("a number of at most 8 decimal places")
    return value


def _client_id(value: int) -> int:
    if value < 1:
        raise ValueError("1 or more (a connection with client id 0 binds manual orders, that is, changes them)")
    return value


def _no_blanks(value: tuple[str, ...]) -> tuple[str, ...]:
    if not all(item.strip() for item in value):
        raise ValueError("no empty entries")
    return value


def _wall_time(value: str) -> str:
    hours, colon, minutes = value.partition(":")
    digits = hours + minutes
    fits = len(hours) == len(minutes) == 2 and digits.isascii() and digits.isdigit()
    if not (colon and fits and int(hours) < 24 and int(minutes) < 60):
        raise ValueError("a time as HH:MM, from 00:00 to 23:59, or null")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("a time zone such as America/New_York, or null") from error
    return value


Exact = Annotated[Decimal, BeforeValidator(_decimal)]
Percent = Annotated[Exact, Field(gt=0, le=100)]
Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=86_400)]
WholeSeconds = Annotated[int, Field(ge=1, le=86_400)]
PathText = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(_path)]
Port = Annotated[int, Field(ge=1, le=65_535)]
ClientId = Annotated[int, Field(le=ID_MAX), AfterValidator(_client_id)]
Zone = Annotated[str, AfterValidator(_zone)]
Codes = Annotated[tuple[int, ...], BeforeValidator(_tuple), AfterValidator(_harmless)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_tuple), AfterValidator(_no_blanks)]


class Block(BaseModel):
    """What all blocks have in common."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", validate_default=True)


class Broker(Block):
    """`BROKER`: where the gateway is and who we are there."""

    client: Literal["ib_async", "ib_insync"] = "ib_async"
    host: Annotated[str, Field(min_length=1, max_length=255)] = "127.0.0.1"
    port: Port = 4002
    client_id: ClientId = 11
    cli_client_id: ClientId = 12
    account: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    timeout_seconds: Seconds = 10.0
    warning_codes: Codes = ()

    @model_validator(mode="after")
    def _two_clients(self) -> Self:
        if self.client_id == self.cli_client_id:
            raise ValueError(
                f"client_id and cli_client_id are both {self.client_id}; expected two different ids, "
                "so that the command line works beside a running bot"
            )
        return self


class BackupKeep(Block):
    """`BACKUP_KEEP`: how many backups each rule keeps; 0 is no rule. One that an open plan names always stays."""

    last: Annotated[int, Field(ge=0, le=10_000)] = 48
    hourly: Annotated[int, Field(ge=0, le=10_000)] = 48
    daily: Annotated[int, Field(ge=0, le=10_000)] = 30
    weekly: Annotated[int, Field(ge=0, le=10_000)] = 52

    @model_validator(mode="after")
    def _keeps_something(self) -> Self:
        if not any((self.last, self.hourly, self.daily, self.weekly)):
            raise ValueError("all of its rules are 0; expected at least one that keeps backups")
        return self


class Reconcile(Block):
    """`RECONCILE`: when and how the two sides are matched."""

    timeout_seconds: Seconds = 60.0
    interval_seconds: WholeSeconds = 300
    timestamp_match_window_seconds: Annotated[int, Field(ge=0, le=86_400)] = 300
    require_exact_price_match: bool = True
    price_tolerance: Annotated[Exact, Field(ge=0), AfterValidator(_e8)] = Decimal(0)
    signature_matches: Literal["review", "accept_unique"] = "review"
    plan_ttl_minutes: Annotated[int, Field(ge=1, le=1_440)] = 60

    @property
    def match_rules(self) -> MatchRules:
        """The settings that decide which records are taken for the same order."""
        return MatchRules(
            window_seconds=self.timestamp_match_window_seconds,
            exact_price=self.require_exact_price_match,
            price_tolerance=self.price_tolerance,
            accept_unique=self.signature_matches == "accept_unique",
        )


class GatewayRestart(Block):
    """
    `GATEWAY_RESTART`: the gateway's daily restart, around which the gate is closed.

    `time` is wall-clock time in `timezone` (None: this computer's); None: it does not restart by itself. After a
    restart the account is read again, `read_again_seconds` later, until two readings agree.
    """

    time: Annotated[str, AfterValidator(_wall_time)] | None = "23:45"
    timezone: Annotated[str, AfterValidator(_zone)] | None = None
    minutes_before: Annotated[int, Field(ge=0, le=240)] = 5
    minutes_after: Annotated[int, Field(ge=0, le=240)] = 10
    read_again_seconds: Seconds = 30.0

    @property
    def minute_of_day(self) -> int | None:
        """When, in minutes since midnight."""
        if self.time is None:
            return None
        hours, _, minutes = self.time.partition(":")
        return int(hours) * 60 + int(minutes)

    @property
    def zone(self) -> ZoneInfo | None:
        """Where; None is this computer's zone."""
        return None if self.timezone is None else ZoneInfo(self.timezone)

    @property
    def zone_name(self) -> str:
        """Where, for a reader."""
        return self.timezone or "local time"


class SpyFutures(Block):
    """`SPY_FUTURES`: the positions that are watched, and from where on something is recommended."""

    symbols: Annotated[Texts, Field(max_length=100)] = ("ES", "MES", "SPY")
    max_unrealized_loss_pct: Percent = Decimal("2.0")
    max_position_duration_hours: Annotated[Exact, Field(gt=0, le=87_600)] = Decimal(24)
    take_profit_threshold_pct: Annotated[Exact, Field(gt=0, le=10_000)] = Decimal("1.5")


class Database(Block):
    """`DATABASE`: where the bot's own order book is."""

    orders_db_path: PathText = "./data/orders.db"


class Audit(Block):
    """`AUDIT`: how long audit rows are kept."""

    retention_days: Annotated[int, Field(ge=1, le=36_500)] = 90


class Idempotency(Block):
    """`IDEMPOTENCY`: how long an equal order without an intent id counts as the same one."""

    window_seconds: WholeSeconds = 60


class AlertTargets(Block):
    """Apprise addresses by severity. They hold secrets, so nothing prints or dumps them."""

    info: Annotated[Texts, Field(repr=False, alias="INFO")] = ()
    medium: Annotated[Texts, Field(repr=False, alias="MEDIUM")] = ()
    high: Annotated[Texts, Field(repr=False, alias="HIGH")] = ()
    critical: Annotated[Texts, Field(repr=False, alias="CRITICAL")] = ()

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    def of(self, severity: Severity) -> tuple[str, ...]:
        """The addresses that are told about alerts of this severity."""
        by_severity: dict[Severity, Callable[[], tuple[str, ...]]] = {
            "INFO": lambda: self.info,
            "MEDIUM": lambda: self.medium,
            "HIGH": lambda: self.high,
            "CRITICAL": lambda: self.critical,
        }
        return by_severity[severity]()

    @field_serializer("info", "medium", "high", "critical")
    def _count_only(self, value: tuple[str, ...], _info: SerializationInfo) -> str:
        return f"{len(value)} hidden"


class Alerts(Block):
    """`ALERTS`: who is told, and how often the same alert may be sent."""

    targets: AlertTargets = AlertTargets()
    rate_limit_seconds: Annotated[int, Field(ge=0, le=86_400)] = 60
